//! What it gets without writing it: variables, caching, single flight, generations, close, and the
//! adapters on top.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use context_vars::{NoVars, Variable, Vars};
use sandbox_core::adapter::{CodeAdapter, ShellAdapter};
use sandbox_core::{CachingFactory, ErrorKind, Sandbox, SandboxExt};
use third_party_factory::{Workshop, WorkshopParams, Workshops};
use tokio::task::JoinSet;

type Factory = CachingFactory<Workshops>;

fn factory(root: &Path) -> Factory {
    let params = WorkshopParams {
        scope: Variable::new("tenant").into(),
        env_vars: [("TENANT", Variable::new("tenant"))].into(),
    };
    CachingFactory::new(Workshops(root.to_str().unwrap().to_owned()), params)
}

fn tenant(name: &str) -> Vars {
    Vars::new().with("tenant", name)
}

fn folders(root: &Path) -> usize {
    std::fs::read_dir(root).map_or(0, Iterator::count)
}

async fn open(factory: &Factory, name: &str) -> Arc<Workshop> {
    factory.open(&tenant(name)).await.unwrap()
}

#[tokio::test]
async fn a_variable_decides_which_workshop_is_opened_and_what_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    let factory = factory(root.path());
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresolved);
    assert_eq!(
        folders(root.path()),
        0,
        "nothing is made for what does not resolve"
    );

    let (acme, other) = (open(&factory, "acme").await, open(&factory, "other").await);
    assert_ne!(acme.info().id(), other.info().id());
    let said = acme.shell("echo $TENANT").await.unwrap();
    assert_eq!(said.stdout().text_lossy(), "acme\n");
    assert_eq!(open(&factory, "acme").await.info(), acme.info());
    factory.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_openers_of_one_key_share_one_creation() {
    let root = tempfile::tempdir().unwrap();
    let factory = factory(root.path());
    let mut opens = JoinSet::new();
    for _ in 0..100 {
        let factory = factory.clone();
        opens.spawn(async move { open(&factory, "acme").await.info().id().to_owned() });
    }
    let ids: BTreeSet<_> = opens.join_all().await.into_iter().collect();
    assert_eq!((ids.len(), folders(root.path())), (1, 1));
    factory.close().await.unwrap();
    assert_eq!(folders(root.path()), 0);
}

#[tokio::test]
async fn a_lost_workshop_is_replaced_by_the_next_generation_and_not_in_secret() {
    let root = tempfile::tempdir().unwrap();
    let factory = factory(root.path());
    let first = open(&factory, "acme").await;
    first.put_text("notes", "kept?").await.unwrap();
    std::fs::remove_dir_all(Path::new(first.workdir()).parent().unwrap()).unwrap();

    let error = first.get_text("notes").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    let second = open(&factory, "acme").await;
    assert_eq!(
        (second.info().generation(), second.info().state_lost()),
        (2, true)
    );
    assert!(second.get_text("notes").await.unwrap_err().is_not_found());
    assert!(
        first.run(["true"]).await.unwrap_err().is_lost(),
        "the old handle stays lost"
    );
    factory.close().await.unwrap();
}

#[tokio::test]
async fn close_ends_the_workshops_with_what_runs_in_them() {
    let root = tempfile::tempdir().unwrap();
    let factory = factory(root.path());
    let workshop = open(&factory, "acme").await;
    let started = workshop
        .shell("sleep 600 >/dev/null 2>&1 & echo $!")
        .await
        .unwrap();
    let pid = started.stdout().text_lossy();
    let process = format!("/proc/{}/cmdline", pid.trim());
    assert!(!std::fs::read(&process).unwrap().is_empty(), "it runs");

    factory.close().await.unwrap();
    assert_eq!(folders(root.path()), 0);
    // A zombie at most, until its new parent looks.
    assert!(std::fs::read(&process).unwrap_or_default().is_empty());
    assert!(workshop.run(["true"]).await.unwrap_err().is_closed());
}

#[tokio::test]
async fn the_adapters_work_on_it_without_a_change() {
    let root = tempfile::tempdir().unwrap();
    let factory = factory(root.path());
    let shell = ShellAdapter::builder(factory.clone())
        .allowed(["echo", "cat"])
        .ignore([".env"])
        .build()
        .unwrap();
    let code = CodeAdapter::builder(factory.clone())
        .languages(["bash"])
        .build()
        .unwrap();
    let context = tenant("acme");
    let wrote = code
        .run("echo 6*7 > sum; echo $TENANT", "bash", &context)
        .await
        .unwrap();
    assert_eq!(wrote.to_text(), "acme");
    let read = shell.run("cat sum", &context).await.unwrap();
    assert_eq!(read.to_text(), "6*7");
    let denied = shell.run("cat .env", &context).await.unwrap();
    let workdir = open(&factory, "acme").await.workdir().to_owned();
    assert_eq!(denied.to_text(), format!("Access denied: {workdir}/.env"));
    assert_eq!(
        folders(root.path()),
        1,
        "one factory behind both is one sandbox"
    );
    factory.close().await.unwrap();
}
