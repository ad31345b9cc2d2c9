//! One process: an environment with its tasks, and what befalls it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox, Lease};
use daytona_local::{SandboxRow, Server};
use fastrand::Rng;
use sandbox_core::{EventKind, Events, ExecRequest, ExecStatus, Observed, Sandbox};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::check::{self, Runs};
use super::world::{LEASE, TROUBLE};
use crate::world::{Mortal, left, on, wire};

/// Longer than any call may take: an open has 60 s, a close 30 s, and both a little grace.
const CALL: Duration = Duration::from_secs(90);

/// What a process does at one time.
#[derive(Clone, Debug)]
enum Deed {
    /// Opens and runs something, twice.
    Work {
        key: u8,
    },
    /// Opens, and loses its patience.
    Impatient {
        key: u8,
        after: Duration,
    },
    /// Opens and holds it.
    Hold {
        key: u8,
        time: Duration,
    },
    Close,
    ImpatientClose {
        after: Duration,
    },
}

/// What the environment tells, and the names that it said it removes.
#[derive(Debug)]
struct Told {
    events: Events,
    condemned: BTreeSet<String>,
}

#[derive(Debug)]
struct State {
    namespace: String,
    environment: Mutex<Option<DaytonaEnvironment>>,
    mortal: Mortal,
    told: Mutex<Told>,
    deeds: Vec<(Duration, Deed)>,
    keys: u8,
    killed_at: Option<Duration>,
    dead: AtomicBool,
    /// A close could not remove everything.
    untidy: AtomicBool,
    /// Closes under way: what they remove may still be there while the next is made.
    closing: AtomicU64,
    /// Rises with every close.
    epoch: AtomicU64,
    /// For each key what was opened last: epoch, id, generation.
    opened: Mutex<BTreeMap<u8, (u64, String, u64)>>,
    runs: Runs,
    commands: AtomicU64,
}

#[derive(Clone, Debug)]
pub(super) struct Process(Arc<State>);

impl Process {
    pub(super) fn draw(
        number: usize,
        server: &Arc<Server>,
        runs: &Runs,
        late: bool,
        draw: &mut Rng,
    ) -> Self {
        let mortal = Mortal::default();
        let namespace = format!("process-{number}");
        let environment = on(server)
            .transport(wire(server))
            .spawner(mortal.spawner())
            .namespace(&namespace)
            .scope(Variable::new("tenant"))
            .workdir("/tmp")
            .lease(Lease::ephemeral(LEASE))
            .create_timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let keys = draw.u8(1..=4);
        let seconds = |draw: &mut Rng, most: u64| Duration::from_millis(draw.u64(0..most * 1000));
        let deeds = (0..draw.usize(3..=12))
            .map(|_| {
                let key = draw.u8(0..keys);
                let deed = match draw.u8(0..10) {
                    0..=3 => Deed::Work { key },
                    4 | 5 => Deed::Impatient {
                        key,
                        after: seconds(draw, 10),
                    },
                    6 | 7 => Deed::Hold {
                        key,
                        time: seconds(draw, 200),
                    },
                    8 => Deed::Close,
                    _ => Deed::ImpatientClose {
                        after: seconds(draw, 5),
                    },
                };
                (seconds(draw, 250), deed)
            })
            .collect();
        let killed_at = draw.bool().then(|| seconds(draw, TROUBLE.as_secs()));
        Self(Arc::new(State {
            namespace,
            told: Mutex::new(Told {
                events: environment.events(),
                condemned: BTreeSet::new(),
            }),
            environment: Mutex::new(Some(environment)),
            mortal,
            deeds,
            keys,
            killed_at,
            dead: AtomicBool::new(false),
            untidy: AtomicBool::new(late),
            closing: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            opened: Mutex::default(),
            runs: runs.clone(),
            commands: AtomicU64::new(0),
        }))
    }

    pub(super) fn namespace(&self) -> &str {
        &self.0.namespace
    }

