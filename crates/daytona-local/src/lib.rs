//! A Daytona-compatible server in this process: control plane and toolbox over real local processes.

mod clock;
mod machine;
mod server;

pub use clock::{Clock, ManualClock, SystemClock};
pub use machine::{CannedExec, CannedReply, Isolation, IsolationMode, IsolationReport};
