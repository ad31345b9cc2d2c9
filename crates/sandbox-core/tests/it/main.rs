//! What sandbox-core promises, seen from outside.

mod bounds;
mod cancel;
mod close;
#[cfg(all(feature = "conformance", feature = "local", unix))]
mod conformance;
mod contract;
mod counting;
mod create;
mod events;
mod fake;
#[cfg(all(feature = "local", unix))]
mod local;
mod lost;
mod open;
mod revive;
#[cfg(all(feature = "signals", feature = "local", unix))]
mod signals;
mod stress;
