//! What an answer proves, and what it does not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::time::Duration;

use context_vars::NoVars;
use daytona_env::Lease;
use sandbox_core::ErrorKind;
use tokio::time::sleep;

use crate::fake::{Fake, Fault};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers of 404 to renewals while the sandbox is there: it stays, with its state.
async fn stays(call: &'static str, ttl: bool) {
    let fake = Fake::default();
    fake.state().ttl = ttl;
    fake.fault(
        call,
        [
            Fault::Refused(404, "Sandbox with ID or name sb-1 not found"),
            Fault::Refused(404, "Sandbox with ID or name sb-1 not found"),
        ],
    );
    let environment = fake
        .builder()
        .lease(Lease::ephemeral(3 * MINUTE))
        .build()
        .unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    sleep(6 * MINUTE).await;
    let again = environment.open(&NoVars).await.unwrap();
    assert_eq!((again.id(), again.generation()), (first.id(), 1), "{call}");
    assert_eq!(
        (fake.count("create"), fake.count("delete")),
        (1, 0),
        "{call}"
    );
    assert!(fake.state().rows[0].renewals >= 4, "{call}: renewed again");
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_answered_404_is_no_loss_while_the_sandbox_is_there() {
    stays("renew", false).await;
    stays("ttl", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_answered_404_while_nobody_can_say_more_is_no_loss() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    fake.fault("renew", [Fault::Refused(404, "not found")]);
    fake.fault("get", std::iter::repeat_n(Fault::Refused(500, "x"), 20));
    sleep(2 * MINUTE).await;
    fake.state().faults.clear();
    let again = environment.open(&NoVars).await.unwrap();
    assert_eq!((again.id(), fake.count("delete")), (first.id(), 0));
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_room_and_a_suspended_plan_are_told_apart_from_bad_input_and_a_bad_key() {
    for (status, text, kind) in [
        (400, "No available runners", ErrorKind::Unavailable),
        (
            403,
            "Organization is suspended: Depleted credits",
            ErrorKind::Quota,
        ),
    ] {
        let fake = Fake::default();
        fake.fault("create", [Fault::Refused(status, text)]);
        let environment = fake.builder().build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(fake.count("create"), 1);
        environment.close().await.unwrap();
    }
}

/// A start of six minutes counts: the server's time to live ends with the longest life, not six minutes later.
#[tokio::test(start_paused = true)]
async fn the_longest_life_counts_from_the_first_request() {
    let fake = Fake::default();
    fake.state().ttl = true;
    fake.state().delay = 6 * MINUTE;
    let environment = fake
        .builder()
        .lease(Lease::ephemeral(3 * MINUTE))
        .create_timeout(10 * MINUTE)
        .max_lifetime(12 * MINUTE)
        .build()
        .unwrap();
    environment.open(&NoVars).await.unwrap();
    assert_eq!(fake.state().rows[0].body["asked"]["ttlMinutes"], 9);
    sleep(4 * MINUTE).await;
    let set: Vec<u32> = fake.state().rows[0]
        .ttl
        .iter()
        .map(|minutes| minutes.parse().unwrap())
        .collect();
    // three renewals after the start, so nine minutes old, give or take their jitter
    assert!(matches!(set[..], [3 | 4]), "{set:?}");
    sleep(3 * MINUTE).await;
    assert_eq!(fake.left(), 0, "we end it ourselves while we live");
    environment.close().await.unwrap();
}
