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
mod keys;
#[cfg(all(feature = "local", unix))]
mod local;
mod lost;
#[cfg(feature = "metrics")]
mod metering;
mod open;
mod refused;
mod revive;
mod runtimes;
#[cfg(all(feature = "signals", feature = "local", unix))]
mod signals;
mod stress;
