//! What an environment says of what it holds, from the first open to the close.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::NoVars;
use daytona_env::{DaytonaEnvironment, Lease};
use sandbox_core::{SandboxSnapshot, SnapshotState};
use tokio::time::sleep;

use crate::fake::{Fake, Fault};

const MINUTE: Duration = Duration::from_secs(60);
/// How far a moment may be off: virtual time passes while looks and answers are waited for.
const MOMENT: Duration = Duration::from_secs(2);

/// The one thing there is.
fn only(environment: &DaytonaEnvironment) -> SandboxSnapshot {
    let mut all = environment.snapshot().sandboxes;
    assert_eq!(all.len(), 1, "{all:?}");
    all.pop().unwrap()
}

fn is_about(age: Duration, wanted: Duration) -> bool {
    age >= wanted && age <= wanted + MOMENT
}

#[tokio::test(start_paused = true)]
async fn age_generation_and_lease_are_told() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    assert!(environment.snapshot().sandboxes.is_empty());
    let first = environment.open(&NoVars).await.unwrap();
    let shown = only(&environment);
    assert_eq!(
        (shown.id.as_deref(), shown.name.as_str(), shown.state),
        (Some(first.id()), first.name(), SnapshotState::Ready)
    );
    assert_eq!((shown.generation, shown.state_lost), (1, false));
    assert!(is_about(shown.age, Duration::ZERO), "{:?}", shown.age);
    assert!(shown.in_use && shown.last_error.is_none());

    sleep(10 * MINUTE).await;
    let later = only(&environment);
    assert!(is_about(later.age, 10 * MINUTE), "{:?}", later.age);
    let lease = later.lease.unwrap();
    assert_eq!((lease.lasts, lease.at_risk), (5 * MINUTE, false));
    assert!(lease.renewed <= 2 * MINUTE, "{lease:?}");
    assert_eq!((later.key, later.account), (shown.key, shown.account));

    // it vanishes: known at the next renewal, and replaced by the next open
    fake.state().rows.clear();
    sleep(2 * MINUTE).await;
    assert!(
        environment
            .snapshot()
            .sandboxes
            .iter()
            .all(|gone| gone.state != SnapshotState::Ready),
        "{:?}",
        environment.snapshot()
    );
    let second = environment.open(&NoVars).await.unwrap();
    let shown = only(&environment);
    assert_eq!(shown.id.as_deref(), Some(second.id()));
    assert_eq!((shown.generation, shown.state_lost), (2, true));
    assert!(is_about(shown.age, Duration::ZERO), "{:?}", shown.age);
    drop((first, second));
    assert!(!only(&environment).in_use);
    environment.close().await.unwrap();
    assert!(environment.snapshot().sandboxes.is_empty());
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_told_until_it_goes_well_again() {
    let fake = Fake::default();
    let lease = Lease::ephemeral(5 * MINUTE);
    let environment = fake.builder().lease(lease).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let failing = std::iter::repeat_n(Fault::Refused(500, "renewals are out of order"), 100);
    fake.fault("renew", failing);
    sleep(MINUTE * 9 / 2).await;
    let shown = only(&environment);
    let error = shown.last_error.unwrap().to_string();
    assert!(error.contains("renewals are out of order"), "{error}");
    let lease = shown.lease.unwrap();
    assert!(lease.at_risk && lease.renewed >= 4 * MINUTE, "{lease:?}");

    fake.state().faults.clear();
    sleep(2 * MINUTE).await;
    let shown = only(&environment);
    assert!(shown.last_error.is_none(), "{shown:?}");
    assert!(!shown.lease.unwrap().at_risk);
    environment.close().await.unwrap();
}

/// A create that failed leaves what is to be removed, with the reason why it is still there; one whose fate is not known
/// is shown for as long as that is so.
#[tokio::test(start_paused = true)]
async fn what_a_failed_create_left_is_shown_with_its_error() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    fake.fault("create", [Fault::ErrorRow("no disk left")]);
    fake.fault(
        "delete",
        std::iter::repeat_n(Fault::Refused(500, "deletes are out of order"), 1000),
    );
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(error.to_string().contains("no disk left"), "{error}");
    sleep(MINUTE).await;
    let shown = only(&environment);
    assert_eq!(
        (shown.state, shown.generation),
        (SnapshotState::Deleting, 1)
    );
    let error = shown.last_error.unwrap().to_string();
    assert!(error.contains("deletes are out of order"), "{error}");
    fake.state().faults.clear();
    sleep(MINUTE).await;
    assert!(environment.snapshot().sandboxes.is_empty());

    fake.fault("create", [Fault::Lost]);
    fake.fault(
        "get",
        std::iter::repeat_n(Fault::Refused(500, "looks are out of order"), 1000),
    );
    let impatient = fake
        .builder()
        .create_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    impatient.open(&NoVars).await.unwrap_err();
    let shown = only(&impatient);
    assert_eq!((shown.state, shown.id), (SnapshotState::Unresolved, None));
    let error = shown.last_error.unwrap().to_string();
    assert!(error.contains("it is not known whether"), "{error}");
    fake.state().faults.clear();
    sleep(3 * MINUTE).await;
    assert!(impatient.snapshot().sandboxes.is_empty());
    assert_eq!(fake.left(), 0);
}
