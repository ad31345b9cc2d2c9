//! The control plane: rows, their states, the timers that move them.

pub(crate) mod build_log;
pub(crate) mod create;
pub(crate) mod lifecycle;
pub(crate) mod list;
pub(crate) mod misc;
pub(crate) mod mounts;
pub(crate) mod news;
pub(crate) mod row;
pub(crate) mod settings;
pub(crate) mod store;
mod timers;
mod view;
pub(crate) mod volumes;

pub use row::SandboxRow;
