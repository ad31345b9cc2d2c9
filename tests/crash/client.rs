//! A process that opens, runs and closes until it is ended.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, Lease};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};

use super::LEASE;
use super::server::{Served, role};

/// Ends a test that would hang.
const LIMIT: Duration = Duration::from_secs(60);

/// What runs in the child: two tenants, one of which is closed and opened again all the time.
pub(super) fn main() {
    let given = |name: &str| std::env::var_os(name).unwrap().into_string().unwrap();
    let build = || {
        DaytonaEnvironment::builder()
            .api_url(given("CRASH_URL"))
            .api_key(given("CRASH_TOKEN"))
            .scope(Variable::new("tenant"))
            .lease(Lease::ephemeral(LEASE))
            // 30 s of the server's time
            .renew_interval(Duration::from_millis(500))
            .build()
            .unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (kept, closed) = (build(), build());
        let tenant = |name: &str| Vars::new().with("tenant", name);
        println!("\n> opening");
        let mut sandbox = kept.open(&tenant("kept")).await.unwrap();
        println!("> open");
        loop {
            let status = match sandbox.exec(ExecRequest::argv(["true"])).await {
                Ok(outcome) => outcome.status(),
                Err(error) if error.is_lost() => ExecStatus::Lost,
                Err(error) => panic!("{error}"),
            };
            if status == ExecStatus::Lost {
                let again = kept.open(&tenant("kept")).await.unwrap();
                assert!(again.generation() > sandbox.generation() && again.state_lost());
                sandbox = again;
                println!("> told");
            }
            if let Ok(other) = closed.open(&tenant("closed")).await {
                drop(other.exec(ExecRequest::argv(["true"])).await);
            }
            drop(closed.close().await);
            println!("> round");
        }
    });
}

pub(super) struct Client {
    process: Child,
    lines: Receiver<String>,
}

impl Client {
    pub(super) fn start(server: &Served) -> Self {
        let mut process = role("client")
            .env("CRASH_URL", &server.url)
            .env("CRASH_TOKEN", &server.token)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix("> ")
                    && sender.send(line.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    /// Lets it go on for so long.
    pub(super) fn listen(&self, time: Duration) {
        let (_held, quiet) = channel::<()>();
        assert_eq!(quiet.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    }

    pub(super) fn wait_for(&self, wanted: &str) {
        while self.lines.recv_timeout(LIMIT).unwrap() != wanted {}
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Ends it and waits for its end.
    pub(super) fn end(&mut self, signal: Signal) {
        self.signal(signal);
        self.process.wait().unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Where a test failed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
