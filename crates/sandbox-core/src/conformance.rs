//! Rules that every factory of sandboxes should keep, to be run in its author's tests.
//!
//! ```
//! # #[cfg(all(feature = "local", unix))]
//! # {
//! use context_vars::Variable;
//! use sandbox_core::LocalEnvironment;
//! use sandbox_core::conformance::{self, TENANT, TOKEN};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let make = || {
//!     LocalEnvironment::builder()
//!         .scope(Variable::new(TENANT))
//!         .env_var("TOKEN", Variable::new(TOKEN))
//!         .build()
//!         .unwrap()
//! };
//! let report = conformance::Suite::new(make).only("exit-codes").run().await;
//! report.assert_all();
//! # });
//! # }
//! ```
//!
//! Each rule gets a factory of its own and closes it at the end. A rule knows nothing of the
//! factory but its traits, and of the sandbox only that it has a POSIX `sh` with the usual
//! commands. The clock is real: a rule that waits for a timeout takes seconds.
//!
//! # Providers
//!
//! Who writes a `Provider` runs [`Suite::over`] it: all rules over a `CachingFactory` of it, and
//! those that a provider owes the factory, such as finding by name what a lost answer has made.
//!
//! # What the factory must be made with
//!
//! Its parameters resolve the variable [`TENANT`], and contexts that differ in it get sandboxes of
//! their own. The variable [`TOKEN`] is in every context, too: a secret, which must show up nowhere
//! outside of the sandbox. A default timeout of at least 30 s.

mod cancellation;
mod concurrency;
mod exec;
mod files;
mod lab;
mod lifecycle;
#[cfg(feature = "cache")]
mod provider;
mod report;
mod rule;
mod secrets;
mod suite;

pub use lab::{TENANT, TOKEN};
pub use report::{Outcome, Report};
pub use rule::Rule;
#[cfg(feature = "cache")]
pub use suite::provider_rules;
pub use suite::{Suite, rules};

use crate::SandboxFactory;

/// Runs all rules over factories that `make` makes. [`Suite`] can run some, or leave some out.
///
/// # Cancel safety
///
/// Dropping the future ends the run; a sandbox that a rule had open may be left.
pub async fn run<F: SandboxFactory>(make: impl Fn() -> F + Send + Sync + 'static) -> Report {
    Suite::new(make).run().await
}
