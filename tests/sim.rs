//! Simulated worlds: a server, one to three processes with their tenants, faults, kills; all of it drawn from a seed, in
//! paused time. A checker watches the server's rows and requests. `cargo xtask sim --seeds N --from S` runs more of
//! them, and one that failed again.

mod check;
mod process;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Builder;

/// How many seeds a plain `cargo test` runs.
const SEEDS: u64 = 60;

fn of_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).and_then(|value| value.into_string().ok());
    given.map_or(default, |value| value.parse().unwrap())
}

fn run(seed: u64) -> world::Summary {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(world::live(seed))
}

/// `SIM_SEEDS` of them, beginning with `SIM_FROM`.
#[test]
fn seeds() {
    let (seeds, from) = (
        of_environment("SIM_SEEDS", SEEDS),
        of_environment("SIM_FROM", 0),
    );
    let mut all = world::Summary::default();
    for seed in from..from + seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(summary) => all += summary,
            Err(why) => {
                println!(
                    "> sim: seed {seed} failed; cargo xtask sim --seeds 1 --from {seed} runs it again"
                );
                std::panic::resume_unwind(why);
            }
        }
    }
    println!("> sim: {seeds} seeds from {from}: {all}");
    assert!(
        seeds < 50 || (all.faults > seeds && all.killed > 0 && all.sandboxes > seeds),
        "nothing happened: {all}"
    );
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
