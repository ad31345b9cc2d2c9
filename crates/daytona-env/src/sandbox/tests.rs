//! The handle over a transport that runs commands in a shell of this machine.

mod faults;
mod server;
mod truth;
