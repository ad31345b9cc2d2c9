//! The tools as a model and its host see them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod example;
mod files;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "mcp")]
mod progress;
mod registry;
mod runs;
mod schemas;
mod support;
