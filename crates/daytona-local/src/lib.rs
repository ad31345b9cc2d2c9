//! A Daytona-compatible server in this process: the control plane with its real states and timers, and the toolbox over
//! real local processes. Unmodified Daytona clients run against it; tests script its faults and move its clock.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use daytona_api::{Config, Daytona};
//! use daytona_local::{Isolation, Server};
//!
//! let server = Server::builder().isolation(Isolation::Auto).start().await?;
//! let api = Daytona::new(Config::new(server.token()).api_url(server.api_url()))?;
//! let sandbox = api.sandboxes().create().name("mine").send().await?;
//! let ran = api.toolbox(&sandbox)?.process().execute("echo $((6 * 7))").send().await?;
//! assert_eq!(ran.result, "42\n");
//! assert_eq!(server.sandboxes().len(), 1);
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! An image is recorded and not pulled: programs run on the host's own `/usr`, read-only, in a private root. What its
//! Dockerfile copies from a build context is put into the sandbox, and its `ENV` and `WORKDIR` are in force there;
//! nothing of it is run. [`ServerBuilder::object_storage`] is where build contexts are uploaded to.
//!
//! # Concepts
//!
//! * [`Server`]: on a port of the loopback, with a token; it ends when it is dropped, and its sandboxes with it.
//! * [`Isolation`]: what keeps programs in a sandbox apart from the host. [`Isolation::Required`] is the default.
//! * [`Fault`], [`FaultPlan`], [`Faults`]: what goes wrong with which request; [`FaultHandle`] tells whether it struck.
//! * [`Clock`]: the server's time. [`ServerBuilder::manual_clock`] stands still until [`Server::advance`].
//! * [`Server::requests`] and [`Server::sandboxes`]: what was asked, and what there is.
//!
//! # Features
//!
//! None can be chosen.
//!
//! # Errors
//!
//! [`Error`] is for starting a server and for its clock; its [`kind`](Error::kind) says what was missing. What clients get
//! are the answers of the API.
//!
//! # Cancel safety
//!
//! The server runs on a thread of its own and not in the caller's futures. Once [`Server::shutdown`] was polled the server
//! stops, even if that future is dropped.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. What is public is held as a text, so it
//! does not change unnoticed. Answers follow the service and may change with it at any time; that of a route which is not
//! served is 501.

mod app;
mod canned;
mod clock;
mod control;
mod error;
mod faults;
mod ident;
mod image;
mod isolate;
mod log;
mod server;
mod storage;
mod toolbox;
mod web;

pub use canned::CannedExec;
pub use clock::{AcceleratedClock, Clock, ManualClock, Sleep, SystemClock, TokioClock};
pub use control::SandboxRow;
pub use error::{Error, ErrorKind};
pub use faults::{
    Fault, FaultHandle, FaultKind, FaultPlan, FaultScript, FaultStatus, Faults, RequestInfo,
};
pub use isolate::{Isolation, IsolationMode, IsolationReport};
pub use log::{RequestRecord, waves};
pub use server::{Server, ServerBuilder};
