//! The child that cleans up when the server is killed: it notices by its pipe, and needs nobody to tell it.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::probe::PLAIN_PATH;

const SCRIPT: &str = include_str!("watchdog.sh");

#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
    pipe: ChildStdin,
}

impl Watchdog {
    pub(crate) fn start(marker: &str, directory: &Path) -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "daytona-local-watchdog", marker])
            .arg(directory)
            .env_clear()
            .env("PATH", PLAIN_PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: Ctrl-C in a terminal must not reach it.
            .process_group(0)
            .spawn()?;
        let pipe = child
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("no pipe"))?;
        Ok(Self { child, pipe })
    }

    /// Tells it that everything is cleaned up, and waits for its end.
    pub(crate) async fn dismiss(mut self) {
        if self.pipe.write_all(b"done\n").await.is_ok() {
            drop(self.pipe);
            drop(self.child.wait().await);
        }
    }
}