    pub(super) fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Relaxed)
    }

    pub(super) fn is_tidy(&self) -> bool {
        !self.0.untidy.load(Ordering::Relaxed) && self.0.closing.load(Ordering::Relaxed) == 0
    }

    /// True if the environment has said that it removes what has this name.
    pub(super) fn condemned(&self, name: &str) -> bool {
        let mut told = self.0.told.lock().unwrap();
        while let Some(observed) = told.events.try_next() {
            match observed {
                Observed::Event(event) if matches!(event.kind(), EventKind::Deleting) => {
                    told.condemned.insert(event.name().to_owned());
                }
                Observed::Event(_) => {}
                missed => panic!("{missed:?}"),
            }
        }
        told.condemned.contains(name)
    }

    fn environment(&self) -> DaytonaEnvironment {
        self.0.environment.lock().unwrap().clone().unwrap()
    }

    /// Does what it does, until it has done it or is killed.
    pub(super) async fn trouble(self) {
        let mut deeds = JoinSet::new();
        for (at, deed) in self.0.deeds.clone() {
            let process = self.clone();
            deeds.spawn(async move {
                sleep(at).await;
                process.act(deed).await;
            });
        }
        let done = async {
            while let Some(ended) = deeds.join_next().await {
                ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            }
        };
        match self.0.killed_at {
            None => done.await,
            Some(at) => {
                tokio::select! {
                    biased;
                    () = done => {}
                    () = sleep(at) => {}
                }
                self.kill();
                deeds.shutdown().await;
            }
        }
    }

    /// As SIGKILL: the tasks end where they are, and nobody is told.
    fn kill(&self) {
        self.0.dead.store(true, Ordering::Relaxed);
        self.0.mortal.kill();
        // what its drop hands over goes to a spawner that starts nothing any more
        self.0.environment.lock().unwrap().take();
        self.0.mortal.kill();
    }

    async fn act(&self, deed: Deed) {
        match deed {
            Deed::Work { key } => {
                for _ in 0..2 {
                    if let Some(sandbox) = self.open(key).await {
                        self.command(&sandbox).await;
                    }
                }
            }
            Deed::Impatient { key, after } => {
                drop(timeout(after, self.open(key)).await);
            }
            Deed::Hold { key, time } => {
                if let Some(sandbox) = self.open(key).await {
                    sleep(time).await;
                    self.command(&sandbox).await;
                }
            }
            Deed::Close => self.close().await,
            Deed::ImpatientClose { after } => {
                self.0.epoch.fetch_add(1, Ordering::Relaxed);
                // it may not have removed everything
                self.0.untidy.store(true, Ordering::Relaxed);
                drop(timeout(after, self.environment().close()).await);
            }
        }
    }

    /// I7, I9, I5.
    async fn open(&self, key: u8) -> Option<Arc<DaytonaSandbox>> {
        let before = self.0.epoch.load(Ordering::Relaxed);
        let context = Vars::new().with("tenant", format!("tenant-{key}"));
        let environment = self.environment();
        let opened = timeout(CALL, environment.open(&context)).await;
        let sandbox = opened.expect("I7: an open takes too long").ok()?;
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
    async fn command(&self, sandbox: &DaytonaSandbox) {
        let number = self.0.commands.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", self.0.namespace);
        let request =
            ExecRequest::shell(format!(": command-{mark}")).timeout(Duration::from_secs(20));
        let outcome = timeout(CALL, sandbox.exec(request)).await;
        let status = match outcome.expect("I7: a command takes too long") {
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

    /// I7; what an error leaves, it names (checked at the end, when nothing else is under way).
    async fn close(&self) {
        self.0.epoch.fetch_add(1, Ordering::Relaxed);
        self.0.closing.fetch_add(1, Ordering::Relaxed);
        let environment = self.environment();
        let closed = timeout(CALL, environment.close()).await;
        self.0.closing.fetch_sub(1, Ordering::Relaxed);
        if closed.expect("I7: a close takes too long").is_err() {
            self.0.untidy.store(true, Ordering::Relaxed);
        }
    }

    /// Nothing is broken any more: every key opens soon (I10), and a close leaves nothing (I1) or names it.
    pub(super) async fn recover(&mut self, server: &Server) {
        if self.is_dead() {
            return;
        }
        for key in 0..self.0.keys {
            let mut opened = None;
            for _ in 0..3 {
                opened = self.open(key).await;
                if opened.is_some() {
                    break;
                }
            }
            let sandbox = opened.expect("I10: a key does not open any more");
            self.command(&sandbox).await;
        }
        let environment = self.environment();
        let closed = timeout(CALL, environment.close()).await;
        let closed = closed.expect("I7: a close takes too long");
        let mut alive = left(server);
        alive.retain(|row| {
            row.labels
                .get("daytona-env.ns")
                .is_some_and(|ns| ns == self.namespace())
        });
        match closed {
            Ok(()) => assert!(
                alive.is_empty(),
                "I1: {} closed, and left {alive:#?}\n{}",
                self.namespace(),
                check::told(server, &of(&alive))
            ),
            Err(error) => {
                let named: Vec<_> = error
                    .leftovers()
                    .iter()
                    .map(|left| left.name().to_owned())
                    .collect();
                for row in alive {
                    assert!(
                        named.contains(&row.name),
                        "I1: {error} does not name {row:?}"
                    );
                }
            }
        }
    }
}

fn of(rows: &[SandboxRow]) -> Vec<(String, String, String)> {
    let of = |row: &SandboxRow| (row.id.clone(), row.name.clone(), row.state.clone());
    rows.iter().map(of).collect()
}
