//! Local sandboxes: what is theirs alone. What every sandbox must do is in the conformance suite.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use sandbox_core::{LocalEnvironment, LocalSandbox, NoVars, SandboxFactory};

mod exec;
mod files;
mod lifecycle;
mod running;

async fn open() -> (LocalEnvironment, Arc<LocalSandbox>) {
    let environment = LocalEnvironment::builder().build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    (environment, sandbox)
}

/// Closes, and shows that the folder is gone.
async fn close(environment: LocalEnvironment, sandbox: Arc<LocalSandbox>) {
    use sandbox_core::Sandbox;
    environment.close().await.unwrap();
    assert!(!std::path::Path::new(sandbox.workdir()).exists());
}

/// The line with each `sleep` of a day marked as one of this run, so that another run of the tests
/// on the same host is not counted.
fn own(line: &str) -> String {
    let mut owned = line.to_owned();
    for day in 86388..=86399 {
        let day = format!("sleep {day}");
        owned = owned.replace(&day, &format!("{day}.{}", std::process::id()));
    }
    owned
}

/// The processes of this run that sleep for so many seconds.
fn sleepers(seconds: &str) -> usize {
    let word = format!("{seconds}.{}", std::process::id()).into_bytes();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| {
            let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            arguments
                .split(|byte| *byte == 0)
                .any(|given| given == word)
        })
        .count()
}

/// A dropped command is killed in the background.
async fn none_sleeps(seconds: &str) {
    for _ in 0..1000 {
        if sleepers(seconds) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(sleepers(seconds), 0);
}
