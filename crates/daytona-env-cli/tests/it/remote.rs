//! The same binary against a `serve` in another process.

use nix::sys::signal::Signal;

use crate::support::{
    Running, Serve, code, eventually, marker, plant, shown, sleepers, stderr, stdout,
};

#[test]
fn run_does_the_same_there() {
    let server = Serve::start(&[]);
    assert_eq!(server.isolation, "namespaces");
    let output = server
        .client([
            "run",
            "--image",
            "python:3.12",
            "--",
            "python3",
            "-c",
            "print(6*7)",
        ])
        .output()
        .unwrap();
    assert_eq!(
        (code(&output), stdout(&output).as_str()),
        (Some(0), "42\n"),
        "{}",
        shown(&output)
    );
    assert_eq!(stderr(&output), "");
    let output = server
        .client(["run", "--", "sh", "-c", "echo out; echo err >&2; exit 3"])
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(3), "{}", shown(&output));
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("out\n", "err\n")
    );
    let output = server
        .client([
            "run",
            "--timeout",
            "1",
            "--",
            "sh",
            "-c",
            "echo before; sleep 30",
        ])
        .output()
        .unwrap();
    assert_eq!(
        (code(&output), stdout(&output).as_str()),
        (Some(124), "before\n"),
        "{}",
        shown(&output)
    );
    assert!(server.alive().is_empty());
}

#[test]
fn files_go_there_and_back() {
    let server = Serve::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path(), &[("in/a.txt", "hello")]);
    let output = server
        .client([
            "run",
            "--upload",
            "in",
            "--download",
            "b.txt",
            "--",
            "sh",
            "-c",
            "tr a-z A-Z <in/a.txt >b.txt",
        ])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("b.txt")).unwrap(),
        "HELLO"
    );
}

#[test]
fn ls_shows_ours_while_it_runs_and_a_signal_deletes_it() {
    let server = Serve::start(&[]);
    let marker = marker();
    let running = Running::start(&mut server.client(["run", "--", "sleep", &marker]));
    eventually("the command runs", || sleepers(&marker) == 1);
    let listed = server.alive();
    assert_eq!(listed.len(), 1);
    let row = &listed[0];
    assert!(row["name"].as_str().unwrap().starts_with("denv-"));
    assert_eq!(row["lease"]["kind"], "ephemeral", "{row}");
    assert_eq!(row["lease"]["delete_minutes"], 0, "{row}");
    assert!(row["lease"]["stop_minutes"].as_u64().unwrap() >= 3, "{row}");
    assert_eq!(
        (&row["generation"], &row["shared"]),
        (&1.into(), &false.into())
    );
    assert!(row["age_seconds"].as_u64().unwrap() < 600, "{row}");
    assert!(
        row["idle_seconds"].as_u64() <= row["age_seconds"].as_u64(),
        "{row}"
    );
    assert!(row["last_activity"].is_string(), "{row}");
    let key = row["key"].as_str().unwrap();
    assert!(key.len() > 8 && row["error"].is_null(), "{row}");
    let table = server.client(["ls"]).output().unwrap();
    assert!(
        stdout(&table).lines().count() == 2 && stdout(&table).starts_with("NAME"),
        "{}",
        shown(&table)
    );
    running.signal(Signal::SIGTERM);
    let output = running.finish();
    assert_eq!(code(&output), Some(143), "{}", shown(&output));
    assert!(server.alive().is_empty());
    eventually("nothing runs any more", || sleepers(&marker) == 0);
}

#[test]
fn an_interrupt_deletes_it() {
    let server = Serve::start(&[]);
    let marker = marker();
    let running = Running::start(&mut server.client(["run", "--", "sleep", &marker]));
    eventually("the command runs", || sleepers(&marker) == 1);
    running.signal(Signal::SIGINT);
    let output = running.finish();
    assert_eq!(code(&output), Some(130), "{}", shown(&output));
    assert!(server.alive().is_empty());
    eventually("nothing runs any more", || sleepers(&marker) == 0);
}

#[test]
fn a_persisted_sandbox_stays() {
    let server = Serve::start(&["--isolation", "none"]);
    let output = server
        .client(["run", "--persist", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let listed = server.alive();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["lease"]["kind"], "persist");
    let name = listed[0]["name"].as_str().unwrap();
    assert!(
        stderr(&output).contains(&format!("kept {name} (id ")),
        "{}",
        stderr(&output)
    );
}

#[test]
fn serve_stops_with_its_sandboxes() {
    for (isolation, signal) in [
        ("required", Signal::SIGINT),
        ("none", Signal::SIGTERM),
        ("required", Signal::SIGKILL),
        ("none", Signal::SIGKILL),
    ] {
        let server = Serve::start(&["--isolation", isolation]);
        let marker = marker();
        let _running = Running::start(&mut server.client(["run", "--", "sleep", &marker]));
        eventually("the command runs", || sleepers(&marker) == 1);
        server.signal(signal);
        let output = server.finish();
        assert_eq!(
            code(&output),
            (signal != Signal::SIGKILL).then_some(0),
            "{}",
            shown(&output)
        );
        eventually("nothing runs any more", || sleepers(&marker) == 0);
    }
}
