//! The embedded server, in this process.

use std::path::Path;

use daytona_local::{
    ErrorKind, FaultScript, Isolation, IsolationMode, IsolationReport, Server, ServerBuilder,
};

use crate::args::{EmbeddedArgs, IsolationArg, ServeArgs, ServeIsolation};
use crate::error::Failure;

/// Starts the server that a `run` uses when no account is configured.
pub(crate) async fn for_run(args: &EmbeddedArgs) -> Result<Server, Failure> {
    let isolation = match args.isolation.unwrap_or(IsolationArg::Auto) {
        IsolationArg::Auto => Isolation::Auto,
        IsolationArg::Required => Isolation::Required,
        IsolationArg::None => Isolation::None,
    };
    let builder = Server::builder()
        .isolation(isolation)
        .network(!args.no_network)
        .any_snapshot(true);
    start(
        args.bind_ro
            .iter()
            .fold(builder, |builder, dir| builder.bind_ro(dir)),
    )
    .await
}

/// Starts the server that other programs use.
pub(crate) async fn for_serve(args: &ServeArgs) -> Result<Server, Failure> {
    let isolation = match args.isolation {
        ServeIsolation::Required => Isolation::Required,
        ServeIsolation::None => Isolation::None,
    };
    let builder = Server::builder()
        .isolation(isolation)
        .network(!args.no_network)
        .port(args.port)
        .speed(args.speed)
        .admin(args.admin);
    let faults = args.faults.as_deref().map(script).transpose()?;
    let server = start(
        args.bind_ro
            .iter()
            .fold(builder, |builder, dir| builder.bind_ro(dir)),
    )
    .await?;
    if let Some(faults) = faults {
        server.faults().load(faults);
    }
    Ok(server)
}

fn script(path: &Path) -> Result<FaultScript, Failure> {
    let failure = || Failure::new(format!("cannot use the faults in {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failure().because(error))?;
    FaultScript::parse(&text).map_err(|error| failure().because(error))
}

async fn start(builder: ServerBuilder) -> Result<Server, Failure> {
    builder.start().await.map_err(|error| {
        let kind = error.kind();
        let failure = Failure::new("cannot start the embedded server").because(error);
        match kind {
            ErrorKind::IsolationUnavailable => failure.hint(
                "--isolation none runs commands as you, on this machine, with access to all that you have",
            ),
            ErrorKind::PortUnavailable => failure.hint("give another --port, or 0 for a free one"),
            _ => failure,
        }
    })
}

/// What keeps commands from this machine, in a few words.
pub(crate) fn describe(report: &IsolationReport) -> String {
    let network = if report.network { "on" } else { "off" };
    let mode = match (report.mode, &report.reason) {
        (IsolationMode::None, Some(reason)) => format!("none, since {reason}"),
        (mode, _) => mode.to_string(),
    };
    format!("isolation: {mode}; network: {network}")
}
