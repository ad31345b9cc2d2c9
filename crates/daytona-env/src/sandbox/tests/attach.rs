//! Handles to sandboxes that are known by their id.

use sandbox_core::{ErrorKind, Sandbox as _, SandboxExt as _};

use super::server::Server;
use crate::sandbox::{DaytonaSandbox, SandboxRef};

#[tokio::test]
async fn attaches_by_reference_to_one_that_runs() {
    let server = Server::new();
    let reference = SandboxRef::new("sb-1", 4);
    let plain = DaytonaSandbox::attach_over(server.clients(), &reference)
        .await
        .unwrap();
    assert_eq!(plain.workdir(), server.workdir.path().to_str().unwrap());
    std::fs::create_dir(server.workdir.path().join("workspace")).unwrap();
    let sandbox = DaytonaSandbox::attach_over(server.clients(), &reference)
        .await
        .unwrap();
    assert!(sandbox.workdir().ends_with("/workspace"));
    assert_eq!(
        (sandbox.id(), sandbox.generation(), sandbox.state_lost()),
        ("sb-1", 4, false)
    );
    assert_eq!(sandbox.reference(), reference);
    let outcome = sandbox.run(["pwd"]).await.unwrap();
    assert_eq!(outcome.stdout().text_lossy().trim_end(), sandbox.workdir());
}

#[tokio::test(start_paused = true)]
async fn refuses_one_that_is_not_there_or_does_not_run() {
    let server = Server::new();
    let reference = SandboxRef::new("sb-1", 1);
    for (row, wanted) in [
        ("", ErrorKind::NotFound),
        ("stopped", ErrorKind::Unavailable),
    ] {
        server.state().sandbox = row;
        let error = DaytonaSandbox::attach_over(server.clients(), &reference)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), wanted, "{row}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}
