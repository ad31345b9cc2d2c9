//! Removals that the service refuses, for now, for good, or until something else is gone.

use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{ErrorKind, EventKind, Liveness, Sandbox, SnapshotState};

use crate::events::kinds;
use crate::fake::{Create, Destroy, Row, Service, image, settle};

fn refuse(service: &Service, kind: ErrorKind, times: usize) {
    let refusals = std::iter::repeat_n(Destroy::Fail(kind), times).collect();
    service.edit(|state| state.removals = refusals);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_removed_is_stopped_and_close_says_so() {
    let service = Service::new();
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    let mut events = factory.events();
    refuse(&service, ErrorKind::Auth, 9);
    let error = factory.close().await.unwrap_err();
    let name = sandbox.info().name().to_owned();
    assert_eq!(
        error.to_string(),
        format!(
            "a sandbox may be left: {name} (id id-{name}): not now; it was stopped instead; \
             the server removes it within 300 s"
        )
    );
    assert!(error.leftovers()[0].is_stopped());
    assert_eq!(service.edit(|state| state.stops.clone()), [name]);
    let told = events.try_next().and_then(|seen| seen.event().cloned());
    assert_eq!(told.unwrap().kind().name(), "deleting");
    let told = events.try_next().and_then(|seen| seen.event().cloned());
    let EventKind::DeleteRefused { stopped: true, .. } = told.unwrap().kind() else {
        panic!("it was not told");
    };
    assert_eq!(
        factory.snapshot().sandboxes[0].state,
        SnapshotState::Stopped
    );
    // Asked once; removing it is tried all the same, in case the permission comes.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(service.edit(|state| state.stops.len()), 1);
    assert_eq!((service.rows(), factory.pending()), (0, 0));
}

/// The service's lease is on what runs: of one that is lost, or in doubt, nothing is known.
#[tokio::test(start_paused = true)]
async fn a_bound_is_told_only_of_what_was_in_order() {
    let marks: [(fn(&Liveness), _); 3] = [
        (|_| (), Some(Duration::from_secs(300))),
        (|liveness| liveness.mark_lost("500"), None),
        (Liveness::mark_doubtful, None),
    ];
    for (mark, bound) in marks {
        let service = Service::new();
        let factory = service.factory();
        let sandbox = factory.open(&NoVars).await.unwrap();
        mark(&sandbox.liveness);
        refuse(&service, ErrorKind::Unavailable, 10_000);
        let error = factory.close().await.unwrap_err();
        assert_eq!(error.leftovers()[0].server_bound(), bound, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stopped_either_is_not_said_to_be() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    refuse(&service, ErrorKind::Auth, 9);
    service.edit(|state| state.stop = Some(ErrorKind::Unsupported));
    let error = factory.close().await.unwrap_err();
    assert!(!error.leftovers()[0].is_stopped());
    assert_eq!(
        factory.snapshot().sandboxes[0].state,
        SnapshotState::Deleting
    );
}

#[tokio::test(start_paused = true)]
async fn forks_are_removed_first() {
    let service = Service::new();
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    let name = sandbox.info().name().to_owned();
    service.edit(|state| {
        for fork in ["fork-1", "fork-2"] {
            state.rows.insert(fork.to_owned(), Row::Ready);
        }
        let forks = ["fork-1", "fork-2"].map(str::to_owned).to_vec();
        state.dependents.insert(name.clone(), forks);
    });
    let mut events = factory.events();
    let _ = factory.close().await;
    factory.close().await.unwrap();
    assert_eq!(
        service.edit(|state| state.destroys.clone()),
        [name.as_str(), "fork-1", "fork-2", name.as_str()]
    );
    assert_eq!(
        kinds(&mut events),
        [
            "deleting",
            "deleting",
            "deleted",
            "deleting",
            "deleted",
            "delete_failed",
            "deleted"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_fork_of_others_is_reported_as_the_reason() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    refuse(&service, ErrorKind::InvalidInput, 9);
    let error = factory.close().await.unwrap_err();
    assert_eq!(error.leftovers()[0].why().kind(), ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn an_agreed_name_attaches_to_what_is_there_and_lets_go_of_it() {
    let service = Service::with(|fake| fake.agreed = Some("agreed"));
    service.edit(|state| {
        state.rows.insert("agreed".to_owned(), Row::Ready);
        state.released = true;
    });
    let factory = service.factory();
    let mut events = factory.events();
    let sandbox = factory.open(&NoVars).await.unwrap();
    assert_eq!(sandbox.info().name(), "agreed");
    assert_eq!(kinds(&mut events), ["creating", "adopted", "ready"]);
    factory.close().await.unwrap();
    settle().await;
    assert_eq!(kinds(&mut events), ["deleting", "released"]);
    assert_eq!(service.rows(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_unknown_fate_is_not_forgotten_by_a_close_before_its_second_try() {
    let service = Service::with(|fake| fake.create_time = Duration::from_secs(10))
        .script([Create::Silence, Create::Refused(ErrorKind::Auth)]);
    let factory = service.builder().concurrent_creates(1).build().unwrap();
    factory.open(&image("a")).await.unwrap_err();
    assert_eq!(factory.pending(), 1, "unclear");
    // The only permit is taken; the second try of the unclear one waits for it.
    let other = crate::fake::opening(&factory, image("b"));
    settle().await;
    let again = crate::fake::opening(&factory, image("a"));
    settle().await;
    let name = service.edit(|state| state.creates[0].clone());
    // The first request is carried out late.
    service.edit(|state| state.rows.insert(name.clone(), Row::Ready));
    let closed = factory.close().await;
    assert!(again.await.unwrap().unwrap_err().is_closed());
    assert!(other.await.unwrap().unwrap_err().is_closed());
    closed.unwrap();
    assert_eq!(service.rows(), 0, "it was looked for and removed");
}
