//! The signal guard of the library, with a `DaytonaEnvironment` in a process of its own and the server in another.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, Lease};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox_core::{SandboxFactory, SignalGuard};
use serde_json::json;

use super::CREATE;
use super::server::{Served, role};

/// An hour of the server's is a minute of ours: what goes in these tests goes because somebody removed it.
const LEASE: Duration = Duration::from_secs(60 * 60);
/// Of the guard: so long that no test waits for it.
const DEADLINE: Duration = Duration::from_secs(600);

/// What runs in the child: two tenants' sandboxes, or one that is being made; then it waits for its end.
pub(super) fn main() {
    let given = |name: &str| std::env::var_os(name).map(|value| value.into_string().unwrap());
    let environment = DaytonaEnvironment::builder()
        .api_url(given("CRASH_URL").unwrap())
        .api_key(given("CRASH_TOKEN").unwrap())
        .scope(Variable::new("tenant"))
        .lease(Lease::ephemeral(LEASE))
        .close_timeout(DEADLINE)
        .build()
        .unwrap();
    let factory: Arc<dyn SandboxFactory> = Arc::new(environment.clone());
    let guard = given("CRASH_GUARD").map(|_| SignalGuard::new([factory], DEADLINE).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        println!("\n> opening");
        for tenant in ["one", "other"] {
            environment
                .open(&Vars::new().with("tenant", tenant))
                .await
                .unwrap();
        }
        println!("> open");
    });
    // a signal comes, or whoever started this ends
    let _ = std::io::stdin().lines().next();
    drop(guard);
}

struct Guarded {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Guarded {
    fn start(server: &Served, guard: bool) -> Self {
        let mut command = role("guarded");
        command
            .env("CRASH_URL", &server.url)
            .env("CRASH_TOKEN", &server.token);
        if guard {
            command.env("CRASH_GUARD", "1");
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn says(&mut self, wanted: &str) {
        let wanted = format!("> {wanted}");
        assert!(self.lines.by_ref().any(|line| line.unwrap() == wanted));
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Waits for its end; the signal that ended it.
    fn ended(mut self) -> Option<i32> {
        let held = self.process.stdin.take();
        let status = self.process.wait().unwrap();
        drop(held);
        status.signal()
    }
}

/// Waits for what the server sees.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let (_held, quiet) = std::sync::mpsc::channel::<()>();
    for _ in 0..3000 {
        if holds() {
            return;
        }
        let _ = quiet.recv_timeout(Duration::from_millis(20));
    }
    panic!("{what}: not within a minute");
}

/// By the server's own list; and without a guard they are all there: the control.
#[test]
fn a_guarded_process_that_is_told_to_end_leaves_nothing() {
    let server = Served::start();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut process = Guarded::start(&server, true);
        process.says("open");
        assert_eq!(server.alive().len(), 2);
        process.signal(signal);
        assert_eq!(process.ended(), Some(signal as i32));
        let alive = server.alive();
        assert!(alive.is_empty(), "{signal}: {alive:#?}");
    }
    let mut process = Guarded::start(&server, false);
    process.says("open");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended(), Some(Signal::SIGTERM as i32));
    assert_eq!(server.alive().len(), 2);
}

/// In the middle of a create, which the server carries out all the same: what it made is removed too.
#[test]
fn a_guarded_process_that_is_told_to_end_while_it_creates_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Served::slow(CREATE);
        let mut process = Guarded::start(&server, true);
        process.says("opening");
        until("it creates", || !server.sandboxes().is_empty());
        process.signal(signal);
        assert_eq!(process.ended(), Some(signal as i32));
        let alive = server.alive();
        assert!(alive.is_empty(), "{signal}: {alive:#?}");
        assert!(!server.sandboxes().is_empty(), "it was made");
    }
}

/// The first signal waits for deletes that never succeed; the second does not.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long another process takes is measured"
)]
fn the_second_signal_ends_a_guarded_process_at_once() {
    for (first, second) in [
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGINT, Signal::SIGTERM),
    ] {
        let server = Served::start();
        let mut process = Guarded::start(&server, true);
        process.says("open");
        let refused = json!({"answer": {"status": 503, "body": {"message": "not now"}}});
        let refused = json!({"on": "deleteSandbox", "always": true, "do": refused});
        server.inject(&json!({"faults": [refused]}));
        process.signal(first);
        // one that came before the first is taken up would be the same signal
        until("it deletes", || server.seen("deleteSandbox") > 0);
        let began = Instant::now();
        process.signal(second);
        assert_eq!(process.ended(), Some(first as i32));
        assert!(began.elapsed() < DEADLINE / 10, "{:?}", began.elapsed());
        assert_eq!(server.alive().len(), 2, "as if it was killed");
    }
}
