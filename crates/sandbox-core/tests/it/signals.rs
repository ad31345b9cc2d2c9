//! The guard that closes factories when the process is told to end, in real processes: this program
//! starts itself, to run one test only, and sends itself a signal.

#![expect(clippy::print_stdout, reason = "the child tells its parent by it")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{NoVars, Source};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox_core::{CloseError, Error, LocalEnvironment, Sandbox, SandboxFactory, SignalGuard};

const ROLE: &str = "SANDBOX_CORE_SIGNAL_CHILD";

/// Not a test of its own: what the children run, in the role that they are given.
#[test]
fn child() {
    let Some(role) = std::env::var_os(ROLE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let environment = Arc::new(LocalEnvironment::builder().build().unwrap());
    let sandbox = runtime.block_on(environment.open(&NoVars)).unwrap();
    let mut factories: Vec<Arc<dyn SandboxFactory>> =
        vec![Arc::<LocalEnvironment>::clone(&environment)];
    if role == "stuck" {
        factories.push(Arc::new(Stuck));
    }
    let deadline = Duration::from_millis(300);
    let guard = (role != "unguarded").then(|| SignalGuard::new(factories, deadline).unwrap());
    let _guard = guard.filter(|_| role != "dropped");
    println!("\nfolder {}", sandbox.workdir());
    // Until a signal, or the end of the parent closes the pipe.
    let _ = std::io::stdin().lines().next();
}

/// A factory whose close never ends.
#[derive(Debug)]
struct Stuck;

#[async_trait]
impl SandboxFactory for Stuck {
    async fn open(&self, _context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        Err(Error::new(sandbox_core::ErrorKind::Unsupported, "stuck"))
    }

    async fn close(&self) -> Result<(), CloseError> {
        std::future::pending().await
    }
}

/// Starts a child in a role and waits until it has a sandbox; gives its folder.
fn start(role: &str) -> (Child, PathBuf) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::child", "--nocapture"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder ").map(PathBuf::from))
        .unwrap();
    assert!(folder.is_dir());
    (child, folder)
}

/// Sends the signal and waits for the end; gives the signal that ended the child.
fn end(child: &mut Child, signal: Signal) -> Option<i32> {
    // Waiting would close it, and end the child.
    let _open = child.stdin.take();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    child.wait().unwrap().signal()
}

fn clean(folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_signal_closes_the_factories_and_ends_the_process_as_that_signal() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (mut child, folder) = start("guarded");
        assert_eq!(end(&mut child, signal), Some(signal as i32));
        assert!(!folder.exists(), "its sandbox is gone");
    }
}

#[test]
fn a_close_that_does_not_end_holds_the_process_up_for_the_deadline_only() {
    let (mut child, folder) = start("stuck");
    assert_eq!(end(&mut child, Signal::SIGTERM), Some(15));
    assert!(!folder.exists(), "the other factory was closed");
}

#[test]
fn without_a_guard_or_after_its_end_the_process_ends_at_once() {
    for role in ["unguarded", "dropped"] {
        let (mut child, folder) = start(role);
        assert_eq!(end(&mut child, Signal::SIGTERM), Some(15));
        assert!(folder.exists(), "nobody closed anything");
        clean(&folder);
    }
}
