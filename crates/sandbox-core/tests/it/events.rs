//! What listeners and snapshots are told.

use std::time::Duration;

use context_vars::{NoVars, Vars};
use futures_util::{FutureExt as _, StreamExt};
use sandbox_core::{
    ErrorKind, EventKind, Events, Health, Observed, Sandbox, ScopePrint, SnapshotState,
};
use tokio::time::sleep;

use crate::fake::{Create, Destroy, Service, image, opening, settle};

/// The names of the events that have come by now.
pub(crate) fn kinds(events: &mut Events) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    while let Some(seen) = events.try_next() {
        kinds.push(match seen {
            Observed::Event(event) => event.kind().name(),
            _ => "missed",
        });
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn a_life_is_told_from_beginning_to_end() {
    let service = Service::new();
    let factory = service.factory();
    let mut events = factory.events();
    let sandbox = factory.open(&NoVars).await.unwrap();
    assert_eq!(kinds(&mut events), ["creating", "created", "ready"]);
    factory.open(&NoVars).await.unwrap();
    assert_eq!(kinds(&mut events), [""; 0], "a hit is no event");
    sandbox.liveness.mark_lost("404 from the toolbox");
    factory.open(&NoVars).await.unwrap();
    settle().await;
    assert_eq!(
        kinds(&mut events),
        [
            "state_lost",
            "creating",
            "deleting",
            "deleted",
            "created",
            "ready"
        ]
    );
    factory.close().await.unwrap();
    settle().await;
    assert_eq!(kinds(&mut events), ["deleting", "deleted"]);
    drop(factory);
    assert!(events.next().await.is_none(), "the end of the factory");
}

#[tokio::test(start_paused = true)]
async fn an_event_says_which_sandbox_and_never_a_secret() {
    let service = Service::new();
    let factory = service.factory();
    let mut events = factory.events();
    let context = Vars::new()
        .with("key", "k-secret")
        .with("tenant", "tenant-canary");
    let sandbox = factory.open(&context).await.unwrap();
    let mut seen = Vec::new();
    while let Some(observed) = events.try_next() {
        seen.push(observed.event().unwrap().clone());
    }
    assert_eq!(seen[0].id(), None);
    assert_eq!(seen[1].id(), Some(sandbox.info().id()));
    for (n, event) in seen.iter().enumerate() {
        assert_eq!(event.sequence(), u64::try_from(n).unwrap());
        assert_eq!(event.name(), sandbox.info().name());
        assert_eq!((event.generation(), event.state_lost()), (1, false));
        assert!(matches!(event.scope(), ScopePrint::Named(_)));
    }
    let snapshot = factory.snapshot();
    let told = format!("{seen:?} {snapshot:?} {factory:?}");
    assert!(
        !told.contains("k-secret") && !told.contains("canary"),
        "{told}"
    );
    #[cfg(feature = "serde")]
    {
        let told = serde_json::to_string(&snapshot).unwrap();
        assert!(
            !told.contains("k-secret") && !told.contains("canary"),
            "{told}"
        );
        assert!(told.contains(sandbox.info().id()), "{told}");
    }
    // Another tenant has another scope, of the same account; no scope is told as shared.
    let other = Vars::new().with("key", "k-secret").with("tenant", "other");
    factory.open(&other).await.unwrap();
    let event = events.try_next().unwrap().event().unwrap().clone();
    assert_ne!(event.scope(), seen[0].scope());
    assert_ne!(event.key(), seen[0].key());
    assert_eq!(event.account(), seen[0].account());
    let shared = factory.open(&NoVars).await.unwrap();
    let snapshot = factory.snapshot();
    let row = snapshot
        .sandboxes
        .iter()
        .find(|row| row.name == shared.info().name())
        .unwrap();
    assert_eq!(row.scope, ScopePrint::Shared);
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_how_many_it_missed_and_holds_nothing_up() {
    let service = Service::new();
    let factory = service.builder().event_capacity(8).build().unwrap();
    let mut slow = factory.events();
    let mut quick = factory.events();
    let mut told = 0;
    for n in 0..20 {
        factory.open(&image(format!("{n}"))).await.unwrap();
        told += kinds(&mut quick).len();
    }
    assert_eq!(told, 60);
    let Some(Observed::Missed(missed)) = slow.next().await else {
        panic!("a slow listener misses some");
    };
    assert_eq!(missed, 52);
    assert_eq!(kinds(&mut slow).len(), 8);
    // Who comes later sees what comes later.
    let mut late = factory.events();
    assert_eq!(kinds(&mut late), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn unclear_failed_and_adopted_creates_are_told_apart() {
    let service = Service::new().script([
        Create::Lost,
        Create::Broken,
        Create::Refused(ErrorKind::Quota),
    ]);
    let factory = service.factory();
    let mut events = factory.events();
    factory.open(&image("lost")).await.unwrap();
    assert_eq!(kinds(&mut events), ["creating", "adopted", "ready"]);
    factory.open(&image("broken")).await.unwrap_err();
    settle().await;
    assert_eq!(
        kinds(&mut events),
        ["creating", "create_failed", "deleting", "deleted"]
    );
    let error = factory.open(&image("quota")).await.unwrap_err();
    assert!(error.is_quota());
    assert_eq!(kinds(&mut events), ["creating", "create_failed"]);
    service.edit(|state| state.script = [Create::Silence, Create::Refused(ErrorKind::Auth)].into());
    factory.open(&image("silence")).await.unwrap_err();
    settle().await;
    assert_eq!(kinds(&mut events), ["creating", "unresolved"]);
    let snapshot = factory.snapshot();
    let row = snapshot
        .sandboxes
        .iter()
        .find(|row| row.state == SnapshotState::Unresolved)
        .unwrap();
    assert!(row.last_error.is_some());
    sleep(Duration::from_secs(130)).await;
    assert_eq!(kinds(&mut events), ["resolved"]);
}

#[tokio::test(start_paused = true)]
async fn stopped_and_woken_once_for_all() {
    let service = Service::new();
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    service.edit(|state| state.health = Some(Health::Stopped));
    sandbox.liveness.mark_doubtful();
    assert_eq!(
        factory.snapshot().sandboxes[0].state,
        SnapshotState::Doubtful
    );
    let mut events = factory.events();
    let opens: Vec<_> = (0..50).map(|_| opening(&factory, NoVars)).collect();
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(kinds(&mut events), ["waking", "woken"]);
    assert_eq!(service.edit(|state| state.starts), 1);
    service.edit(|state| state.start = Some(ErrorKind::Quota));
    sandbox.liveness.mark_doubtful();
    factory.open(&NoVars).await.unwrap_err();
    assert_eq!(kinds(&mut events), ["waking", "wake_failed"]);
    let row = &factory.snapshot().sandboxes[0];
    assert_eq!(row.state, SnapshotState::Doubtful);
    assert_eq!(row.last_error.as_ref().unwrap().kind(), ErrorKind::Quota);
}

#[tokio::test(start_paused = true)]
async fn a_lease_at_risk_is_told_once_and_its_restoration_too() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    let factory = service.factory();
    let mut events = factory.events();
    factory.open(&NoVars).await.unwrap();
    kinds(&mut events);
    service.edit(|state| state.renewal = Some(ErrorKind::Unavailable));
    // Renewed last at the beginning; four fifths of 300 s are 240.
    sleep(Duration::from_secs(235)).await;
    assert_eq!(kinds(&mut events), [""; 0]);
    sleep(Duration::from_secs(20)).await;
    let Some(seen) = events.try_next() else {
        panic!("nothing was told");
    };
    let event = seen.event().unwrap();
    let EventKind::LeaseAtRisk { silent, lease } = event.kind() else {
        panic!("{event:?}");
    };
    assert_eq!((silent.as_secs(), lease.as_secs()), (240, 300));
    let lease = factory.snapshot().sandboxes[0].lease.unwrap();
    assert!(lease.at_risk);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(kinds(&mut events), [""; 0], "once");
    service.edit(|state| state.renewal = None);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(kinds(&mut events), ["lease_restored"]);
    let row = &factory.snapshot().sandboxes[0];
    assert!(!row.lease.unwrap().at_risk);
    assert!(row.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_removal_is_told() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    let mut events = factory.events();
    service.edit(|state| state.removals = [Destroy::Fail(ErrorKind::Conflict)].into());
    factory.close().await.unwrap();
    assert_eq!(kinds(&mut events), ["deleting", "delete_failed", "deleted"]);
    factory.open(&NoVars).await.unwrap();
    service.edit(|state| state.released = true);
    kinds(&mut events);
    factory.close().await.unwrap();
    assert_eq!(kinds(&mut events), ["deleting", "released"]);
    assert_eq!(service.rows(), 1, "others may still use it");
}

#[tokio::test(start_paused = true)]
async fn events_are_a_stream_that_wakes_and_ends() {
    fn is_stream<S: futures_util::Stream + Send + Sync + Unpin>(_: &S) {}
    let service = Service::new();
    let factory = service.factory();
    let mut events = factory.events();
    is_stream(&events);
    assert!(StreamExt::next(&mut events).now_or_never().is_none());
    assert!(events.try_next().is_none());
    let all = tokio::runtime::Handle::current().spawn(async move {
        let named = |seen: Observed| seen.event().map(|event| event.kind().name());
        events.map(named).collect::<Vec<_>>().await
    });
    settle().await;
    factory.open(&NoVars).await.unwrap();
    settle().await;
    factory.close().await.unwrap();
    drop(factory);
    let all: Vec<&str> = all.await.unwrap().into_iter().map(Option::unwrap).collect();
    assert_eq!(all, ["creating", "created", "ready", "deleting", "deleted"]);
}

#[tokio::test(start_paused = true)]
async fn looking_in_between_loses_neither_events_nor_the_wake() {
    let service = Service::new();
    let factory = service.factory();
    let mut events = factory.events();
    // The task polls, looks again by itself, and waits for the wake of its poll.
    let first =
        tokio::runtime::Handle::current().spawn(std::future::poll_fn(move |context| match events
            .poll_next_unpin(context)
        {
            std::task::Poll::Pending => {
                assert!(events.try_next().is_none());
                std::task::Poll::Pending
            }
            ready @ std::task::Poll::Ready(_) => ready,
        }));
    settle().await;
    factory.open(&NoVars).await.unwrap();
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.event().unwrap().kind().name(), "creating");

    let factory = service.builder().event_capacity(2).build().unwrap();
    let mut events = factory.events();
    assert!(StreamExt::next(&mut events).now_or_never().is_none());
    factory.open(&NoVars).await.unwrap();
    factory.close().await.unwrap();
    settle().await;
    let seen = StreamExt::next(&mut events).await.unwrap();
    assert!(matches!(seen, Observed::Missed(3)), "{seen:?}");
    assert_eq!(kinds(&mut events), ["deleting", "deleted"]);
}
