//! What sandbox-core promises, seen from outside.

mod cancel;
mod close;
mod contract;
mod create;
mod fake;
mod lost;
mod open;
