//! The control plane: rows, their states, the timers that move them.

pub(crate) mod access;
pub(crate) mod account;
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
mod view;
pub(crate) mod volumes;
pub(crate) mod warm_pools;

/// The one region there is.
pub(crate) const REGION: &str = "local";

pub use row::SandboxRow;
