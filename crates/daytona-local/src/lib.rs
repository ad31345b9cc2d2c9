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
//! An image is recorded and not pulled: programs run on the host's own `/usr`, read-only, in a private root. What its
//! Dockerfile copies from a build context is put into the sandbox, and its `ENV` and `WORKDIR` are in force there;
//! nothing of it is run. [`ServerBuilder::object_storage`] is where build contexts are uploaded to.

mod clock;
mod control;
mod error;
mod faults;
mod image;
mod isolate;
mod log;
mod server;
mod storage;
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
