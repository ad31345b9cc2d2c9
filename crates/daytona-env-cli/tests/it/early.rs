//! Signals while the embedded server starts: at every instant, nothing is left.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Running, cli, eventually};

/// From before `main` to well after the server has started.
const LAST: Duration = Duration::from_millis(300);
const STEP: Duration = Duration::from_millis(6);

fn entries(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Sends the signal that long after the start.
#[expect(
    clippy::disallowed_methods,
    reason = "the instant is what is tried, and the other process has no clock that a test could turn"
)]
fn strike(temp: &Path, args: &[&str], signal: Signal, after: Duration) {
    let begun = Instant::now();
    let running = Running::start(cli(args).env("TMPDIR", temp));
    std::thread::sleep(after.saturating_sub(begun.elapsed()));
    running.signal(signal);
    drop(running.finish());
}

#[test]
fn a_signal_at_any_early_instant_leaves_no_folder() {
    let temp = tempfile::tempdir().unwrap();
    let run = |isolation| ["run", "--isolation", isolation, "--", "sleep", "30"];
    let serve = ["serve", "--isolation", "none", "--port", "0", "--json"];
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL];
    let mut after = Duration::ZERO;
    let mut struck = 0;
    while after < LAST {
        // each instant with one of them, each of them at many instants
        let signal = signals[struck % signals.len()];
        let isolation = if struck % 2 == 0 { "required" } else { "none" };
        strike(temp.path(), &run(isolation), signal, after);
        if struck % 4 == 0 {
            strike(temp.path(), &serve, signal, after);
        }
        // after SIGINT and SIGTERM it is gone with the process, after SIGKILL soon
        if signal != Signal::SIGKILL {
            assert_eq!(
                entries(temp.path()),
                Vec::<String>::new(),
                "{signal} {after:?}"
            );
        }
        eventually("nothing is left", || entries(temp.path()).is_empty());
        after += STEP;
        struck += 1;
    }
    assert_eq!(struck, 50);
}
