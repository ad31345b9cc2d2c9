//! A client for the Daytona API: models, routes and hand-written methods over hyper.
//!
//! ```
//! # #[cfg(feature = "test-util")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), daytona_api::Error> {
//! use daytona_api::test_util::Scripted;
//! use daytona_api::{Config, Daytona};
//!
//! let server = Scripted::new().json(200, r#"{"id":"sb-1","name":"demo","state":"started"}"#);
//! let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
//! let sandbox = api.sandboxes().create().name("demo").send().await?;
//! assert_eq!(sandbox.id, "sb-1");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "test-util"))]
//! # fn main() {}
//! ```
//!
//! # Concepts
//!
//! * [`Config`] holds the credential and the limits; [`Daytona`] is the client, cheap to clone. Nothing is read
//!   from the process environment but by [`Config::from_env`].
//! * Requests are built from the table in [`routes`] without any I/O and then sent through a
//!   [`Transport`](transport::Transport): [`HyperTransport`](transport::HyperTransport) unless another is given.
//! * A call is repeated only when repeating cannot do harm: idempotent calls, and any call of which not one byte
//!   was sent. Creating a sandbox, running a command and uploading are never sent twice.
//! * The credential goes to the API's origin, and to a toolbox proxy only as [`Daytona::toolbox_at`] describes.
//! * No redirect is followed and no proxy variable is read.
//!
//! # Tracing
//!
//! Each call has a span `daytona.request` of the crate `tracing`, and in it one `daytona.attempt` per attempt; what they
//! are made of is stable and in docs/observability.md of the repository. [`Config::trace_context`] puts the trace into
//! the requests.
//!
//! # Features
//!
//! | feature | default | what it adds | crates in all |
//! |---|---|---|---|
//! | none | | models and routes: data only, without tokio or hyper | 11 |
//! | `client` | yes | everything else that is not named here | 76 |
//! | `archive` | | whole folders to and from a sandbox (Unix only), by the crate `tar` | 78 |
//! | `test-util` | | transports for tests, in `test_util` | 76 |
//!
//! The numbers hold: a release checks that no more crates come along.
//!
//! # Errors
//!
//! [`Error`] is opaque: its [`kind`](Error::kind) is the phase that failed, and
//! [`may_have_reached_server`](Error::may_have_reached_server) says whether the server may have acted. It never
//! holds a credential, the value of an environment variable, or a URL's query.
//!
//! # Cancel safety
//!
//! Dropping the future of a call closes its connection. A request that was already sent may still be carried out.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. What is public is held as a text, so it
//! does not change unnoticed; types of others in it are `bytes`, `http`, `http-body`, `serde`, `serde_json`, `futures`'s
//! traits and `tokio`'s. Models follow the service: an unknown member, value of an enumeration or state is kept and is no
//! error. The texts of errors and the types of their causes may change at any time.

mod generated;

pub mod models;
pub mod routes;

#[cfg(feature = "client")]
pub mod api;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
pub mod pagination;
#[cfg(feature = "client")]
mod request;
#[cfg(feature = "client")]
mod response;
#[cfg(feature = "test-util")]
pub mod test_util;
#[cfg(feature = "client")]
pub mod transport;
#[cfg(feature = "client")]
mod wire;

#[cfg(feature = "client")]
pub use crate::client::auth::ApiKey;
#[cfg(feature = "client")]
pub use crate::client::config::{Config, Limits, Timeouts};
#[cfg(feature = "client")]
pub use crate::client::trace_context::TraceContext;
#[cfg(feature = "client")]
pub use crate::client::{Builder, Daytona};
#[cfg(feature = "client")]
pub use crate::error::{Error, ErrorKind};
