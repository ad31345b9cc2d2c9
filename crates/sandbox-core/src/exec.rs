//! Running a command: what is asked, and what came of it.

mod outcome;
mod output;
mod request;

pub use outcome::{ExecOutcome, ExecResult, ExecStatus};
pub use output::Output;
pub use request::ExecRequest;
