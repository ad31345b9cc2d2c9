//! The real binary, run as a user runs it.

mod support;
mod sweep;

mod bad_input;
mod creating;
mod embedded;
mod faults;
mod help;
mod lease;
mod outcome;
mod remote;
mod secrets;
mod shell;
mod signals;
mod terminal;
mod transfer;
