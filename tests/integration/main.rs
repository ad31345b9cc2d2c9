//! Proofs over all crates: `DaytonaEnvironment` on the embedded server, over loopback.

mod adapters;
mod adopt;
mod argv;
mod bad_input;
mod baseline;
mod canaries;
mod close;
mod flight;
mod processes;
mod recorder;
mod spans;
mod streaming;
mod support;
