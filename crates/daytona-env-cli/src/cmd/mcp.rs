//! `mcp`: the tools for any client of the Model Context Protocol.

mod config;
mod http;
mod sessions;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;

use sandbox_tools::mcp::McpServer;

use crate::args::McpArgs;
use crate::embedded;
use crate::error::Failure;
use crate::host::HostEnv;
use crate::output;
use crate::signals::Signals;
use crate::target::Target;

pub(crate) async fn run(args: McpArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let done = match args.print_config {
        Some(client) => config::print(client, &args),
        None => Box::pin(serve(args, host, signals)).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn serve(args: McpArgs, host: &HostEnv, signals: &mut Signals) -> Result<(), Failure> {
    let listening = match args.http {
        true => Some(http::Listening::new(&args, host).await?),
        false => None,
    };
    let embedded = args.embedded(host.account()?.is_none());
    let target = tokio::select! {
        target = Target::choose(host, &embedded) => Arc::new(target?),
        _ = signals.next() => return Ok(()),
    };
    if let Target::Embedded(server) = &*target {
        let isolation = embedded::describe(&server.isolation());
        output::note(&format!(
            "no DAYTONA_API_KEY: using the embedded server on this machine ({isolation})"
        ));
    }
    let args = Arc::new(args);
    let sessions::Sessions { server, shared } = sessions::Sessions::new(&args, &target)?;
    match listening {
        None => {
            if io::stdin().is_terminal() {
                output::note(
                    "speaking the Model Context Protocol on stdin, which is for a program; --print-config shows how one starts it",
                );
            }
            tokio::select! {
                () = server.serve(tokio::io::stdin(), tokio::io::stdout()) => {}
                _ = signals.next() => {}
            }
        }
        Some(listening) => {
            tokio::select! {
                served = listening.serve(&server) => served?,
                _ = signals.next() => {}
            }
        }
    }
    end(server, shared, target, signals).await
}

/// Nothing is left, or what may be is told.
async fn end(
    server: McpServer,
    shared: Option<daytona_env::DaytonaEnvironment>,
    target: Arc<Target>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let closing = async {
        let sessions = server
            .close()
            .await
            .map_err(|error| Failure::new("a session has left a sandbox").because(error));
        let shared = match &shared {
            Some(environment) => environment.close().await.map_err(|error| {
                Failure::new("the shared sandbox could not be removed").because(error)
            }),
            None => Ok(()),
        };
        sessions.and(shared)
    };
    let closed = tokio::select! {
        closed = closing => closed,
        signal = signals.next() => Err(Failure::new(format!(
            "{}: leaving at once; the server deletes what is left when its lease ends",
            signal.name()
        ))),
    };
    drop((server, shared));
    // Without this its sandboxes end with the process.
    if let Some(Target::Embedded(server)) = Arc::into_inner(target) {
        tokio::select! {
            () = server.shutdown() => {}
            _ = signals.next() => {}
        }
    }
    closed
}
