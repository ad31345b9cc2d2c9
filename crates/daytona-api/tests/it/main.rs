//! Tests of the client from outside: the requests it makes, and what it does with every kind of answer.

mod requests;
mod support;
mod wire;
