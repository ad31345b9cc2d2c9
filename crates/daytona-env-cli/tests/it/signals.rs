//! Signals in the middle of a run, and what is left after them.

use nix::sys::signal::Signal;

use crate::support::{Running, Serve, cli, code, eventually, marker, shown, sleepers, stderr};

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

#[test]
fn a_signal_kills_the_command_and_keeps_a_kept_sandbox() {
    let server = Serve::start(&["--isolation", "none"]);
    let kept = server.client(["run", "--persist", "--", "true"]).output();
    assert_eq!(code(&kept.unwrap()), Some(0));
    let rows = server.alive();
    let name = rows.first().unwrap()["name"].as_str().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let marker = marker();
        let script = format!("setsid sleep {marker} & sleep {marker}");
        let args = ["run", "--sandbox", name, "--", "sh", "-c", &script];
        let running = Running::start(&mut server.client(args));
        eventually("the command runs", || sleepers(&marker) == 2);
        running.signal(signal);
        let output = running.finish();
        assert_eq!(sleepers(&marker), 0, "{}", shown(&output));
        let said = stderr(&output);
        assert!(said.contains("the command was killed"), "{said}");
        assert!(said.contains("is kept"), "{said}");
        assert_eq!(server.alive().len(), 1);
    }
}

#[test]
fn output_is_printed_while_the_command_runs() {
    for isolation in ["required", "none"] {
        let marker = marker();
        let script = format!("echo begun; echo complaint >&2; sleep {marker}");
        let args = ["run", "--isolation", isolation, "--", "sh", "-c", &script];
        let mut running = Running::start(&mut cli(args));
        running.wait_for_stderr("complaint");
        assert_eq!(running.line(), "begun\n", "{isolation}");
        assert!(running.is_running() && sleepers(&marker) == 1);
        running.signal(Signal::SIGINT);
        assert_eq!(code(&running.finish()), Some(130));
    }
}
