//! A server that answers look-ups from a cache, misses too.

use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::ErrorKind;

use crate::fake::{Fake, Fault};

fn fake() -> Fake {
    let fake = Fake::default();
    fake.state().caches_misses = true;
    fake
}

#[tokio::test(start_paused = true)]
async fn a_row_behind_a_cached_miss_is_found_and_removed() {
    let fake = fake();
    // the refusal is looked after, which puts a miss into the cache; the next try leaves a broken row
    fake.fault(
        "create",
        [Fault::Refused(429, "slow down"), Fault::ErrorRow("no disk")],
    );
    let environment = fake.builder().build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(error.to_string().contains("no disk"), "{error}");
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0, "{:?}", fake.state().log);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_row_behind_a_cached_miss_is_adopted() {
    let fake = fake();
    fake.fault(
        "create",
        [
            Fault::Refused(503, "x"),
            Fault::Done(400, "Sandbox failed to start"),
        ],
    );
    let environment = fake.builder().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let rows = fake.state().rows.len();
    assert_eq!((rows, fake.count("create")), (1, 2));
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_really_is_not_there_is_not_waited_for() {
    let fake = fake();
    fake.fault("create", [Fault::Refused(400, "Snapshot x not found")]);
    let environment = fake.builder().build().unwrap();
    let began = tokio::time::Instant::now();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(began.elapsed() < Duration::from_secs(1));
    environment.close().await.unwrap();
}
