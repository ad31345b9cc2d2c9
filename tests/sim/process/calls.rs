//! What a process calls, and what must hold of each call.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use context_vars::Vars;
use daytona_env::DaytonaSandbox;
use daytona_local::SandboxRow;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use tokio::time::{Instant, sleep, timeout_at};

use super::Process;
use crate::sim::check;
use crate::sim::world::{CREATE, LOOK};
use crate::world::left;

/// A command of ours.
const COMMAND: Duration = Duration::from_secs(20);
/// What a close has if nothing else is said.
const CLOSE: Duration = Duration::from_secs(30);
/// How much later than its time a call may end.
const GRACE: Duration = Duration::from_secs(1);

impl Process {
    /// I7: what a call gives, within its time. While the process is suspended its own time stands still.
    async fn within<F: Future>(&self, limit: Duration, what: &str, call: F) -> F::Output {
        let mut call = pin!(call);
        let (begun, slept) = (Instant::now(), *self.0.slept.lock().unwrap());
        loop {
            let awake = *self.0.slept.lock().unwrap() - slept;
            let until = begun + limit + GRACE + awake;
            if let Ok(output) = timeout_at(until, &mut call).await {
                return output;
            }
            assert!(
                *self.0.slept.lock().unwrap() - slept > awake,
                "I7: {what} of {} takes longer than {limit:?}",
                self.0.name
            );
        }
    }

    /// What is alive and carries this process's labels.
    pub(in crate::sim) fn rows(&self) -> Vec<SandboxRow> {
        let mut alive = left(&self.0.server);
        let namespace = self.namespace();
        alive.retain(|row| row.labels.get("daytona-env.ns") == Some(&namespace));
        alive
    }

    /// I7, I9, I5.
    pub(super) async fn open(&self, key: u8) -> Option<Arc<DaytonaSandbox>> {
        let before = self.0.epoch.load(Ordering::Relaxed);
        let context = Vars::new().with("tenant", format!("tenant-{key}"));
        let environment = self.environment();
        self.0.opens.fetch_add(1, Ordering::Relaxed);
        let opened = self.within(self.0.ways.open(), "an open", environment.open(&context));
        let sandbox = match opened.await {
            Ok(sandbox) => sandbox,
            Err(error) => {
                *self.0.refused.lock().unwrap() = error.to_string();
                return None;
            }
        };
        if self.0.ways.shared {
            self.0.ways.agree(key, sandbox.name());
        }
        let mut known = self.0.opened.lock().unwrap();
        let (id, generation) = (sandbox.id().to_owned(), sandbox.generation());
        if let Some((epoch, last, last_generation)) = known.get(&key)
            && *epoch == before
            && self.0.epoch.load(Ordering::Relaxed) == before
            && *last != id
            && *last_generation <= generation
        {
            assert!(
                generation > *last_generation && sandbox.state_lost(),
                "I9: {last} of generation {last_generation} was replaced by {id} of {generation}, silently"
            );
        }
        for (other, (_, last, _)) in &*known {
            assert!(*other == key || *last != id, "I5: two tenants got {id}");
        }
        known.insert(key, (before, id, generation));
        drop(known);
        Some(sandbox)
    }

    /// I7, I8.
    pub(super) async fn command(&self, sandbox: &DaytonaSandbox) {
        let number = self.0.commands.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", self.0.name);
        let request = ExecRequest::shell(format!(": command-{mark}")).timeout(COMMAND);
        let outcome = self.within(COMMAND, "a command", sandbox.exec(request));
        let status = match outcome.await {
            Ok(outcome) => outcome.status(),
            Err(error) => {
                assert!(error.is_lost() || error.is_closed(), "I8: {error}");
                return;
            }
        };
        let ran = self.0.runs.of(&mark);
        match status {
            ExecStatus::NotStarted => {
                assert_eq!(ran, 0, "I8: command-{mark} did not start, and ran")
            }
            ExecStatus::Exited(0) => assert_eq!(ran, 1, "I8: command-{mark} ended, and never ran"),
            ExecStatus::Unknown | ExecStatus::Lost | ExecStatus::TimedOut => {}
            other => panic!("I8: {other:?} of command-{mark}, which cannot fail"),
        }
    }

