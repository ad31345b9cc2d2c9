//! What sandbox-core promises, seen from outside.

mod cancel;
mod close;
mod contract;
mod create;
mod fake;
#[cfg(all(feature = "local", unix))]
mod local;
mod lost;
mod open;
