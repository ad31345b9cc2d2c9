//! Commands that are followed, killed, or fed bit by bit. They are real, and so is the time.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sandbox_core::{ExecRequest, ExecStatus, ExecStream, KillHandle, Running, Sandbox};
use tokio::time::{Instant, sleep};

use super::files::Place;
use super::{dropped_after, report, stepwise};
use crate::world::NEVER;

/// Longer than anything here runs: what ends before was killed.
const LONG: &str = "600.5";

impl Place {
    /// Every command of the sandbox, with all it started, is dead.
    async fn quiet(&self) {
        let begun = Instant::now();
        loop {
            let alive = self.server.live_processes();
            if alive.is_empty() {
                return;
            }
            assert!(begun.elapsed() < NEVER, "still alive: {alive:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn kills_done(&self, handles: Vec<KillHandle>) {
        for handle in handles {
            // it may have ended, or never have begun
            let _ = handle.kill().await;
        }
        self.quiet().await;
    }
}

/// A start that is dropped while it sends the input: the command is never run.
#[test]
fn start() {
    stepwise(false, start_is_dropped());
}

async fn start_is_dropped() {
    let place = Place::make().await;
    let folder = tempfile::tempdir().unwrap();
    // beyond what goes within the command's own request
    let input = Bytes::from(vec![b'x'; 200_000]);
    let mut points = 0;
    loop {
        let log = folder.path().join(points.to_string());
        let line = format!(
            "cat >/dev/null; echo ran >> '{}'; sleep {LONG}",
            log.display()
        );
        let request = ExecRequest::shell(line).stdin(input.clone());
        match dropped_after(points + 1, place.sandbox.start(request)).await {
            None => assert!(!log.exists(), "after {points} polls"),
            Some(started) => {
                let handle = started.unwrap().kill_handle();
                place.kills_done(vec![handle]).await;
                break;
            }
        }
        points += 1;
    }
    place.quiet().await;
    for n in 0..points {
        assert!(!folder.path().join(n.to_string()).exists(), "{n} ran");
    }
    report("start", "in memory", points);
    place.heals().await;
}

/// A command that is dropped anywhere between its start and its end dies with all it started, and ran once at most.
#[test]
fn next_and_wait() {
    stepwise(false, next_and_wait_are_dropped());
}

async fn next_and_wait_are_dropped() {
    let place = Place::make().await;
    let folder = tempfile::tempdir().unwrap();
    let handles = Mutex::new(Vec::new());
    let (mut in_next, mut in_wait) = (0, 0);
    while in_wait < 12 {
        let log = folder.path().join((in_next + in_wait).to_string());
        let line = format!(
            "echo ran >> '{}'; (sleep {LONG} &); sleep {LONG}",
            log.display()
        );
        let waits = AtomicBool::new(false);
        let call = async {
            let request = ExecRequest::shell(format!("{line} & echo up; wait"));
            let mut running = place.sandbox.start(request).await.unwrap();
            handles.lock().unwrap().push(running.kill_handle());
            let first = running.next().await.unwrap();
            assert_eq!(first.bytes, "up\n");
            waits.store(true, Ordering::Relaxed);
            running.wait().await
        };
        let ended = dropped_after(in_next + in_wait + 1, Box::pin(call)).await;
        assert!(ended.is_none(), "it ended by itself: {ended:?}");
        if waits.into_inner() {
            in_wait += 1;
        } else {
            in_next += 1;
        }
    }
    place.kills_done(handles.into_inner().unwrap()).await;
    for n in 0..in_next + in_wait {
        let log = fs::read_to_string(folder.path().join(n.to_string())).unwrap_or_default();
        assert!(log.lines().count() <= 1, "{n}: it ran twice");
    }
    report("Running::next", "then dropped", in_next);
    report("Running::wait", "then dropped", in_wait);
    place.heals().await;
}

/// A look for more output that is dropped loses nothing.
#[test]
fn next_again() {
    stepwise(false, next_again_is_dropped());
}

async fn next_again_is_dropped() {
    let place = Place::make().await;
    let line = "i=0; while [ $i -lt 12 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.05; done; seq 30000";
    let mut running = place.sandbox.start(ExecRequest::shell(line)).await.unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (mut points, mut polls) = (0, 1);
    loop {
        match dropped_after(polls, running.next()).await {
            None => {
                points += 1;
                // more than one, so that it also waits
                polls = polls % 30 + 1;
            }
            Some(Some(event)) => {
                let stream = match event.stream {
                    ExecStream::Stdout => &mut out,
                    ExecStream::Stderr => &mut err,
                };
                assert_eq!(event.offset, stream.len() as u64, "a gap or a repetition");
                stream.extend_from_slice(&event.bytes);
            }
            Some(None) => break,
        }
    }
    let lines = |word: &str| (0..12).map(|n| format!("{word} {n}\n")).collect::<String>();
    let counted: String = (1..=30_000).map(|n| format!("{n}\n")).collect();
    assert!(out == (lines("line") + &counted).as_bytes());
    assert_eq!(String::from_utf8(err).unwrap(), lines("error"));
    assert!(running.wait().await.success());
    report("Running::next", "then called again", points);
    place.heals().await;
}

/// A kill that is dropped goes on.
#[test]
fn kill() {
    stepwise(false, kill_is_dropped());
}

async fn started(place: &Place) -> Running {
    let request = ExecRequest::shell(format!("echo up; sleep {LONG}"));
    let mut running = place.sandbox.start(request).await.unwrap();
    assert_eq!(running.next().await.unwrap().bytes, "up\n");
    running
}

async fn kill_is_dropped() {
    let place = Place::make().await;
    let mut points = 0;
    loop {
        let running = started(&place).await;
        let killed = dropped_after(points + 1, running.kill()).await;
        let outcome = tokio::time::timeout(NEVER, running.wait()).await.unwrap();
        assert!(
            matches!(outcome.status(), ExecStatus::Signaled(_)),
            "after {points} polls: {outcome:?}"
        );
        place.quiet().await;
        if let Some(killed) = killed {
            assert!(killed.unwrap(), "it was alive");
            break;
        }
        points += 1;
    }
    report("Running::kill", "in memory", points);
    place.heals().await;
}

/// A command whose input comes bit by bit, dropped anywhere: killed, and it ran once at most.
#[test]
fn exec_piped() {
    stepwise(false, exec_piped_is_dropped());
}

async fn exec_piped_is_dropped() {
    let place = Place::make().await;
    let folder = tempfile::tempdir().unwrap();
    let input = vec![b'x'; 1_200_000];
    let mut points = 0;
    loop {
        let log = folder.path().join(points.to_string());
        let line = format!("echo ran >> '{}'; wc -c", log.display());
        let call = place
            .sandbox
            .exec_piped(ExecRequest::shell(line), &input[..]);
        if let Some(ended) = dropped_after(points + 1, Box::pin(call)).await {
            let outcome = ended.unwrap();
            assert_eq!(
                outcome.stdout().text_lossy().trim(),
                "1200000",
                "{outcome:?}"
            );
            break;
        }
        points += 1;
    }
    place.quiet().await;
    for n in 0..=points {
        let log = fs::read_to_string(folder.path().join(n.to_string())).unwrap_or_default();
        assert!(log.lines().count() <= 1, "{n}: it ran twice");
        assert!(n < points || log == "ran\n");
    }
    report("exec_piped", "in memory", points);
    place.heals().await;
}

/// The same of one that is followed, while its input never ends: it dies with the handle, or the future.
#[test]
fn start_piped() {
    stepwise(false, start_piped_is_dropped());
}

async fn start_piped_is_dropped() {
    let place = Place::make().await;
    let handles = Mutex::new(Vec::new());
    let (mut points, mut after) = (0, 0);
    while after < 8 {
        let (writer, input) = tokio::io::duplex(64);
        let up = AtomicBool::new(false);
        let call = async {
            let request = ExecRequest::shell("echo up; cat");
            let mut running = place.sandbox.start_piped(request, input).await.unwrap();
            handles.lock().unwrap().push(running.kill_handle());
            assert_eq!(running.next().await.unwrap().bytes, "up\n");
            up.store(true, Ordering::Relaxed);
            running.next().await
        };
        let ended = dropped_after(points + 1, Box::pin(call)).await;
        assert!(ended.is_none(), "it ended by itself: {ended:?}");
        drop(writer);
        points += 1;
        after += usize::from(up.into_inner());
    }
    place.kills_done(handles.into_inner().unwrap()).await;
    report("start_piped", "then dropped", points);
    place.heals().await;
}
