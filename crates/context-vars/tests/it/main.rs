//! Behaviour of context-vars, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod custom;
mod derive;
mod errors;
mod keys;
mod parity;
mod redaction;
mod sources;
