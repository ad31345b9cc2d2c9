//! Sandboxes on [Daytona](https://www.daytona.io) for platforms with many tenants: one [`DaytonaEnvironment`],
//! configured once with parameters that may be variables, hands each caller the one live sandbox for what those
//! parameters resolve to.
//!
//! ```
//! # #[cfg(feature = "local")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use context_vars::{Variable, Vars};
//! use daytona_env::DaytonaEnvironment;
//! use sandbox_core::{ExecRequest, Sandbox};
//!
//! # let server = daytona_local::Server::builder().isolation(daytona_local::Isolation::Auto).start().await?;
//! // on a server inside this process; `DaytonaEnvironment::builder()` with an `api_key` is the same on Daytona itself
//! let environment = DaytonaEnvironment::on(server)
//!     .image("python:3.12")
//!     .env_var("TENANT", Variable::new("tenant"))
//!     .scope(Variable::new("tenant"))
//!     .build()?;
//!
//! let acme = Vars::new().with("tenant", "acme");
//! let sandbox = environment.open(&acme).await?;
//! let outcome = sandbox.exec(ExecRequest::shell("echo hello $TENANT")).await?;
//! assert_eq!(outcome.stdout().text_lossy(), "hello acme\n");
//!
//! let again = environment.open(&acme).await?;
//! assert_eq!(again.id(), sandbox.id());
//! environment.close().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "local"))]
//! # fn main() {}
//! ```
//!
//! # Concepts
//!
//! **The key.** Credential, organization, API address, target, snapshot, image, environment variables and scope: opens
//! for which all of them resolve alike share a sandbox, and no others do. Give a scope, such as the tenant, to keep
//! tenants apart whatever the rest resolves to; [`require_scope`](DaytonaEnvironmentBuilder::require_scope) insists.
//!
//! **At most one create.** Each attempt has a name that nobody can guess and keeps it in every retry. Whatever is
//! answered, the name decides what became of it: a sandbox whose reply was lost is adopted, one that failed is deleted
//! and its reason reported.
//!
//! **A lease, always.** The server itself deletes (or, with [`Lease::Persist`], stops) what nobody renews; the
//! environment renews all of its sandboxes once a minute. A process that is killed leaves nothing for long: a running
//! sandbox is gone within the lease and about a minute.
//!
//! **Close is proof.** [`DaytonaEnvironment::close`] succeeds only once nothing is left, and lists what is otherwise.
//!
//! **Generations.** A sandbox that vanished is never pretended to be there: its handle answers `Lost`, and the next open
//! makes another with the next generation.
//!
//! Credentials are only ever the ones given: this crate does not read the process environment, and the embedded server
//! is used only where it is named.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `local` | no | `DaytonaEnvironment::local` and `DaytonaEnvironment::on`: an embedded server, no account |
//!
//! # Errors
//!
//! All are [`sandbox_core::Error`] with a kind. `build` reports what is wrong with constants, each open what is wrong
//! with resolved values, in the same words. No error, log or `Debug` holds a credential or an environment value.
//!
//! # Cancel safety
//!
//! The environment owns what it makes: dropping the future of an open or a close at any point leaks nothing.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. What is public is held as a text, so it
//! does not change unnoticed. The labels by which our sandboxes are found again are fixed, since sweepers of other versions
//! rely on them. The texts of errors may change at any time.

mod builder;
mod clients;
mod environment;
mod error;
mod fingerprint;
mod labels;
mod lease;
#[cfg(feature = "local")]
mod local;
mod params;
mod provider;
mod resources;
mod sandbox;
mod settings;
mod share;
mod sweep;
mod validate;
mod wrapper;

pub use builder::{DaytonaEnvironmentBuilder, ImageParam};
pub use daytona_api::TraceContext;
pub use daytona_api::api::Image;
pub use environment::DaytonaEnvironment;
pub use lease::Lease;
pub use resources::DaytonaResources;
pub use sandbox::{DaytonaSandbox, OwnedSandbox, SandboxRef};
pub use sweep::{SweepOutcome, SweepReport, Sweeper, SweeperBuilder, Swept};
