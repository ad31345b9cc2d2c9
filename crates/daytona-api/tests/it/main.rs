//! Tests of the client from outside: the requests it makes, and what it does with every kind of answer.

#[cfg(feature = "test-util")]
mod build_log;
#[cfg(feature = "test-util")]
mod cassettes;
#[cfg(all(feature = "context", feature = "test-util"))]
mod contexts;
mod decode;
#[cfg(feature = "test-util")]
mod failures;
mod files;
#[cfg(all(feature = "archive", feature = "test-util"))]
mod folders;
#[cfg(feature = "test-util")]
mod hostile;
#[cfg(feature = "test-util")]
mod images;
#[cfg(feature = "test-util")]
mod operations;
#[cfg(feature = "test-util")]
mod requests;
mod resume;
#[cfg(feature = "test-util")]
mod sizes;
mod sockets;
mod support;
#[cfg(feature = "test-util")]
mod time;
#[cfg(feature = "test-util")]
mod tracing;
#[cfg(feature = "test-util")]
mod transfers;
mod wire;
