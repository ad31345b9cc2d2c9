//! Simulated worlds: a server, one to three processes with their tenants, faults, kills, suspensions, sharing, a
//! sweeper; all of it drawn from a seed, in paused time. A checker watches the server's rows and requests. `cargo xtask sim --seeds N --from S` runs more of
//! them, and one that failed again.

mod check;
mod process;
mod sweep;
mod told;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::runtime::Builder;

/// How many seeds a plain `cargo test` runs; `cargo xtask ci` runs more.
const SEEDS: u64 = 60;

fn of_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).and_then(|value| value.into_string().ok());
    given.map_or(default, |value| value.parse().unwrap())
}

/// A world of its own: nothing in it is shared with one in another thread.
fn run(seed: u64) -> world::Summary {
    // the jitter of pauses, which is drawn for each thread
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(world::live(seed))
}

/// The lowest seed that failed, and why.
type Failed = Mutex<Option<(u64, Box<dyn Any + Send>)>>;

/// Runs seeds until there is none left, or one has failed.
fn run_some(next: &AtomicU64, end: u64, failed: &Failed) -> world::Summary {
    let mut all = world::Summary::default();
    while failed.lock().unwrap().is_none() {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(summary) => all += summary,
            Err(why) => {
                println!(
                    "> sim: seed {seed} failed; cargo xtask sim --seeds 1 --from {seed} runs it again"
                );
                let mut failed = failed.lock().unwrap();
                if failed.as_ref().is_none_or(|(other, _)| seed < *other) {
                    *failed = Some((seed, why));
                }
            }
        }
    }
    all
}

/// `SIM_SEEDS` of them, beginning with `SIM_FROM`, on as many threads as there are processors.
#[test]
fn seeds() {
    let (seeds, from) = (
        of_environment("SIM_SEEDS", SEEDS),
        of_environment("SIM_FROM", 0),
    );
    let (next, failed) = (AtomicU64::new(from), Failed::default());
    let mut all = world::Summary::default();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let runs: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| run_some(&next, from + seeds, &failed)))
            .collect();
        for run in runs {
            all += run.join().unwrap();
        }
    });
    if let Some((_, why)) = failed.into_inner().unwrap() {
        resume_unwind(why);
    }
    println!("> sim: {seeds} seeds from {from}: {all}");
    assert!(
        seeds < 50
            || (all.faults > seeds
                && all.killed > 0
                && all.sandboxes > seeds
                && all.suspended > 0
                && all.closed > 0
                && all.shared > 0
                && all.kept > 0
                && all.swept > 0),
        "nothing happened: {all}"
    );
}

/// A seed is one world, to the last request and its instant; so one that failed fails again.
#[test]
fn a_seed_is_one_world() {
    let from = of_environment("SIM_FROM", 0);
    for seed in from..from + of_environment("SIM_TWICE", 20) {
        let (one, other) = (run(seed), run(seed));
        told::same(seed, &one.told, &other.told);
        assert_eq!(one.hash, other.hash);
    }
}

/// The checker must see what it is there for: a sandbox that nobody of the world owns.
#[test]
fn the_checker_sees_an_orphan() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let seen = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(world::with_an_orphan())
    }));
    let why = seen.unwrap_err();
    let text = why.downcast_ref::<String>().unwrap();
    assert!(text.contains("I2"), "{text}");
}
