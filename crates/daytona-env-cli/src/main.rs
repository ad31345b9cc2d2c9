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
use clap::error::{ContextKind, ErrorKind};

use crate::args::{Cli, Command};
use crate::error::{FAILED, Failure, JsonFailure};
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
            Command::Shell(args) => Box::pin(cmd::shell::run(*args, &host, &mut signals)).await,
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
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let hint = dashes(error);
    if let Some(hint) = &hint {
        output::hint(hint);
    }
    let json = std::env::args_os()
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    if json {
        let text = error.to_string();
        let said = text.lines().take_while(|line| !line.is_empty());
        let said = said.map(str::trim).collect::<Vec<_>>().join(" ");
        let failure = Failure::new(said.trim_start_matches("error: "));
        let failure = match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        };
        output::json(&JsonFailure::of(&failure));
    }
    ExitCode::from(FAILED)
}

/// What to do where the command of a `run` was not put after `--`.
fn dashes(error: &clap::Error) -> Option<String> {
    let said = |kind| error.get(kind).map(ToString::to_string);
    let word = said(ContextKind::InvalidArg)?;
    let is_run = said(ContextKind::Usage)?.contains("daytona-env run");
    (error.kind() == ErrorKind::UnknownArgument && is_run && !word.starts_with('-'))
        .then(|| format!("the command comes after `--`: daytona-env run [OPTIONS] -- {word} .."))
}
