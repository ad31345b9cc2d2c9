//! The real binary, run as a user runs it.

mod support;
mod sweep;

mod bad_input;
mod canaries;
mod creating;
mod early;
mod embedded;
mod faults;
mod help;
mod input;
mod kept;
mod lease;
mod listed;
mod mcp;
mod mcp_config;
mod outcome;
mod pages;
mod remote;
mod secrets;
mod shell;
mod signals;
mod terminal;
mod transfer;
