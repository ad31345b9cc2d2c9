//! One sandbox with one owner.

use context_vars::NoVars;
use daytona_env::OwnedSandbox;
use futures_util::future::join_all;
use sandbox_core::{Sandbox, SandboxExt};

use crate::fake::{Fake, Fault};

#[tokio::test(start_paused = true)]
async fn closing_deletes_once_however_many_call() {
    let fake = Fake::default();
    let owned = OwnedSandbox::create(fake.builder(), &NoVars).await.unwrap();
    assert_eq!((fake.count("create"), fake.left()), (1, 1));
    for closed in join_all((0..5).map(|_| owned.close())).await {
        closed.unwrap();
    }
    owned.close().await.unwrap();
    assert_eq!((fake.count("delete"), fake.left()), (1, 0));
    let sent = fake.count("execute");
    assert!(owned.run(["true"]).await.unwrap_err().is_closed());
    assert!(owned.get("a").await.unwrap_err().is_closed());
    assert_eq!(fake.count("execute"), sent);
}

#[tokio::test(start_paused = true)]
async fn dropping_hands_the_delete_over() {
    let fake = Fake::default();
    drop(OwnedSandbox::create(fake.builder(), &NoVars).await.unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!((fake.count("delete"), fake.left()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_leaves_nothing() {
    let fake = Fake::default();
    fake.fault("create", [Fault::ErrorRow("no runner")]);
    let error = OwnedSandbox::create(fake.builder(), &NoVars)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no runner"), "{error}");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(fake.left(), 0);
}
