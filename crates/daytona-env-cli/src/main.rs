//! The `daytona-env` command: runs programs in Daytona sandboxes, or in an embedded server on this machine.
//!
//! The only crate of the workspace that reads arguments and the process environment, prints, exits, handles signals
//! and installs a tracing subscriber.

mod args;
mod cmd;
mod embedded;
mod error;
mod existing;
mod host;
mod output;
mod progress;
mod signals;
mod target;
mod transfer;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::error::{FAILED, Failure};
use crate::host::HostEnv;
use crate::signals::Signals;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let host = HostEnv::read();
    output::log_to_stderr(cli.verbose, host.log_filter());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new("cannot start").because(error).report(),
    };
    let code = runtime.block_on(async {
        // before anything that would have to be cleaned up
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                return Failure::new("cannot listen for signals")
                    .because(error)
                    .report();
            }
        };
        match cli.command {
            Command::Run(args) => Box::pin(cmd::run::run(*args, &host, &mut signals)).await,
            Command::Serve(args) => cmd::serve::run(args, &mut signals).await,
            Command::Mcp(args) => Box::pin(cmd::mcp::run(*args, &host, &mut signals)).await,
            Command::Ls(args) => cmd::ls::run(args, &host, &mut signals).await,
            Command::Rm(args) => cmd::rm::run(args, &host, &mut signals).await,
            Command::Sweep(args) => cmd::sweep::run(args, &host, &mut signals).await,
            Command::Doctor(args) => cmd::doctor::run(args, &host, &mut signals).await,
        }
    });
    // a thread that is stuck in a write to a full pipe must not hold up the exit
    runtime.shutdown_background();
    code
}

/// Prints help, or what is wrong with the arguments. The latter is 125 as every failure of ours: 2 may be a command's.
fn usage(error: &clap::Error) -> ExitCode {
    // nothing is left to tell it to if this fails
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}
