//! The namespaces of one sandbox, kept open by its pid 1.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::cell::Cell;
use super::probe::{NAMESPACES, PLAIN_PATH, Tools};

/// How long pid 1 may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

const SETUP: &str = include_str!("setup.sh");

/// Living namespaces. Dropping it kills what is in them: pid 1 reads a pipe that closes with it.
#[derive(Debug)]
pub(crate) struct Space {
    /// pid 1 of the sandbox, as the host sees it.
    pub(crate) pid: u32,
    pub(crate) network: bool,
    child: Child,
    pipe: ChildStdin,
}

impl Space {
    /// Must be called on the server's own thread: the death signal follows the thread that spawned.
    pub(crate) async fn start(
        cell: &Cell,
        tools: &Tools,
        network: bool,
        marker: &[(String, String)],
    ) -> io::Result<Self> {
        let mut command = Command::new(&tools.setpriv);
        command.args(["--pdeathsig", "KILL"]);
        if nix::unistd::geteuid().is_root() {
            command.arg("--clear-groups");
        }
        command.arg(&tools.unshare).args(NAMESPACES);
        if !network {
            command.arg("--net");
        }
        command
            .args(["/bin/sh", "-c", SETUP, "daytona-local"])
            .arg(&cell.root)
            .arg(cell.host.etc())
            .arg(if network { "shared" } else { "own" })
            .arg(cell.host.binds().len().to_string())
            .args(cell.host.binds());
        for mounted in &cell.mounts {
            // what it is called once the host's root lies aside, where links of the host lead nowhere
            command.arg(std::fs::canonicalize(&mounted.volume)?);
            command.arg(&mounted.subpath).arg(&mounted.at);
        }
        let mut child = command
            .env_clear()
            .env("PATH", PLAIN_PATH)
            .envs(marker.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipe = child
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("no pipe"))?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no pipe"))?;
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = tokio::time::timeout(Duration::from_secs(30), stdout.read_line(&mut line)).await;
        let pid = line
            .strip_prefix("ready ")
            .and_then(|pid| pid.trim().parse().ok());
        match (read, pid) {
            (Ok(Ok(_)), Some(pid)) => Ok(Self {
                pid,
                network,
                child,
                pipe,
            }),
            _ => {
                drop(child.start_kill());
                let mut reason = String::new();
                if let Some(mut stderr) = child.stderr.take() {
                    drop(stderr.read_to_string(&mut reason).await);
                }
                Err(io::Error::other(format!(
                    "the private root was not made: {}",
                    reason.trim()
                )))
            }
        }
    }

    /// Whether pid 1 still lives.
    pub(crate) fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills everything in it and waits until that is done.
    pub(crate) async fn kill(mut self) {
        // pid 1 reads the end of its input and ends, after the kernel has killed and reaped everything else in there.
        drop(self.pipe);
        if tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .is_err()
        {
            drop(self.child.kill().await);
        }
    }
}
