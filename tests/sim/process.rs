//! One process: an environment with its tasks, and what befalls it.

mod calls;

pub(super) use calls::Agreed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use context_vars::Variable;
use daytona_env::DaytonaEnvironment;
use daytona_local::Server;
use fastrand::Rng;
use sandbox_core::{EventKind, Events, Observed};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::check::{self, Runs};
use super::world::{CREATE, TROUBLE, Ways};
use crate::world::{self, Mortal};

/// What sharers have in common.
const FLEET_KEY: &str = "a-fleet-key-0123456789";

/// What is looked at later on, whatever goes on meanwhile.
pub(super) type Checks = Arc<Mutex<JoinSet<()>>>;

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
    name: String,
    ways: Ways,
    server: Arc<Server>,
    environment: Mutex<Option<DaytonaEnvironment>>,
    mortal: Mortal,
    told: Mutex<Told>,
    deeds: Vec<(Duration, Deed)>,
    keys: u8,
    killed_at: Option<Duration>,
    /// When it is suspended, and for how long.
    frozen_at: Option<(Duration, Duration)>,
    dead: AtomicBool,
    /// For how long it was suspended in all.
    slept: Mutex<Duration>,
    /// A close could not remove everything.
    untidy: AtomicBool,
    /// Closes under way: what they remove may still be there while the next is made.
    closing: AtomicU64,
    /// Rises with every close.
    epoch: AtomicU64,
    /// Rises with every open.
    opens: AtomicU64,
    /// Closes that succeeded while things were broken.
    closed: AtomicU64,
    /// For each key what was opened last: epoch, id, generation.
    opened: Mutex<BTreeMap<u8, (u64, String, u64)>>,
    runs: Runs,
    commands: AtomicU64,
    /// Why the last open that failed did.
    refused: Mutex<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Process(Arc<State>);

impl Process {
    pub(super) fn draw(
        number: usize,
        server: &Arc<Server>,
        runs: &Runs,
        ways: &Ways,
        draw: &mut Rng,
    ) -> Self {
        let mortal = Mortal::default();
        let name = format!("process-{number}");
        let mut builder = world::mortal(server, &mortal)
            .namespace(ways.namespace(number))
            .scope(Variable::new("tenant"))
            .lease(ways.lease())
            .create_timeout(CREATE);
        if let Some(limit) = ways.open_timeout {
            builder = builder.open_timeout(limit);
        }
        if ways.shared {
            builder = builder.share("fleet", FLEET_KEY);
        }
        let environment = builder.build().unwrap();
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
        let frozen_at = (draw.u8(0..4) == 0).then(|| {
            let long = ways.bound() + seconds(draw, 60);
            (seconds(draw, 120), long)
        });
        Self(Arc::new(State {
            name,
            ways: ways.clone(),
            server: Arc::clone(server),
            told: Mutex::new(Told {
                events: environment.events(),
                condemned: BTreeSet::new(),
            }),
            environment: Mutex::new(Some(environment)),
            mortal,
            deeds,
            keys,
            killed_at,
            frozen_at,
            dead: AtomicBool::new(false),
            slept: Mutex::default(),
            untidy: AtomicBool::new(ways.weather.late),
            closing: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            opens: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            opened: Mutex::default(),
            runs: runs.clone(),
            commands: AtomicU64::new(0),
            refused: Mutex::default(),
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn ways(&self) -> &Ways {
        &self.0.ways
    }

    pub(super) fn server(&self) -> &Arc<Server> {
        &self.0.server
    }

    /// What its sandboxes are labelled with; sharers have it in common.
    pub(super) fn namespace(&self) -> String {
        if self.0.ways.shared {
            return self.0.ways.namespace(0);
        }
        self.0.name.clone()
    }

    pub(super) fn was_suspended(&self) -> bool {
        *self.0.slept.lock().unwrap() > Duration::ZERO
    }

    /// Closes that succeeded while things were broken.
    pub(super) fn closed(&self) -> u64 {
        self.0.closed.load(Ordering::Relaxed)
    }

    /// Whether it lives and uses this sandbox, and has not slept: then the sandbox is renewed.
    pub(super) fn looks_after(&self, id: &str) -> bool {
        let epoch = self.0.epoch.load(Ordering::Relaxed);
        let opened = self.0.opened.lock().unwrap();
        let held = |(at, last, _): &(u64, String, u64)| *at == epoch && last == id;
        !self.is_dead() && !self.was_suspended() && opened.values().any(held)
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

    /// Does what it does, until it has done it or is killed; and is suspended meanwhile. What the dead held is checked
    /// by a task of its own, from its death on.
    pub(super) async fn trouble(self, checks: Checks) {
        let mut deeds = JoinSet::new();
        for (at, deed) in self.0.deeds.clone() {
            let process = self.clone();
            deeds.spawn(async move {
                let act = async {
                    sleep(at).await;
                    process.act(deed).await;
                };
                process.0.mortal.lives(act).await;
            });
        }
        let done = async {
            while let Some(ended) = deeds.join_next().await {
                ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            }
        };
        let alive = async {
            tokio::join!(done, self.suspended());
        };
        match self.0.killed_at {
            None => alive.await,
            Some(at) => {
                tokio::select! {
                    biased;
                    () = alive => {}
                    () = sleep(at) => {}
                }
                self.kill();
                deeds.shutdown().await;
                checks.lock().unwrap().spawn(check::outlives(self.clone()));
            }
        }
    }

    /// SIGSTOP for longer than its lease, and SIGCONT.
    async fn suspended(&self) {
        let Some((at, long)) = self.0.frozen_at else {
            return;
        };
        sleep(at).await;
        let begun = Instant::now();
        self.0.mortal.freeze();
        sleep(long).await;
        // others may use what is shared
        if !self.0.ways.shared {
            check::forsaken(self, "suspended");
        }
        *self.0.slept.lock().unwrap() += begun.elapsed();
        self.0.mortal.thaw();
    }

    /// As SIGKILL: the tasks end where they are, and nobody is told.
    fn kill(&self) {
        self.0.dead.store(true, Ordering::Relaxed);
        self.0.ways.one_less();
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
}
