//! Sandboxes after their create: leases, losses, drops, close.

use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_env::Lease;
use futures_util::future::join_all;
use sandbox_core::{ErrorKind, Sandbox};

use crate::fake::{Fake, Fault};

#[tokio::test(start_paused = true)]
async fn dropping_the_environment_deletes_in_the_background() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let clone = environment.clone();
    drop(environment);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.left(), 1, "a clone still holds it");
    drop(clone);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_open_leaks_nothing() {
    let fake = Fake::default();
    fake.state().delay = Duration::from_millis(300);
    let environment = fake.builder().build().unwrap();
    let open = tokio::time::timeout(Duration::from_millis(50), environment.open(&NoVars)).await;
    assert!(open.is_err(), "dropped half-way");
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert_eq!((sandbox.id(), fake.count("create")), ("sb-1", 1));
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn close_during_a_create_waits_for_it() {
    let fake = Fake::default();
    fake.state().delay = Duration::from_secs(3);
    let environment = fake.builder().build().unwrap();
    let (opened, closed) = tokio::join!(environment.open(&NoVars), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        environment.close().await
    });
    assert!(opened.unwrap_err().is_closed());
    closed.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_close_in_parallel() {
    let fake = Fake::default();
    let environment = fake
        .builder()
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let contexts: Vec<_> = (0..100)
        .map(|n| Vars::new().with("tenant", format!("t{n}")))
        .collect();
    let opened = join_all(contexts.iter().map(|context| environment.open(context))).await;
    assert!(opened.iter().all(Result::is_ok));
    assert_eq!((environment.len(), fake.count("create")), (100, 100));
    environment.close().await.unwrap();
    assert_eq!((fake.left(), fake.count("delete")), (0, 100));
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_and_anchored() {
    let fake = Fake::default();
    fake.state().ttl = true;
    let environment = fake
        .builder()
        .lease(Lease::ephemeral(Duration::from_secs(180)))
        .build()
        .unwrap();
    environment.open(&NoVars).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10 * 60 + 30)).await;
    let row = fake.state().rows[0].clone();
    assert!((9..=12).contains(&row.renewals), "{}", row.renewals);
    assert!((3..=4).contains(&row.ttl.len()), "{:?}", row.ttl);
    assert!(
        row.ttl.iter().all(|minutes| minutes == "9"),
        "{:?}",
        row.ttl
    );
    environment.close().await.unwrap();
    let renewals = fake.count("renew");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(
        fake.count("renew"),
        renewals,
        "nothing is renewed after close"
    );
}

#[tokio::test(start_paused = true)]
async fn a_vanished_sandbox_is_made_anew_by_the_next_open() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    fake.state().rows[0].deleted = true;
    tokio::time::sleep(Duration::from_secs(70)).await;
    let second = environment.open(&NoVars).await.unwrap();
    assert_eq!(second.id(), "sb-2");
    assert_eq!(
        (second.info().generation(), second.info().state_lost()),
        (2, true)
    );
    let error = first.get("x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error:?}");
    assert_eq!(
        fake.state().rows[1].body["labels"]["daytona-env.generation"],
        "2"
    );
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn close_insists() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    fake.fault(
        "delete",
        [
            Fault::Refused(409, "Sandbox state change in progress"),
            Fault::Refused(503, "x"),
            Fault::Lost,
        ],
    );
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);

    environment.open(&NoVars).await.unwrap();
    fake.fault(
        "delete",
        std::iter::repeat_n(
            Fault::Refused(409, "Sandbox state change in progress"),
            10_000,
        ),
    );
    let left = environment.close().await.unwrap_err();
    assert_eq!(left.leftovers().len(), 1);
    assert_eq!(left.leftovers()[0].id(), Some("sb-2"));
    // what refuses us may refuse the server's timers too
    assert_eq!(left.leftovers()[0].server_bound(), None);

    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    fake.fault(
        "delete",
        std::iter::repeat_n(Fault::Refused(503, "x"), 10_000),
    );
    let left = environment.close().await.unwrap_err();
    assert_eq!(
        left.leftovers()[0].server_bound(),
        Some(Duration::from_secs(360))
    );
}
