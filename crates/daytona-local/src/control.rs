//! The control plane: rows, their states, the timers that move them.

pub(crate) mod access;
pub(crate) mod account;
mod agenda;
pub(crate) mod build_log;
pub(crate) mod create;
pub(crate) mod keys;
pub(crate) mod lifecycle;
pub(crate) mod list;
pub(crate) mod machines;
pub(crate) mod misc;
pub(crate) mod mounts;
pub(crate) mod news;
pub(crate) mod row;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod snapshots;
pub(crate) mod ssh;
pub(crate) mod store;
mod timers;
pub(crate) mod view;
pub(crate) mod volumes;
pub(crate) mod warm_pools;

/// The one region there is.
pub(crate) const REGION: &str = "local";
/// Whose the programs of a sandbox are, if a create says nothing.
const USER: &str = "daytona";

pub use row::SandboxRow;
