//! Ending a command with all that it started.

use std::fs;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// In the environment of every command, to know its descendants by.
pub(super) const MARKER: &str = "SANDBOX_CORE_LOCAL";
/// How often the processes are gone through. One that forks all the time may need a few.
const ROUNDS: usize = 100;

/// The processes of one command, or of one sandbox.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    group: Option<Pid>,
    /// What the entry of a process's environment begins with.
    mark: Vec<u8>,
    /// Whether the entry is that and no more.
    whole: bool,
}

impl Tree {
    /// Everything that any command of a sandbox started.
    pub(super) fn of_sandbox(id: &str) -> Self {
        Self {
            group: None,
            mark: format!("{MARKER}={id}/").into_bytes(),
            whole: false,
        }
    }

    /// What one command started. `mark` is the value of its [`MARKER`], and it leads a process
    /// group of its own.
    pub(super) fn of_command(leader: Option<u32>, mark: &str) -> Self {
        let leader = leader.and_then(|leader| i32::try_from(leader).ok());
        Self {
            group: leader.map(Pid::from_raw),
            mark: format!("{MARKER}={mark}").into_bytes(),
            whole: true,
        }
    }

    /// Kills them all. A process that has left the group is found by its environment where there
    /// is a `/proc`; one that has left the group and cleared its environment gets away.
    pub(super) fn kill(&self) {
        if let Some(group) = self.group {
            // It may have ended just now.
            let _ = killpg(group, Signal::SIGKILL);
        }
        for _ in 0..ROUNDS {
            let found = self.marked();
            if found.is_empty() {
                return;
            }
            for pid in found {
                let _ = kill(pid, Signal::SIGKILL);
            }
            std::thread::yield_now();
        }
        tracing::warn!("processes of a local sandbox keep coming back");
    }

    fn marked(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &i32| {
                fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| self.is_marked(&env))
            })
            .map(Pid::from_raw)
            .collect()
    }

    fn is_marked(&self, environ: &[u8]) -> bool {
        environ.split(|byte| *byte == 0).any(|entry| {
            if self.whole {
                entry == self.mark
            } else {
                entry.starts_with(&self.mark)
            }
        })
    }
}

/// Kills a command when it is dropped before [`disarm`](Self::disarm): its caller went away.
#[derive(Debug)]
pub(super) struct KillOnDrop(Option<Tree>);

impl KillOnDrop {
    pub(super) fn new(tree: Tree) -> Self {
        Self(Some(tree))
    }

    /// The command has ended by itself.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }

    /// Kills it now.
    pub(super) fn fire(mut self) {
        if let Some(tree) = self.0.take() {
            tree.kill();
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(tree) = self.0.take() {
            tree.kill();
        }
    }
}
