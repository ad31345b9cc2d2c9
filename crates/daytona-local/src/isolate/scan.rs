//! The processes of a server's sandboxes, found by a marker in their environment.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The processes whose environment holds `marker`.
pub(crate) fn find(marker: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| holds(&environ, marker))
        })
        .collect()
}

fn holds(environ: &[u8], marker: &str) -> bool {
    environ
        .windows(marker.len())
        .any(|window| window == marker.as_bytes())
}

/// Kills them, again and again, since one that forks leaves a child behind. Gives up after a second.
pub(crate) async fn kill_all(marker: &str) {
    for _ in 0..200 {
        let name = marker.to_owned();
        let found = tokio::task::spawn_blocking(move || find(&name)).await;
        let found = found.unwrap_or_default();
        if found.is_empty() {
            return;
        }
        for pid in found {
            // Gone already is as good.
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
