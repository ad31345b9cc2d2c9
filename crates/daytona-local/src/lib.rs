//! A Daytona-compatible server in this process: the control plane with its real states and timers, and the toolbox over
//! real local processes. Unmodified Daytona clients run against it; tests script its faults and move its clock.
//!
//! ```no_run
//! # async fn demo() -> Result<(), daytona_local::Error> {
//! use daytona_local::{Isolation, Server};
//!
//! let server = Server::builder().isolation(Isolation::Required).start().await?;
//! println!("DAYTONA_API_URL={} DAYTONA_API_KEY={}", server.api_url(), server.token());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! An image is recorded and not pulled: programs run on the host's own `/usr`, read-only, in a private root.

mod clock;
mod control;
mod error;
mod faults;
mod isolate;
mod log;
mod server;
mod toolbox;

pub use clock::{AcceleratedClock, Clock, ManualClock, Sleep, SystemClock, TokioClock};
pub use control::SandboxRow;
pub use error::{Error, ErrorKind};
pub use faults::{
    Fault, FaultHandle, FaultKind, FaultPlan, FaultScript, FaultStatus, Faults, RequestInfo,
};
pub use isolate::{Isolation, IsolationMode, IsolationReport};
pub use log::{RequestRecord, waves};
pub use server::{CannedExec, Server, ServerBuilder};
