//! b: many opens of one key. c: many keys, and their close.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::DaytonaEnvironment;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::floor::Bare;
use crate::measure::{by_turns, cpu, median, report, wall};
use crate::process::{Process, start};
use crate::transfer::peak;

const CREATE: Duration = Duration::from_millis(200);
/// As the deletion queue.
const AT_ONCE: usize = 64;
const PER_REQUEST: Duration = Duration::from_millis(20);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn environment(server: &Process) -> DaytonaEnvironment {
    DaytonaEnvironment::builder()
        .api_url(server.url.as_str())
        .api_key(server.token.as_str())
        .scope(Variable::new("tenant"))
        .build()
        .unwrap()
}

async fn all(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

pub(crate) fn one_key(quick: bool) {
    let server = start(CREATE, Duration::ZERO, None);
    let runtime = runtime();
    let ours = |dropped: usize| {
        let environment = environment(&server);
        let time = wall(|| {
            runtime.block_on(async {
                let mut opens = JoinSet::new();
                let mut leaving = Vec::new();
                for n in 0..1000 {
                    let environment = environment.clone();
                    let task = opens.spawn(async move {
                        environment
                            .open(&Vars::new().with("tenant", "one"))
                            .await
                            .unwrap();
                    });
                    if n < dropped {
                        leaving.push(task);
                    }
                }
                if dropped > 0 {
                    tokio::time::sleep(CREATE / 2).await;
                    for task in leaving {
                        task.abort();
                    }
                    while opens.join_next().await.is_some() {}
                } else {
                    all(opens).await;
                }
            });
        });
        runtime.block_on(environment.close()).unwrap();
        time
    };
    let floor = || {
        let bare = Bare::new(&server);
        let cell = Arc::new(OnceCell::new());
        let time = wall(|| {
            runtime.block_on(async {
                let mut opens = JoinSet::new();
                for _ in 0..1000 {
                    let (bare, cell) = (bare.clone(), Arc::clone(&cell));
                    opens.spawn(async move {
                        cell.get_or_init(|| async { bare.create().await }).await;
                    });
                }
                all(opens).await;
            });
        });
        let id = cell.get().unwrap().0.clone();
        runtime.block_on(bare.delete(&id));
        time
    };
    let rounds = if quick { 3 } else { 15 };
    let both = by_turns(rounds, || ours(0), floor);
    report("b. 1,000 opens of one key, create 200 ms", both, Some(1.05));
    let both = by_turns(rounds, || ours(999), floor);
    report("b. the same, 999 dropped half-way", both, Some(1.05));
}

/// Time of deleting, this many at once.
fn deletes(runtime: &Runtime, bare: &Bare, ids: Vec<String>, at_once: usize) -> Duration {
    let permits = Arc::new(Semaphore::new(at_once));
    wall(|| {
        runtime.block_on(async {
            let mut deletes = JoinSet::new();
            for id in ids {
                let (bare, permits) = (bare.clone(), Arc::clone(&permits));
                deletes.spawn(async move {
                    let _permit = permits.acquire().await.unwrap();
                    bare.delete(&id).await;
                });
            }
            all(deletes).await;
        });
    })
}

pub(crate) fn many_keys(quick: bool) {
    let keys = 200;
    let rounds = if quick { 2 } else { 7 };
    // canned: making the workdir would start a shell for each sandbox, on the cores that are measured
    let server = start(CREATE, PER_REQUEST, Some("ok\n"));
    let runtime = runtime();
    // by turns: ours and floor, opens and closes
    let mut times: [Vec<Duration>; 7] = Default::default();
    let mut ours_alone = None;
    let mut keep = |n: usize, time: Duration| {
        if let Some(times) = times.get_mut(n) {
            times.push(time);
        }
    };
    for _ in 0..rounds {
        let environment = environment(&server);
        let before = cpu();
        keep(
            0,
            wall(|| {
                runtime.block_on(async {
                    let mut opens = JoinSet::new();
                    for n in 0..keys {
                        let environment = environment.clone();
                        opens.spawn(async move {
                            let context = Vars::new().with("tenant", n.to_string());
                            environment.open(&context).await.unwrap();
                        });
                    }
                    all(opens).await;
                });
            }),
        );
        keep(1, cpu().saturating_sub(before));
        keep(2, wall(|| runtime.block_on(environment.close()).unwrap()));
        // before the floor has had any
        ours_alone.get_or_insert_with(peak);

        let bare = Bare::new(&server);
        let before = cpu();
        let made = Arc::new(Mutex::new(Vec::new()));
        keep(
            3,
            wall(|| {
                runtime.block_on(async {
                    let mut creates = JoinSet::new();
                    for _ in 0..keys {
                        let (bare, made) = (bare.clone(), Arc::clone(&made));
                        creates.spawn(async move {
                            let id = bare.open().await;
                            made.lock().unwrap().push(id);
                        });
                    }
                    all(creates).await;
                });
            }),
        );
        keep(4, cpu().saturating_sub(before));
        let mut ids = std::mem::take(&mut *made.lock().unwrap());
        keep(5, deletes(&runtime, &bare, ids, keys));

        // the same again, as many at once as ours lets through
        ids = runtime.block_on(async {
            let mut ids = Vec::new();
            for _ in 0..keys {
                ids.push(bare.create().await.0);
            }
            ids
        });
        keep(6, deletes(&runtime, &bare, ids, AT_ONCE));
    }
    let [
        open,
        open_cpu,
        close,
        floor_open,
        floor_cpu,
        floor_close,
        floor_bounded,
    ] = times.map(median);
    report(
        "c. 200 keys at once, create 200 ms: time",
        (open, floor_open),
        Some(1.15),
    );
    report("c. the same: client CPU", (open_cpu, floor_cpu), Some(1.15));
    let mib = ours_alone.unwrap_or_default() as f64 / f64::from(1 << 20);
    let verdict = if mib <= 24.0 { "PASS" } else { "MISS" };
    println!(
        "c. peak memory after the first round of ours: {mib:.1} MiB (target <= 24 MiB) {verdict}"
    );
    // A close promises at most 64 requests at once, so 200 take four waves, whoever sends them.
    report(
        "c. close of 200, 20 ms per delete, all at once",
        (close, floor_close),
        None,
    );
    report(
        "c. the same, floor with 64 at once too",
        (close, floor_bounded),
        Some(1.5),
    );
}
