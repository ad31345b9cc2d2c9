//! Tests of the client from outside: the requests it makes, and what it does with every kind of answer.

#[cfg(feature = "test-util")]
mod requests;
mod support;
mod wire;
