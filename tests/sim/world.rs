//! One world from its seed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_env::Lease;
use daytona_local::{CannedExec, Fault, FaultKind, FaultPlan, SandboxRow, Server};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::check::{self, Runs};
use super::process::{Agreed, Checks, Process};
use super::sweep::patrol;
use super::told;
use crate::world::{in_place, left};

/// Idle time after which the server deletes; the shortest there is.
pub(super) const LEASE: Duration = Duration::from_secs(180);
/// How long everything is broken.
pub(super) const TROUBLE: Duration = Duration::from_secs(300);
/// What the server may take on top of a lease, and a create that was under way.
pub(super) const SLACK: Duration = Duration::from_secs(60);

/// Time stopped after which the server deletes, where the lease keeps.
pub(super) const DELETE: Duration = Duration::from_secs(120);
/// How long a create may take.
pub(super) const CREATE: Duration = Duration::from_secs(60);
/// How long a look at a sandbox in doubt may take.
pub(super) const LOOK: Duration = Duration::from_secs(15);
/// How long an answer, and what it stands for, may be held up.
const HELD_UP: Duration = Duration::from_secs(3);
/// How much later than its connection a create may be done.
const LATE: Duration = Duration::from_secs(30);

/// What happened, to be sure that something did.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) sandboxes: u64,
    pub(super) requests: u64,
    pub(super) faults: u64,
    pub(super) killed: u64,
    pub(super) commands: u64,
    /// Processes that were suspended for longer than their lease and went on.
    pub(super) suspended: u64,
    /// Closes that succeeded while things were broken.
    pub(super) closed: u64,
    /// Worlds in which sandboxes are shared, in which they are kept, and in which somebody sweeps.
    pub(super) shared: u64,
    pub(super) kept: u64,
    pub(super) swept: u64,
    /// Every request, of one world; a sum of worlds has only the hash.
    pub(super) told: Vec<String>,
    /// A hash of these, and the sum of several.
    pub(super) hash: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.sandboxes += other.sandboxes;
        self.requests += other.requests;
        self.faults += other.faults;
        self.killed += other.killed;
        self.commands += other.commands;
        self.suspended += other.suspended;
        self.closed += other.closed;
        self.shared += other.shared;
        self.kept += other.kept;
        self.swept += other.swept;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sandboxes, {} requests (hash {:016x}), {} faults, {} processes killed, {} suspended past their lease, \
             {} commands, {} closes under faults, {} worlds that share, {} that keep, {} with a sweeper, nothing leaked",
            self.sandboxes,
            self.requests,
            self.hash,
            self.faults,
            self.killed,
            self.suspended,
            self.commands,
            self.closed,
            self.shared,
            self.kept,
            self.swept
        )
    }
}

/// What the server is like.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    create: Duration,
    percent: u8,
    kinds: Vec<FaultKind>,
    pub(super) late: bool,
    pub(super) stuck: bool,
    pub(super) failing: bool,
    cached: bool,
    deaf: bool,
    swallowing: bool,
}

/// How all processes of a world use it.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) weather: Weather,
    /// All use the same sandboxes.
    pub(super) shared: bool,
    /// Sandboxes are stopped when idle, and deleted later.
    pub(super) persist: bool,
    /// A sweeper goes round.
    pub(super) swept: bool,
    /// The time of an open, if it has one of its own.
    pub(super) open_timeout: Option<Duration>,
    /// How many processes live.
    living: Arc<AtomicUsize>,
    /// Under which name sharers found each key.
    names: Arc<Mutex<BTreeMap<u8, String>>>,
}

impl Ways {
    fn draw(weather: Weather, draw: &mut Rng) -> Self {
        let limit = Duration::from_secs(draw.u64(15..75));
        // what starts for ever is refused to be deleted, and without a time to live nobody could end it
        let may_persist = !weather.stuck;
        Self {
            weather,
            shared: draw.u8(0..4) == 0,
            persist: draw.u8(0..4) == 0 && may_persist,
            swept: draw.u8(0..4) == 0,
            open_timeout: draw.bool().then_some(limit),
            living: Arc::default(),
            names: Arc::default(),
        }
    }

    pub(super) fn namespace(&self, number: usize) -> String {
        match self.shared {
            true => "fleet".to_owned(),
            false => format!("process-{number}"),
        }
    }

