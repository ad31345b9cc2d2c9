//! One world from its seed.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_local::{CannedExec, Fault, FaultKind, FaultPlan, Server};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::check::{self, Runs};
use super::process::Process;
use super::told;
use crate::world::{in_place, left};

/// Idle time after which the server deletes; the shortest there is.
pub(super) const LEASE: Duration = Duration::from_secs(180);
/// How long everything is broken.
pub(super) const TROUBLE: Duration = Duration::from_secs(300);
/// What the server may take on top of a lease, and a create that was under way.
const SLACK: Duration = Duration::from_secs(60);

/// What happened, to be sure that something did.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) sandboxes: u64,
    pub(super) requests: u64,
    pub(super) faults: u64,
    pub(super) killed: u64,
    pub(super) commands: u64,
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
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sandboxes, {} requests (hash {:016x}), {} faults, {} processes killed, {} commands, nothing leaked",
            self.sandboxes, self.requests, self.hash, self.faults, self.killed, self.commands
        )
    }
}

/// What the server is like.
struct Weather {
    create: Duration,
    percent: u8,
    kinds: Vec<FaultKind>,
    late: bool,
    stuck: bool,
    failing: bool,
    cached: bool,
    deaf: bool,
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
        }
    }

    fn begin(&self, server: &Server, draw: &mut Rng) {
        let faults = server.faults();
        let mut create = || Fault::on(&CREATE_SANDBOX).nth(draw.u64(1..4));
        if self.late {
            let delay = Duration::from_secs(30);
            faults.inject(create().commit_late(delay));
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
    let runs = Runs::default();
    let execute = executor(&runs, seed.is_multiple_of(16));
    let server = in_place(|builder| builder.create_delay(weather.create).canned_exec(execute));
    weather.begin(&server, &mut draw);
    let mut processes: Vec<_> = (0..draw.usize(1..=3))
        .map(|number| Process::draw(number, &server, &runs, weather.late, &mut draw))
        .collect();
    let mut lives = JoinSet::new();
    for process in &processes {
        lives.spawn(process.clone().trouble());
    }
    let watching = check::watch(Arc::clone(&server), processes.clone());
    let meddling = meddle(&server, draw.fork());
    tokio::select! {
        biased;
        () = watching => unreachable!("it watches for ever"),
        () = meddling => {}
        () = sleep(TROUBLE) => {}
    }
    // whoever lives is done with what it had begun before long
    while let Some(ended) = lives.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let struck = server
        .faults()
        .status()
        .iter()
        .map(|fault| fault.hits)
        .sum();
    server.faults().clear();
    for process in &mut processes {
        process.recover(&server).await;
    }
    // whatever the dead held
    sleep(LEASE + SLACK + weather.create).await;
    check::gone(&server, weather.stuck || weather.failing).await;
    runs.at_most_once();
    let told = told::all(&server);
    Summary {
        sandboxes: server.sandboxes().len() as u64,
        requests: server.requests().len() as u64,
        faults: struck,
        killed: processes.iter().filter(|process| process.is_dead()).count() as u64,
        commands: runs.count(),
        hash: told::hash(&told),
        told,
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

/// A world in which something is kept alive by nobody who should.
pub(super) async fn with_an_orphan() {
    let server = in_place(|builder| builder);
    let api = daytona_api::Daytona::builder(
        daytona_api::Config::new(server.token()).api_url(server.api_url()),
    )
    .transport(crate::world::wire(&server))
    .build()
    .unwrap();
    api.sandboxes()
        .create()
        .auto_stop_interval(0)
        .send()
        .await
        .unwrap();
    sleep(LEASE + SLACK).await;
    check::gone(&server, false).await;
}
