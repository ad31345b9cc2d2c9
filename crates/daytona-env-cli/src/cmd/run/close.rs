//! The end of a run: nothing left, or a list of what may be.

use std::error::Error as StdError;
use std::time::Duration;

use daytona_api::Daytona;
use daytona_env::DaytonaEnvironment;
use daytona_local::Server;
use sandbox_core::{CloseError, Leftover, SandboxInfo};

use crate::error::{Failure, is_no_api};
use crate::host::Account;
use crate::output;
use crate::progress::Progress;
use crate::signals::{Signal, Signals};
use crate::target::Target;

/// The longest look for an id that is not known.
const LOOK: Duration = Duration::from_secs(3);

/// What is to be cleaned up.
#[derive(Debug)]
pub(in crate::cmd) struct Closing<'a> {
    pub(in crate::cmd) environment: &'a DaytonaEnvironment,
    pub(in crate::cmd) target: &'a Target,
}

/// How the clean-up ended.
#[derive(Debug)]
pub(in crate::cmd) enum Ended {
    /// Nothing is left; the signal that asked for it, if one did.
    Clean(Option<Signal>),
    /// Something is left, or may be.
    Left(Vec<Failure>),
}

impl Closing<'_> {
    /// Deletes what there is, and waits for a create that is under way to know what there is. A signal on the way is
    /// taken as the first; the second ends the wait.
    pub(in crate::cmd) async fn close(
        &self,
        mut signal: Option<Signal>,
        signals: &mut Signals,
    ) -> Ended {
        if let Some(signal) = signal {
            output::note(&format!(
                "{}: cleaning up; once more to leave at once",
                signal.name()
            ));
        }
        // after the line, which it would be drawn over
        let _progress = Progress::step("deleting the sandbox");
        let closing = async {
            match self.environment.close().await {
                Ok(()) => Vec::new(),
                Err(error) => self.leftovers(&error).await,
            }
        };
        tokio::pin!(closing);
        loop {
            tokio::select! {
                biased;
                left = &mut closing => {
                    return if left.is_empty() { Ended::Clean(signal) } else { Ended::Left(left) };
                }
                next = signals.next() => {
                    if signal.is_some() {
                        return Ended::Left(self.abandoned(next));
                    }
                    signal = Some(next);
                }
            }
        }
    }

    async fn leftovers(&self, error: &CloseError) -> Vec<Failure> {
        let mut failures = Vec::new();
        for left in error.leftovers() {
            let id = match (left.id(), self.target) {
                (Some(id), _) => Some(id.to_owned()),
                (None, Target::Account(account)) => look_up(account, left).await,
                (None, Target::Embedded(_)) => None,
            };
            failures.push(
                Failure::new(format!("{} may be left", named(left.name(), id.as_deref())))
                    .because(left.why().clone())
                    .hint(self.bound(left)),
            );
        }
        failures
    }

    /// What there is or may be right now, without asking the server.
    fn abandoned(&self, signal: Signal) -> Vec<Failure> {
        let left = |left: &Leftover| {
            let sandbox = named(left.name(), left.id());
            Failure::new(format!(
                "{}: leaving at once: {sandbox} may be left",
                signal.name()
            ))
            .hint(self.bound(left))
        };
        let all: Vec<Failure> = self.environment.leftovers().iter().map(left).collect();
        if all.is_empty() {
            let nothing = format!(
                "{}: leaving at once; nothing is known to be left",
                signal.name()
            );
            return vec![Failure::new(nothing)];
        }
        all
    }

    fn bound(&self, left: &Leftover) -> String {
        match (self.target, left.server_bound()) {
            (Target::Embedded(_), _) => {
                "the embedded server ends with this process, and its sandboxes with it".to_owned()
            }
            (Target::Account(account), _) if answered_by_no_api(left.why()) => {
                account.not_daytona()
            }
            (Target::Account(_), Some(bound)) => {
                format!("the server itself removes it within {} s", bound.as_secs())
            }
            (Target::Account(_), None) => {
                "if it gets to run, the server itself removes it once its lease is over; if not, \
                it may stay: see `daytona-env ls`, and run `daytona-env sweep`"
                    .to_owned()
            }
        }
    }
}

/// Then nothing is known about what is there, and what it removes by itself.
fn answered_by_no_api(why: &sandbox_core::Error) -> bool {
    let mut next: Option<&dyn StdError> = Some(why);
    while let Some(error) = next {
        if is_no_api(&error.to_string()) {
            return true;
        }
        next = error.source();
    }
    false
}

fn named(name: &str, id: Option<&str>) -> String {
    format!("sandbox {name} (id {})", id.unwrap_or("unknown"))
}

/// The id of a sandbox whose create has not been answered, if the server tells it soon.
async fn look_up(account: &Account, left: &Leftover) -> Option<String> {
    let api = Daytona::new(account.config()).ok()?;
    let sandboxes = api.sandboxes();
    let row = tokio::time::timeout(LOOK, sandboxes.get(left.name())).await;
    row.ok()?.ok().map(|row| row.id)
}

/// Leaves the sandbox to the server. The environment would delete it when dropped.
pub(in crate::cmd) fn keep(environment: DaytonaEnvironment, sandbox: &SandboxInfo, lease: u64) {
    Box::leak(Box::new(environment));
    output::note(&format!(
        "kept {} (id {}): the server stops it after {lease} idle minutes and deletes it 24 hours after that",
        sandbox.name(),
        sandbox.id()
    ));
    output::hint(&format!(
        "`daytona-env run --sandbox {0} -- CMD` goes on with it, `daytona-env rm {0}` deletes it",
        sandbox.name()
    ));
}

/// Stops the embedded server; its sandboxes end with it, and with this process in any case.
pub(in crate::cmd) async fn stop(server: Server, signals: &mut Signals) {
    tokio::select! {
        () = server.shutdown() => {}
        _ = signals.next() => {}
    }
}

/// Ends a start that a signal came into. It is let finish first: only a server that runs can clean up after itself.
pub(super) async fn begun(
    starting: impl Future<Output = Result<Target, Failure>>,
    signals: &mut Signals,
) {
    let target = tokio::select! {
        target = starting => target,
        _ = signals.next() => return,
    };
    if let Ok(Target::Embedded(server)) = target {
        stop(server, signals).await;
    }
}