    /// I7, I1: an `Ok` leaves nothing that was there before, and nothing at all if nobody opened meanwhile; whatever
    /// goes wrong at this time. What an error leaves, it names: checked at the end, when nothing else is under way.
    pub(super) async fn close(&self) {
        let before: BTreeSet<_> = self.rows().into_iter().map(|row| row.id).collect();
        let opens = self.0.opens.load(Ordering::Relaxed);
        self.0.epoch.fetch_add(1, Ordering::Relaxed);
        self.0.closing.fetch_add(1, Ordering::Relaxed);
        let environment = self.environment();
        let closed = self.within(CLOSE, "a close", environment.close()).await;
        self.0.closing.fetch_sub(1, Ordering::Relaxed);
        if closed.is_err() {
            self.0.untidy.store(true, Ordering::Relaxed);
            return;
        }
        self.0.closed.fetch_add(1, Ordering::Relaxed);
        let alone = opens == self.0.opens.load(Ordering::Relaxed);
        let mut alive = self.rows();
        alive.retain(|row| alone || before.contains(&row.id));
        // what is shared is let go of
        assert!(
            alive.is_empty() || self.0.ways.shared,
            "I1: {} closed in the middle of it, and left {alive:#?}\n{}",
            self.0.name,
            check::told(&self.0.server, &of(&alive))
        );
    }

    /// Nothing is broken any more: every key opens soon (I10), sharers agree (I3), and a close leaves nothing (I1) or
    /// names it.
    pub(in crate::sim) async fn recover(&self, agreed: &mut Agreed) {
        if self.is_dead() {
            return;
        }
        for key in 0..self.0.keys {
            // an open may join a create that got stuck in the trouble, and end before it does
            let patience = Instant::now() + LOOK + CREATE;
            let mut opened = self.open(key).await;
            while opened.is_none() && Instant::now() < patience {
                sleep(Duration::from_secs(1)).await;
                opened = self.open(key).await;
            }
            let sandbox = opened.unwrap_or_else(|| {
                panic!(
                    "I10: a key of {} does not open any more: {}\n{:#?}\n{}",
                    self.0.name,
                    self.0.refused.lock().unwrap(),
                    self.rows(),
                    check::told(&self.0.server, &of(&self.rows()))
                )
            });
            self.command(&sandbox).await;
            if self.0.ways.shared {
                agreed.check(self, key, sandbox.id());
            }
        }
        let environment = self.environment();
        let closed = self.within(CLOSE, "a close", environment.close()).await;
        let alive = self.rows();
        match closed {
            Ok(()) => assert!(
                alive.is_empty() || self.0.ways.shared,
                "I1: {} closed, and left {alive:#?}\n{}",
                self.0.name,
                check::told(&self.0.server, &of(&alive))
            ),
            Err(error) => {
                let named: Vec<_> = error
                    .leftovers()
                    .iter()
                    .map(|left| left.name().to_owned())
                    .collect();
                for row in alive {
                    assert!(
                        named.contains(&row.name) || self.0.ways.shared,
                        "I1: {error} does not name {row:?}"
                    );
                }
            }
        }
    }
}

/// What sharers opened last, by key.
#[derive(Debug, Default)]
pub(in crate::sim) struct Agreed(BTreeMap<u8, String>);

impl Agreed {
    fn check(&mut self, process: &Process, key: u8, id: &str) {
        if let Some(other) = self.0.insert(key, id.to_owned()) {
            // one that is gone may not be known to be
            let rows = process.rows();
            let alive = |id: &str| rows.iter().any(|row| row.id == id);
            assert!(
                other == id || !alive(&other) || !alive(id),
                "I3: {} opened {id}, while the others share {other}",
                process.name()
            );
        }
    }
}

fn of(rows: &[SandboxRow]) -> Vec<(String, String, String)> {
    let of = |row: &SandboxRow| (row.id.clone(), row.name.clone(), row.state.clone());
    rows.iter().map(of).collect()
}

/// The check of time must see what it is there for.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "I7: a call of process-0 takes longer than 5s")]
async fn a_call_that_takes_too_long_is_seen() {
    let process = crate::sim::world::process_alone();
    let never = std::future::pending::<()>();
    process
        .within(Duration::from_secs(5), "a call", never)
        .await;
}
