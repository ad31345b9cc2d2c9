//! Sandboxes to run commands in, and factories that open the one a context belongs to.
//!
//! ```
//! # #[cfg(all(feature = "local", unix))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox_core::{ExecRequest, ExecStatus, LocalEnvironment, NoVars, Sandbox, SandboxFactory};
//!
//! // folders and processes of this host; `DaytonaEnvironment` and one of yours are used alike
//! let environment = LocalEnvironment::builder().build()?;
//! let sandbox = environment.open(&NoVars).await?;
//! sandbox.put("name", "world\n".into()).await?;
//! let outcome = sandbox.exec(ExecRequest::shell("echo hello, $(cat name)")).await?;
//! assert_eq!(outcome.status(), ExecStatus::Exited(0));
//! assert_eq!(outcome.stdout().text_lossy(), "hello, world\n");
//! environment.close().await?;                                 // Ok: nothing is left
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "local", unix)))]
//! # fn main() {}
//! ```
//!
//! # Concepts
//!
//! * [`Sandbox`]: run a command, keep files. [`SandboxExt`] adds comforts.
//! * [`SandboxFactory`]: `open(context)` gives the one live sandbox for what the parameters resolve
//!   to; `close` removes them all or says what is left. [`SingletonFactory`] lends a sandbox that
//!   somebody else owns.
//! * [`ExecRequest`] and [`ExecOutcome`]: a command's end is told apart from trouble on the way.
//! * [`adapter`]: command lines and source code over any sandbox, under a policy.
//! * [`Provider`]: what a kind of sandbox must be able to do; `CachingFactory` makes a factory of it.
//!
//! There is no network here, and nothing about any one service.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `cache` | yes | `CachingFactory`, the factory over any [`Provider`] |
//! | `local` | yes | sandboxes that are folders and processes of this host |
//! | `conformance` | no | rules that every factory should keep, as a suite to run |
//! | `metrics` | no | counters and histograms of `CachingFactory` through the `metrics` facade |
//! | `serde` | no | `Snapshot` can be serialised |
//! | `signals` | no | a guard that closes factories when the process is told to end |
//!
//! # Errors
//!
//! One [`Error`] with an [`ErrorKind`] for all that implements these traits; `Display` says this level only, causes come
//! through `source`. It is cheap to clone: one failed creation is told to all who waited for it. No error holds a
//! credential or the value of a variable. How a command ended is no error: it is the [`ExecStatus`] of its outcome.
//!
//! # Cancel safety
//!
//! Each async method says what dropping its future does. A factory owns what it makes: a dropped `open` leaks nothing. A
//! dropped `exec` kills the command with all it started, where its backend can.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. What is public is held as a text, so it
//! does not change unnoticed; types of others in it are those of `bytes`, `context-vars`, `futures-core`, `serde` and
//! `tokio`. A method that a trait gains has a default. Rules may be added to the conformance suite at any time.

pub mod adapter;
#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
#[cfg(feature = "cache")]
mod event;
mod exec;
mod factory;
#[cfg(feature = "cache")]
mod fingerprint;
mod liveness;
#[cfg(all(feature = "local", unix))]
mod local;
pub mod path;
mod provider;
mod sandbox;
#[cfg(all(feature = "signals", unix))]
mod signals;
#[cfg(feature = "cache")]
mod snapshot;
mod spawner;
#[cfg(feature = "cache")]
mod suspension;
mod telling;

#[cfg(feature = "cache")]
pub use cache::{AtCapacity, CachingFactory, CachingFactoryBuilder, CloseReport, ClosedSandbox};
pub use context_vars::{NoVars, Scope, Secret, Source, Vars};
pub use error::{CloseError, Error, ErrorKind, Leftover};
#[cfg(feature = "cache")]
pub use event::{Event, EventKind, Events, Expiry, Observed, ScopePrint};
pub use exec::{
    ExecControl, ExecEvent, ExecKiller, ExecOutcome, ExecRequest, ExecResult, ExecSpan, ExecStatus,
    ExecStream, KillHandle, Output, Running,
};
pub use factory::{SandboxFactory, SingletonFactory};
#[cfg(feature = "cache")]
pub use fingerprint::Fingerprint;
pub use liveness::Liveness;
#[cfg(all(feature = "local", unix))]
pub use local::{LocalEnvironment, LocalEnvironmentBuilder, LocalSandbox};
pub use provider::{
    Attempt, CreateError, Destroyed, Fate, Found, Health, Provider, ResolvedOf, Target,
};
pub use sandbox::{ExecBuilder, FileEntry, Sandbox, SandboxExt, SandboxInfo};
#[cfg(all(feature = "signals", unix))]
pub use signals::SignalGuard;
#[cfg(feature = "cache")]
pub use snapshot::{AccountSnapshot, LeaseSnapshot, SandboxSnapshot, Snapshot, SnapshotState};
pub use spawner::{Background, BoxFuture, Spawner};
#[cfg(feature = "cache")]
pub use suspension::{HostSuspension, Suspension};
