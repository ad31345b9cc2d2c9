//! What is promised, under every fault: one test for each fault of docs/faults.md, cancellation at every poll, kills at
//! random instants, and simulated worlds of several processes.

mod faults;
mod world;
