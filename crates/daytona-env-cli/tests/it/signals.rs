//! Signals in the middle of a run, and what is left after them.

use nix::sys::signal::Signal;

use crate::support::{Running, cli, code, eventually, marker, shown, sleepers};

/// Starts a run whose command, and a child that left its session, sleep; returns once both do.
fn sleeping(isolation: &str, marker: &str) -> Running {
    let script = format!("setsid sleep {marker} & sleep {marker}");
    let running = Running::start(&mut cli([
        "run",
        "--isolation",
        isolation,
        "--",
        "sh",
        "-c",
        &script,
    ]));
    eventually("the command runs", || sleepers(marker) == 2);
    running
}

#[test]
fn a_signal_cleans_up_first() {
    for isolation in ["required", "none"] {
        for (signal, wanted) in [
            (Signal::SIGINT, 130),
            (Signal::SIGTERM, 143),
            (Signal::SIGHUP, 129),
        ] {
            let marker = marker();
            let running = sleeping(isolation, &marker);
            running.signal(signal);
            let output = running.finish();
            assert_eq!(
                code(&output),
                Some(wanted),
                "{isolation}: {}",
                shown(&output)
            );
            assert_eq!(sleepers(&marker), 0, "{isolation}, {signal}");
        }
    }
}

#[test]
fn sigkill_leaves_no_process() {
    for isolation in ["required", "none"] {
        let marker = marker();
        let running = sleeping(isolation, &marker);
        running.signal(Signal::SIGKILL);
        let output = running.finish();
        assert_eq!(code(&output), None);
        eventually("nothing runs any more", || sleepers(&marker) == 0);
    }
}

#[test]
fn an_interrupted_run_says_so_in_json() {
    let marker = marker();
    let running = Running::start(&mut cli(["run", "--json", "--", "sleep", &marker]));
    eventually("the command runs", || sleepers(&marker) == 1);
    running.signal(Signal::SIGINT);
    let output = running.finish();
    assert_eq!(code(&output), Some(130), "{}", shown(&output));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["status"], "interrupted");
    assert_eq!(object["exit_code"], 130);
}
