//! The server from outside: plain HTTP over loopback, real processes, a clock that the tests move.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod auth;
mod control;
mod exec;
mod faults;
mod files;
mod isolation;
mod kill;
mod lists;
mod support;
mod timers;
