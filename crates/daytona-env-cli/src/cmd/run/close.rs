//! The end of a run: nothing left, or a list of what may be.

use std::time::Duration;

use daytona_env::DaytonaEnvironment;
use daytona_local::Server;
use sandbox_core::{CloseError, SandboxInfo};

use crate::args::RunArgs;
use crate::error::Failure;
use crate::output;
use crate::progress::Progress;
use crate::signals::{Signal, Signals};

/// The server looks for expired leases now and then: it may take this much longer.
const LAG: Duration = Duration::from_secs(60);

/// How the clean-up ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nothing is left; the signal that asked for it, if one did.
    Clean(Option<Signal>),
    /// Something is left, or may be.
    Left(Vec<Failure>),
}

/// Deletes what there is, and waits for a create that is under way to know what there is. A signal on the way is taken
/// as the first; the second ends the wait.
pub(super) async fn close(
    args: &RunArgs,
    environment: &DaytonaEnvironment,
    opened: Option<&SandboxInfo>,
    mut signal: Option<Signal>,
    signals: &mut Signals,
) -> Ended {
    let _progress = Progress::step("deleting the sandbox");
    if let Some(signal) = signal {
        output::note(&format!(
            "{}: cleaning up; once more to leave at once",
            signal.name()
        ));
    }
    let closing = environment.close();
    tokio::pin!(closing);
    loop {
        tokio::select! {
            biased;
            closed = &mut closing => return match closed {
                Ok(()) => Ended::Clean(signal),
                Err(error) => Ended::Left(leftovers(&error)),
            },
            next = signals.next() => {
                if signal.is_some() {
                    return Ended::Left(vec![abandoned(args, opened, next)]);
                }
                signal = Some(next);
            }
        }
    }
}

/// Leaves the sandbox to the server. The environment would delete it when dropped.
pub(super) fn keep(environment: DaytonaEnvironment, sandbox: &SandboxInfo, lease: u64) {
    Box::leak(Box::new(environment));
    output::note(&format!(
        "kept {} (id {}): the server stops it after {lease} idle minutes and deletes it 24 hours after that",
        sandbox.name(),
        sandbox.id()
    ));
}

/// Stops the embedded server; its sandboxes end with it, and with this process in any case.
pub(super) async fn stop(server: Server, signals: &mut Signals) {
    tokio::select! {
        () = server.shutdown() => {}
        _ = signals.next() => {}
    }
}

fn leftovers(error: &CloseError) -> Vec<Failure> {
    error
        .leftovers()
        .iter()
        .map(|left| {
            let id = left
                .id()
                .map_or_else(|| "unknown".to_owned(), str::to_owned);
            Failure::new(format!("sandbox {} (id {id}) may be left", left.name()))
                .because(left.why().clone())
                .hint(bound(left.server_bound()))
        })
        .collect()
}

fn abandoned(args: &RunArgs, opened: Option<&SandboxInfo>, signal: Signal) -> Failure {
    let what = match opened {
        Some(sandbox) => format!(
            "sandbox {} (id {}) may be left",
            sandbox.name(),
            sandbox.id()
        ),
        None => {
            "a sandbox that was being created may be left (its name starts with denv-)".to_owned()
        }
    };
    let idle = Duration::from_secs(args.lease * 60);
    Failure::new(format!("{}: leaving at once: {what}", signal.name()))
        .hint(bound((!args.persist).then_some(idle + LAG)))
}

fn bound(bound: Option<Duration>) -> String {
    match bound {
        Some(bound) => format!("the server itself removes it within {} s", bound.as_secs()),
        None => "the server does not remove it by itself: delete it".to_owned(),
    }
}