    pub(super) fn lease(&self) -> Lease {
        if !self.persist {
            return Lease::ephemeral(LEASE);
        }
        Lease::Persist {
            stop: LEASE,
            archive: None,
            delete: Some(DELETE),
        }
    }

    /// What an open may take: its own time; else that of a look at what it had, a start of that if it can be stopped,
    /// and a create.
    pub(super) fn open(&self) -> Duration {
        let wake = if self.persist { CREATE } else { Duration::ZERO };
        self.open_timeout.unwrap_or(LOOK + wake + CREATE)
    }

    /// How long what nobody renews may run: a create that was under way, the lease, and what a fault holds up.
    pub(super) fn bound(&self) -> Duration {
        let late = if self.weather.late {
            LATE
        } else {
            Duration::ZERO
        };
        self.weather.create + late + LEASE + SLACK + HELD_UP
    }

    /// I3, I5: to all sharers a key has one name, and no two keys have the same.
    pub(super) fn agree(&self, key: u8, name: &str) {
        let mut names = self.names.lock().unwrap();
        let agreed = names.entry(key).or_insert_with(|| name.to_owned());
        assert_eq!(agreed, name, "I3: sharers disagree on the name");
        let other = names
            .iter()
            .find(|(other, known)| **other != key && *known == name);
        assert_eq!(other, None, "I5: two tenants share {name}");
    }

    /// Another process has died.
    pub(super) fn one_less(&self) {
        self.living.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether somebody else may renew what the dead shared.
    pub(super) fn is_in_use(&self) -> bool {
        self.shared && self.living.load(Ordering::Relaxed) > 0
    }
}

impl Weather {
    fn draw(draw: &mut Rng) -> Self {
        let kinds = FaultKind::ALL.into_iter().filter(|_| draw.bool()).collect();
        Self {
            create: Duration::from_secs(*draw.choice(&[0, 1, 20]).unwrap()),
            percent: *draw.choice(&[0, 5, 20, 40]).unwrap(),
            kinds,
            late: draw.u8(0..6) == 0,
            stuck: draw.u8(0..8) == 0,
            failing: draw.u8(0..6) == 0,
            cached: draw.u8(0..4) == 0,
            deaf: draw.u8(0..6) == 0,
            swallowing: draw.u8(0..6) == 0,
        }
    }

    /// Whether a row is one that failed: it runs nothing.
    pub(super) fn is_broken(&self, row: &SandboxRow) -> bool {
        let failed = matches!(row.state.as_str(), "error" | "build_failed");
        failed || (self.stuck && matches!(row.state.as_str(), "creating" | "starting"))
    }

