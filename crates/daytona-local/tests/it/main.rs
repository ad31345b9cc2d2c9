//! The server from outside: over real connections, as any client sees it, with real processes and a clock that the
//! tests move.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod account;
mod build_log;
mod desktop;
mod events;
mod exec;
mod files;
mod folders;
mod git;
mod image_files;
mod isolation;
mod kill;
mod live;
mod plane;
mod ports;
mod previews;
mod secrets;
mod served;
mod server;
mod signed_files;
mod snapshots;
mod ssh;
mod storage;
mod support;
mod transfers;
mod volumes;
