//! What is promised, under every fault: one test for each fault of docs/faults.md, cancellation at every poll, kills at
//! random instants, and simulated worlds of several processes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and prints what it measured"
)]

mod crash;
mod faults;
mod metering;
mod sim;
mod torture;
mod world;
