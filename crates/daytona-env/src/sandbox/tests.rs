//! The handle over a transport that runs commands in a shell of this machine.

mod attach;
mod disk;
mod faults;
mod files;
mod server;
mod truth;
