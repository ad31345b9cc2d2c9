//! Folders: made, shared, lost, removed.

use std::path::Path;
use std::sync::Arc;

use context_vars::{Template, Variable};
use sandbox_core::{
    ErrorKind, ExecStatus, LocalEnvironment, NoVars, Sandbox, SandboxExt, SandboxFactory, Vars,
};

use super::{open, own, sleepers};

#[tokio::test]
async fn a_given_folder_is_made_and_kept() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("a/b");
    let environment = LocalEnvironment::builder().path(path.to_str().unwrap());
    let environment = environment.build().unwrap();
    assert!(!path.exists());
    let sandbox = environment.open(&NoVars).await.unwrap();
    sandbox.put_text("kept", "x").await.unwrap();
    environment.close().await.unwrap();
    assert_eq!(std::fs::read(path.join("kept")).unwrap(), b"x");

    let environment = LocalEnvironment::builder().path(path.to_str().unwrap());
    let environment = environment.remove_path_on_close().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    environment.close().await.unwrap();
    assert!(!path.exists());
    assert!(above.path().join("a").exists());
}

#[tokio::test]
async fn two_scopes_do_not_meet_in_one_folder() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().to_str().unwrap();
    let acme = Vars::new().with("tenant", "acme");
    let other = Vars::new().with("tenant", "other");
    let builder = || LocalEnvironment::builder().scope(Variable::new("tenant"));

    let shared = builder().path(root).build().unwrap();
    shared.open(&acme).await.unwrap();
    assert_eq!(
        shared.open(&other).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    shared.close().await.unwrap();
    shared.open(&other).await.unwrap();
    shared.close().await.unwrap();

    let template = Template::parse(&format!("{root}/${{tenant}}")).unwrap();
    let apart = builder().path(template).build().unwrap();
    let one = apart.open(&acme).await.unwrap();
    let two = apart.open(&other).await.unwrap();
    assert!(one.workdir().ends_with("/acme") && two.workdir().ends_with("/other"));
    assert!(Arc::ptr_eq(&one, &apart.open(&acme).await.unwrap()));
    apart.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_environment_removes_everything() {
    let (environment, sandbox) = open().await;
    let clone = environment.clone();
    sandbox
        .shell(own("setsid sleep 86389 & mkdir d; touch d/f; chmod 000 d"))
        .await
        .unwrap();
    drop(environment);
    assert!(Path::new(sandbox.workdir()).exists());
    drop(clone);
    assert!(!Path::new(sandbox.workdir()).exists());
    assert_eq!(sleepers("86389"), 0);
    assert_eq!(
        sandbox.get("d/f").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn a_folder_removed_from_under_it_is_a_lost_sandbox() {
    let (environment, old) = open().await;
    std::fs::remove_dir_all(old.workdir()).unwrap();
    assert!(old.run(["true"]).await.unwrap_err().is_lost());
    let new = environment.open(&NoVars).await.unwrap();
    assert_eq!(
        (new.info().generation(), new.info().state_lost()),
        (2, true)
    );
    assert_ne!(new.workdir(), old.workdir());
    assert!(new.run(["true"]).await.unwrap().success());
    assert!(old.get("x").await.unwrap_err().is_lost());
    // Noticed by the opener, too.
    std::fs::remove_dir_all(new.workdir()).unwrap();
    let third = environment.open(&NoVars).await.unwrap();
    assert_eq!(third.info().generation(), 3);
    environment.close().await.unwrap();
}

#[tokio::test]
async fn closing_ends_a_running_command() {
    let (environment, sandbox) = open().await;
    let running = Arc::clone(&sandbox);
    let running = async move { running.shell(own("echo on; touch on; sleep 86388")).await };
    let close = async {
        while sandbox.get("on").await.is_err() {}
        environment.close().await
    };
    let (outcome, closed) = tokio::join!(running, close);
    closed.unwrap();
    let outcome = outcome.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Lost);
    assert_eq!(outcome.stdout().text_lossy(), "on\n");
    assert_eq!(outcome.cause().unwrap().kind(), ErrorKind::Closed);
    assert_eq!(sleepers("86388"), 0);
    assert_eq!(
        sandbox.run(["true"]).await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn bad_values_are_refused_before_a_folder_is_made() {
    let zero = LocalEnvironment::builder()
        .timeout(std::time::Duration::ZERO)
        .build();
    assert_eq!(zero.unwrap_err().kind(), ErrorKind::InvalidInput);
    let environment = LocalEnvironment::builder()
        .env_var("A=B", "x")
        .build()
        .unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let environment = LocalEnvironment::builder()
        .env_var("A", Variable::new("a"))
        .build();
    let error = environment.unwrap().open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresolved);
}

#[tokio::test]
async fn nothing_shows_a_value() {
    let environment = LocalEnvironment::builder()
        .env_var("KEY", "canary-1")
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let outcome = sandbox.shell("echo $KEY").await.unwrap();
    assert_eq!(outcome.stdout().text_lossy(), "canary-1\n");
    let shown = format!("{environment:?} {sandbox:?} {outcome:?}");
    assert!(!shown.contains("canary"), "{shown}");
    environment.close().await.unwrap();
}
