//! What close promises.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{ErrorKind, Sandbox};
use tokio::time::Instant;

use crate::counting::Counting;
use crate::fake::{Create, Destroy, Service, closing, image, opening, settle};

#[tokio::test(start_paused = true)]
async fn many_sandboxes_are_removed_in_waves_of_64() {
    let service = Service::with(|fake| fake.destroy_time = Duration::from_secs(1));
    let factory = service.factory();
    for n in 0..200 {
        factory.open(&image(format!("{n}"))).await.unwrap();
    }
    let begun = Instant::now();
    factory.close().await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(4100), "4 waves");
    assert_eq!(service.edit(|state| state.most_removing), 64);
    assert_eq!((service.rows(), service.destroys()), (0, 200));
    assert_eq!((factory.len(), factory.pending()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn closing_twice_removes_once() {
    let service = Service::with(|fake| fake.destroy_time = Duration::from_secs(1));
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    let first = closing(&factory);
    settle().await;
    let second = closing(&factory);
    settle().await;
    assert!(
        !second.is_finished(),
        "the second waits for the work of the first"
    );
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    factory.close().await.unwrap();
    assert_eq!(service.destroys(), 1);
}

#[tokio::test(start_paused = true)]
async fn handles_of_a_closed_factory_say_so_and_a_new_epoch_begins() {
    let service = Service::new();
    let factory = service.factory();
    let old = factory.open(&NoVars).await.unwrap();
    factory.close().await.unwrap();
    let error = old.exec(["true"].into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let new = factory.open(&NoVars).await.unwrap();
    assert!(!Arc::ptr_eq(&old, &new));
    assert_eq!(new.info().generation(), 1);
    new.exec(["true"].into()).await.unwrap();
    assert_eq!(service.rows(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_ends_after_close_began_is_removed() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.factory();
    let open = opening(&factory, NoVars);
    settle().await;
    let close = closing(&factory);
    // The opener does not have to wait for a sandbox that it will not get.
    assert!(open.await.unwrap().unwrap_err().is_closed());
    settle().await;
    assert!(!close.is_finished());
    // An opener of the new epoch is not held up, nor does it get the old sandbox.
    let later = opening(&factory, NoVars);
    settle().await;
    service.0.gate.add_permits(2);
    close.await.unwrap().unwrap();
    let sandbox = later.await.unwrap().unwrap();
    assert_eq!((service.creates(), service.rows()), (2, 1));
    assert!(service.edit(|state| state.rows.contains_key(sandbox.info().name())));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_does_not_end_is_reported() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.factory();
    let open = opening(&factory, NoVars);
    settle().await;
    let begun = Instant::now();
    let error = factory.close().await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 30);
    open.await.unwrap().unwrap_err();
    let [left] = error.leftovers() else {
        panic!("{error}");
    };
    assert_eq!(left.name(), service.edit(|state| state.creates[0].clone()));
    assert_eq!(left.why().to_string(), "it was still being created");
    assert_eq!(
        error.to_string(),
        format!(
            "a sandbox may be left: {}: it was still being created",
            left.name()
        )
    );
    // It is finished and removed all the same, and another close says so.
    service.0.gate.add_permits(1);
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn failed_removals_are_tried_again() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    service.edit(|state| {
        state.removals = [
            ErrorKind::Conflict,
            ErrorKind::RateLimited,
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
        ]
        .map(Destroy::Fail)
        .into();
    });
    factory.close().await.unwrap();
    assert_eq!((service.rows(), service.destroys()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_reported_and_retried_for_75_minutes() {
    let spawner = Counting::new();
    let service = Service::new();
    let factory = service
        .builder()
        .spawner(Arc::new(spawner.clone()))
        .close_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let sandbox = factory.open(&NoVars).await.unwrap();
    service.edit(|state| {
        state.removals =
            std::iter::repeat_n(Destroy::Fail(ErrorKind::Unavailable), 10_000).collect();
    });
    let begun = Instant::now();
    let error = factory.close().await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 5);
    let [left] = error.leftovers() else {
        panic!("{error}");
    };
    assert_eq!(left.id(), Some(sandbox.info().id()));
    assert_eq!(left.why().to_string(), "not now");
    let tries = service.destroys();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(service.destroys() >= tries + 3);
    tokio::time::sleep(Duration::from_secs(76 * 60)).await;
    assert_eq!(spawner.now(), 0, "it gives up in the end");
    assert_eq!(factory.pending(), 1, "and does not forget");
    service.edit(|state| state.removals.clear());
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_reported_at_once() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    service.edit(|state| {
        state.removals = std::iter::repeat_n(Destroy::Fail(ErrorKind::Auth), 9).collect();
    });
    let begun = Instant::now();
    let error = factory.close().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(error.leftovers()[0].why().is_auth());
    service.edit(|state| state.removals.clear());
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hanging_removal_holds_up_neither_close_nor_the_next_try() {
    let service = Service::new();
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    service.edit(|state| state.removals = [Destroy::Hang].into());
    let begun = Instant::now();
    factory.close().await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 30);
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_hands_over() {
    let spawner = Counting::new();
    let service = Service::with(|fake| fake.gated = true);
    let factory = service
        .builder()
        .spawner(Arc::new(spawner.clone()))
        .build()
        .unwrap();
    service.0.gate.add_permits(2);
    factory.open(&image("a")).await.unwrap();
    let other = factory.clone();
    drop(factory);
    other.open(&image("b")).await.unwrap();
    settle().await;
    assert_eq!(service.rows(), 2, "a clone keeps all");
    let open = opening(&other, image("c"));
    settle().await;
    open.abort();
    settle().await;
    drop(other);
    settle().await;
    assert_eq!(service.rows(), 0);
    service.0.gate.add_permits(1);
    settle().await;
    assert_eq!((service.creates(), service.rows()), (3, 0));
    assert_eq!(spawner.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn closes_that_race_opens_leave_nothing() {
    for seed in 0..50_u64 {
        let spawner = Counting::new();
        let service = Service::with(|fake| fake.create_time = Duration::from_millis(seed % 7))
            .script([
                Create::Ok,
                Create::Lost,
                Create::Broken,
                Create::Unsent,
                Create::Lost,
            ]);
        let factory = service
            .builder()
            .spawner(Arc::new(spawner.clone()))
            .build()
            .unwrap();
        let mut opens = Vec::new();
        for n in 0..20_u64 {
            opens.push(opening(&factory, image(format!("{}", (n * seed) % 5))));
            if (n + seed) % 6 == 0 {
                tokio::time::sleep(Duration::from_millis(n % 3)).await;
            }
            if (n + seed) % 9 == 0 {
                factory.close().await.unwrap();
            }
        }
        settle().await;
        factory.close().await.unwrap();
        for open in opens {
            if let Ok(sandbox) = open.await.unwrap() {
                assert!(!sandbox.liveness.is_live(), "seed {seed}");
            }
        }
        factory.close().await.unwrap();
        settle().await;
        assert_eq!(service.rows(), 0, "seed {seed}");
        assert_eq!((factory.len(), factory.pending()), (0, 0), "seed {seed}");
        assert_eq!(spawner.now(), 0, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_each_sandbox_once_and_to_every_close_that_waited() {
    let service = Service::with(|fake| fake.destroy_time = Duration::from_secs(1));
    let factory = service.factory();
    let first = factory.open(&image("a")).await.unwrap();
    first.liveness.mark_lost("gone");
    let second = factory.open(&image("a")).await.unwrap();
    settle().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let other = factory.open(&image("b")).await.unwrap();

    let (one, two) = tokio::join!(factory.close_and_report(), factory.close_and_report());
    for report in [&one, &two] {
        let mut told: Vec<_> = report
            .closed()
            .iter()
            .map(|closed| (closed.id().unwrap(), closed.name(), closed.generation()))
            .collect();
        told.sort_unstable();
        let (second, other) = (second.info(), other.info());
        let mut expected = [
            (second.id(), second.name(), 2),
            (other.id(), other.name(), 1),
        ];
        expected.sort_unstable();
        assert_eq!(told, expected, "the first one was removed before");
        assert_eq!(report.to_string(), "2 removed, 0 let go of, 0 left");
    }
    one.into_result().unwrap();
    let none = factory.close_and_report().await;
    assert!(
        none.closed().is_empty() && none.left().is_empty(),
        "{none:?}"
    );
}
