//! Running a command: what is asked, what it writes while it runs, and what came of it.

mod event;
mod outcome;
mod output;
mod request;
mod running;
mod span;

pub use event::{ExecEvent, ExecStream};
pub use outcome::{ExecOutcome, ExecResult, ExecStatus};
pub use output::Output;
pub use request::ExecRequest;
pub use running::{ExecControl, ExecKiller, KillHandle, Running};
pub use span::ExecSpan;
