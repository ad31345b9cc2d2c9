//! Local sandboxes: what is theirs alone. What every sandbox must do is in the conformance suite.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use sandbox_core::{LocalEnvironment, LocalSandbox, NoVars, SandboxFactory};

mod exec;
mod files;
mod lifecycle;

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

/// The processes of this host that have `text` among their arguments.
fn processes_with(text: &str) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| {
            let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let text = text.as_bytes();
            arguments.split(|byte| *byte == 0).any(|word| word == text)
        })
        .count()
}