    fn begin(&self, server: &Server, draw: &mut Rng) {
        let faults = server.faults();
        let mut create = || Fault::on(&CREATE_SANDBOX).nth(draw.u64(1..4));
        if self.late {
            faults.inject(create().commit_late(LATE));
        }
        if self.stuck {
            faults.inject(create().stuck());
        }
        if self.failing {
            faults.inject(create().error_state("no space left"));
        }
        if self.cached {
            let cache = Fault::on(&GET_SANDBOX).negative_cache(Duration::from_secs(10));
            faults.inject(cache.always());
        }
        if self.swallowing {
            let swallowed = Fault::on(&DELETE_SANDBOX).swallow();
            faults.inject(swallowed.nth(draw.u64(1..4)));
        }
        if self.deaf {
            let lost = Fault::on(&UPDATE_LAST_ACTIVITY).answer(503, "{}");
            faults.inject(lost.times(2).nth(2));
        }
        let plan = FaultPlan::seeded(draw.u64(..)).percent(self.percent);
        faults.plan(plan.kinds(self.kinds.iter().copied()));
    }
}

/// Answers every command with nothing, and counts how often each was run; in some worlds a shell runs them.
fn executor(runs: &Runs, shell: bool) -> CannedExec {
    let runs = runs.clone();
    let ran = crate::world::run_in_shell;
    CannedExec::from_fn(move |script| {
        runs.note(script);
        if shell {
            ran(script)
        } else {
            (0, String::new())
        }
    })
}

pub(super) async fn live(seed: u64) -> Summary {
    let mut draw = Rng::with_seed(seed);
    let weather = Weather::draw(&mut draw);
    let ways = Ways::draw(weather, &mut draw);
    let weather = &ways.weather;
    let runs = Runs::default();
    let execute = executor(&runs, seed.is_multiple_of(16));
    let server = in_place(|builder| builder.create_delay(weather.create).canned_exec(execute));
    weather.begin(&server, &mut draw);
    let fewest = if ways.shared { 2 } else { 1 };
    let processes: Vec<_> = (0..draw.usize(fewest..=3))
        .map(|number| Process::draw(number, &server, &runs, &ways, &mut draw))
        .collect();
    ways.living.store(processes.len(), Ordering::Relaxed);
    let checks = Checks::default();
    let mut lives = JoinSet::new();
    for process in &processes {
        lives.spawn(process.clone().trouble(Arc::clone(&checks)));
    }
    let watching = check::watch(Arc::clone(&server), processes.clone());
    let meddling = meddle(&server, draw.fork());
    let mut sweeping = JoinSet::new();
    if ways.swept {
        sweeping.spawn(patrol(Arc::clone(&server), processes.clone(), draw.fork()));
    }
    tokio::select! {
        biased;
        () = watching => unreachable!("it watches for ever"),
        () = meddling => {}
        () = sleep(TROUBLE) => {}
    }
    // whoever lives is done with what it had begun before long
    ended(&mut lives).await;
    let struck = server
        .faults()
        .status()
        .iter()
        .map(|fault| fault.hits)
        .sum();
    let closed = processes.iter().map(Process::closed).sum();
    server.faults().clear();
    let namespaces = processes.iter().map(Process::namespace).collect();
    if ways.shared && weather.stuck {
        // what starts for ever keeps its name from all, until its time to live or a sweep ends it
        check::cleared(&server, &ways, &namespaces).await;
    }
    let mut agreed = Agreed::default();
    for process in &processes {
        process.recover(&mut agreed).await;
    }
    // whatever the dead held, each from its own end on
    let mut checks = std::mem::take(&mut *checks.lock().unwrap());
    ended(&mut checks).await;
    sleep(ways.bound()).await;
    if ways.persist {
        sleep(DELETE + SLACK).await;
    }
    check::gone(&server, &ways, &namespaces).await;
    if let Some(swept) = sweeping.try_join_next() {
        swept.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    runs.at_most_once();
    let told = told::all(&server);
    Summary {
        sandboxes: server.sandboxes().len() as u64,
        requests: server.requests().len() as u64,
        faults: struck,
        killed: processes.iter().filter(|process| process.is_dead()).count() as u64,
        commands: runs.count(),
        suspended: processes.iter().filter(|one| one.was_suspended()).count() as u64,
        closed,
        shared: ways.shared.into(),
        kept: ways.persist.into(),
        swept: ways.swept.into(),
        hash: told::hash(&told),
        told,
    }
}

/// Waits for all, and fails with the first that failed.
async fn ended(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}

/// Sandboxes go or stop without anybody having asked.
async fn meddle(server: &Server, mut draw: Rng) {
    loop {
        sleep(Duration::from_secs(draw.u64(20..90))).await;
        let alive = left(server);
        if let Some(row) = draw.choice(&alive) {
            if draw.bool() {
                server.vanish(&row.id).await;
            } else {
                server.force_stop(&row.id).await;
            }
        }
    }
}

fn fair(draw: &mut Rng) -> Ways {
    let mut weather = Weather::draw(draw);
    weather.create = Duration::ZERO;
    (weather.late, weather.stuck, weather.failing) = (false, false, false);
    let mut ways = Ways::draw(weather, draw);
    (ways.shared, ways.persist) = (false, false);
    ways
}

/// A process in a world where nothing is wrong.
pub(super) fn process_alone() -> Process {
    let mut draw = Rng::with_seed(0);
    let server = in_place(|builder| builder);
    Process::draw(0, &server, &Runs::default(), &fair(&mut draw), &mut draw)
}

/// A world in which something is kept alive by nobody who should.
pub(super) async fn with_an_orphan() {
    let process = process_alone();
    let server = Arc::clone(process.server());
    let api = daytona_api::Daytona::builder(
        daytona_api::Config::new(server.token()).api_url(server.api_url()),
    )
    .transport(crate::world::wire(&server))
    .build()
    .unwrap();
    api.sandboxes()
        .create()
        .labels([("daytona-env.ns", process.namespace())])
        .auto_stop_interval(0)
        .send()
        .await
        .unwrap();
    check::outlives(process).await;
}
