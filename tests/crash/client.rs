//! A process that opens, runs and closes until it is ended.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox, Lease};
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
    // what went wrong, to whoever started this
    std::panic::set_hook(Box::new(|why| println!("\n> panic: {why}")));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (kept, closed) = (build(), build());
        let tenant = |name: &str| Vars::new().with("tenant", name);
        println!("\n> opening");
        let mut sandbox = open(&kept).await;
        let mut state = note(&sandbox).await;
        println!("> open");
        loop {
            println!("> command");
            let request = ExecRequest::shell("sleep 0.2; cat state");
            let status = match sandbox.exec(request).await {
                Ok(outcome) => {
                    if outcome.success() {
                        // a lie: what is answered is not what was left there
                        let found = outcome.stdout().text_lossy();
                        assert_eq!(Some(found.trim()), state.as_deref());
                    }
                    outcome.status()
                }
                Err(error) if error.is_lost() => ExecStatus::Lost,
                Err(error) => panic!("{error}"),
            };
            println!("> commanded");
            if status == ExecStatus::Lost {
                let again = open(&kept).await;
                assert!(again.generation() > sandbox.generation() && again.state_lost());
                sandbox = again;
                state = note(&sandbox).await;
                println!("> told");
            } else {
                assert_ne!(status, ExecStatus::Exited(1), "its state went, silently");
            }
            println!("> opening");
            if let Ok(other) = closed.open(&tenant("closed")).await {
                drop(other.exec(ExecRequest::argv(["true"])).await);
            }
            println!("> closing");
            drop(closed.close().await);
            println!("> round");
        }
    });
}

/// What is kept may be lost while it is made, by a process that was stopped meanwhile; then it is made anew.
async fn open(kept: &DaytonaEnvironment) -> Arc<DaytonaSandbox> {
    let context = Vars::new().with("tenant", "kept");
    let mut tries = 0;
    loop {
        match kept.open(&context).await {
            Ok(sandbox) => return sandbox,
            Err(error) if tries < 3 => {
                println!("> not opened: {error}");
                tries += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Leaves something in it, and says what; nothing if it was lost before.
async fn note(sandbox: &DaytonaSandbox) -> Option<String> {
    let state = format!("{} of {}", sandbox.generation(), sandbox.id());
    let request = ExecRequest::shell(format!("echo '{state}' > state"));
    match sandbox.exec(request).await {
        Ok(outcome) if outcome.success() => Some(state),
        Ok(outcome) if outcome.status() == ExecStatus::Lost => None,
        Err(error) if error.is_lost() => None,
        other => panic!("{other:?}"),
    }
}

pub(super) struct Client {
    process: Child,
    lines: Receiver<String>,
    said: Option<String>,
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
        Self {
            process,
            lines,
            said: None,
        }
    }

    /// Lets it go on for so long.
    pub(super) fn listen(&self, time: Duration) {
        let (_held, quiet) = channel::<()>();
        assert_eq!(quiet.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    }

    pub(super) fn wait_for(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap();
            assert!(!line.starts_with("panic"), "{line}");
            let found = line == wanted;
            self.said = Some(line);
            if found {
                return;
            }
        }
    }

    /// The last thing it said by now.
    pub(super) fn last(&mut self) -> &str {
        self.said = self.lines.try_iter().last().or(self.said.take());
        self.said.as_deref().unwrap_or("nothing yet")
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
