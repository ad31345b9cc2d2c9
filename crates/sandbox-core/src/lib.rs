//! Sandboxes to run commands in, and factories that open the one a context belongs to.
//!
//! * [`Sandbox`]: run a command, keep files. [`SandboxExt`] adds comforts.
//! * [`SandboxFactory`]: `open(context)` gives the one live sandbox for what the parameters resolve
//!   to; `close` removes them all or says what is left. [`SingletonFactory`] lends a sandbox that
//!   somebody else owns.
//! * [`ExecRequest`] and [`ExecOutcome`]: a command's end is told apart from trouble on the way.
//! * [`adapter`]: command lines and source code over any sandbox, under a policy.
//! * [`Provider`]: what a kind of sandbox must be able to do.
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
//! There is no network here, and nothing about any one service.

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
