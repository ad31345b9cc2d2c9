//! Limits: how many sandboxes, how long, how many creates at once, how long an open may take.

use std::sync::Arc;
use std::time::Duration;

use context_vars::Vars;
use sandbox_core::{AtCapacity, ErrorKind, EventKind, Expiry, Sandbox};
use tokio::time::{Instant, sleep};

use crate::events::kinds;
use crate::fake::{Create, Service, closing, image, opening, settle};

const MINUTE: Duration = Duration::from_secs(60);

fn account(key: &str, name: &str) -> Vars {
    Vars::new().with("key", key).with("image", name)
}

#[tokio::test(start_paused = true)]
async fn at_capacity_the_least_recently_used_idle_one_goes() {
    let service = Service::new();
    let factory = service
        .builder()
        .max_sandboxes(2)
        .at_capacity(AtCapacity::EvictIdle)
        .build()
        .unwrap();
    let mut events = factory.events();
    let old = factory.open(&image("a")).await.unwrap();
    let (name, liveness) = (old.info().name().to_owned(), old.liveness.clone());
    drop(old);
    drop(factory.open(&image("b")).await.unwrap());
    drop(factory.open(&image("a")).await.unwrap());
    let held = factory.open(&image("c")).await.unwrap();
    settle().await;
    assert!(liveness.is_live(), "b was used before a");
    assert_eq!((factory.len(), service.rows()), (2, 2));
    // What is held is not taken, however long ago it was opened.
    drop(factory.open(&image("d")).await.unwrap());
    settle().await;
    assert!(held.liveness.is_live());
    assert!(liveness.is_lost());
    assert!(!service.edit(|state| state.rows.contains_key(&name)));
    let again = factory.open(&image("a")).await.unwrap();
    assert_eq!(again.info().generation(), 2);
    assert!(again.info().state_lost(), "an eviction loses state");
    let told = kinds(&mut events);
    assert_eq!(told.iter().filter(|kind| **kind == "evicted").count(), 3);
    drop((held, again));
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn with_all_in_use_capacity_is_an_error_and_nothing_is_taken() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service
        .builder()
        .max_sandboxes(2)
        .at_capacity(AtCapacity::EvictIdle)
        .build()
        .unwrap();
    service.0.gate.add_permits(1);
    let held = factory.open(&image("a")).await.unwrap();
    let creating = opening(&factory, image("b"));
    settle().await;
    let error = factory.open(&image("c")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "open: the factory is at its limit, and all its sandboxes are in use"
    );
    assert_eq!(error.kind(), ErrorKind::Capacity);
    // A lost one is no use to anybody, held or not.
    held.liveness.mark_lost("404");
    service.0.gate.add_permits(2);
    factory.open(&image("c")).await.unwrap();
    creating.await.unwrap().unwrap();
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_at_capacity_each_get_one_and_none_is_left() {
    let service = Service::with(|fake| fake.create_time = Duration::from_millis(3));
    let factory = service
        .builder()
        .max_sandboxes(3)
        .at_capacity(AtCapacity::EvictIdle)
        .build()
        .unwrap();
    let mut refused = 0;
    for round in 0..40 {
        let opens: Vec<_> = (0..4)
            .map(|n| opening(&factory, image(format!("{}", (round * n) % 7))))
            .collect();
        for open in opens {
            match open.await.unwrap() {
                Ok(sandbox) => assert!(sandbox.info().generation() >= 1),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Capacity);
                    refused += 1;
                }
            }
        }
        assert!(factory.len() <= 3);
    }
    assert!(refused < 80, "{refused}");
    factory.close().await.unwrap();
    assert_eq!(
        (service.rows(), factory.len(), factory.pending()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_one_goes_after_its_time_and_a_held_or_opened_one_stays() {
    let service = Service::new();
    let factory = service.builder().idle_ttl(16 * MINUTE).build().unwrap();
    let mut events = factory.events();
    let held = factory.open(&image("held")).await.unwrap();
    let idle = factory.open(&image("idle")).await.unwrap().liveness.clone();
    drop(factory.open(&image("opened")).await.unwrap());
    for _ in 0..4 {
        sleep(5 * MINUTE).await;
        drop(factory.open(&image("opened")).await.unwrap());
    }
    assert!(idle.is_lost());
    assert_eq!(
        idle.check().unwrap_err().to_string(),
        "the sandbox is gone (nobody used it for its idle time); open again for a new one"
    );
    assert!(held.liveness.is_live());
    assert_eq!((factory.len(), service.rows()), (2, 2));
    drop(held);
    sleep(19 * MINUTE).await;
    assert_eq!((factory.len(), service.rows()), (0, 0));
    let mut expired = 0;
    while let Some(seen) = events.try_next() {
        if let Some(EventKind::Expired { because }) = seen.event().map(|event| event.kind()) {
            assert_eq!(*because, Expiry::Idle);
            expired += 1;
        }
    }
    assert_eq!(expired, 3);
    let new = factory.open(&image("idle")).await.unwrap();
    assert!(new.info().state_lost());
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_ends_in_use_or_not() {
    let service = Service::with(|fake| fake.create_time = Duration::from_secs(20));
    let factory = service.builder().max_lifetime(10 * MINUTE).build().unwrap();
    let begun = Instant::now();
    let held = factory.open(&image("a")).await.unwrap();
    sleep(Duration::from_secs(579)).await;
    assert!(held.liveness.is_live(), "{:?}", begun.elapsed());
    sleep(Duration::from_secs(2)).await;
    let error = held.exec(["true"].into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sandbox is gone (it reached its maximal lifetime); open again for a new one"
    );
    assert_eq!(service.rows(), 0);
    let next = factory.open(&image("a")).await.unwrap();
    assert_eq!(
        (next.info().generation(), next.info().state_lost()),
        (2, true)
    );
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn permits_to_create_are_per_account() {
    let service = Service::with(|fake| fake.create_time = Duration::from_secs(10));
    let factory = service.builder().concurrent_creates(2).build().unwrap();
    let begun = Instant::now();
    let mut opens = Vec::new();
    for n in 0..4 {
        opens.push(opening(&factory, account("k-1", &format!("{n}"))));
        opens.push(opening(&factory, account("k-2", &format!("{n}"))));
    }
    sleep(Duration::from_secs(1)).await;
    let snapshot = factory.snapshot();
    let accounts = &snapshot.accounts;
    assert_eq!(accounts.len(), 2);
    for account in accounts {
        assert_eq!((account.creating, account.waiting), (2, 2));
    }
    assert_ne!(accounts[0].account, accounts[1].account);
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(begun.elapsed().as_secs(), 20, "two waves");
    assert_eq!(service.edit(|state| state.most_creating), 4);
    assert!(factory.snapshot().accounts.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_pauses_the_account_and_no_other() {
    let service = Service::new().script([Create::Later(Duration::from_secs(30))]);
    let factory = service.factory();
    let begun = Instant::now();
    let first = opening(&factory, account("k-1", "a"));
    settle().await;
    let second = opening(&factory, account("k-1", "b"));
    settle().await;
    factory.open(&account("k-2", "a")).await.unwrap();
    assert_eq!(
        begun.elapsed().as_secs(),
        0,
        "another account does not wait"
    );
    let paused = factory.snapshot().accounts[0].paused.unwrap();
    assert_eq!(paused.as_secs(), 30);
    assert_eq!(service.creates(), 2, "the second was not sent");
    second.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    let took = begun.elapsed().as_secs();
    assert!((30..=33).contains(&took), "{took}");
    assert_eq!((service.creates(), service.rows()), (4, 3));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_end_in_time_is_refused_at_once() {
    let service = Service::new().script([Create::Later(Duration::from_secs(50))]);
    let factory = service
        .builder()
        .create_timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let begun = Instant::now();
    let first = opening(&factory, account("k-1", "a"));
    settle().await;
    let error = factory.open(&account("k-1", "b")).await.unwrap_err();
    assert!(error.is_rate_limited());
    assert_eq!(error.retry_after().unwrap().as_secs(), 50);
    assert_eq!(begun.elapsed().as_secs(), 0);
    let error = first.await.unwrap().unwrap_err();
    assert!(error.is_rate_limited(), "{error}");
    assert!(begun.elapsed().as_secs() < 2);
    assert_eq!(
        (service.creates(), factory.len(), factory.pending()),
        (1, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_permits_waits_and_creates() {
    let service = Service::with(|fake| fake.create_time = Duration::from_secs(50));
    let factory = service
        .builder()
        .concurrent_creates(1)
        .create_timeout(Duration::from_secs(70))
        .build()
        .unwrap();
    let begun = Instant::now();
    let first = opening(&factory, image("a"));
    settle().await;
    let second = opening(&factory, image("b"));
    let third = opening(&factory, image("c"));
    first.await.unwrap().unwrap();
    // The second gets its permit after 50 s and has 20 left.
    let error = second.await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let error = third.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "open: no permit to create came free in time: 1 creations of this account are under way"
    );
    assert_eq!(begun.elapsed().as_secs(), 70);
    sleep(5 * MINUTE).await;
    assert_eq!(
        (factory.len(), factory.pending(), service.rows()),
        (1, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_opener_waits_for_its_own_time_over_all_rounds() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service
        .builder()
        .acquire_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    service.0.gate.add_permits(1);
    let sandbox = factory.open(&image("a")).await.unwrap();
    sandbox.liveness.mark_doubtful();
    service.edit(|state| {
        state.health = Some(sandbox_core::Health::Gone {
            reason: "404".to_owned(),
        });
    });
    let begun = Instant::now();
    let open = opening(&factory, image("a"));
    sleep(Duration::from_secs(6)).await;
    service.0.gate.add_permits(1);
    let error = open.await.unwrap().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(begun.elapsed().as_secs(), 10, "not 6 and 10 more");
    service.0.gate.add_permits(1);
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_permits() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.builder().concurrent_creates(1).build().unwrap();
    let opens: Vec<_> = (0..5)
        .map(|n| opening(&factory, image(format!("{n}"))))
        .collect();
    settle().await;
    let close = closing(&factory);
    settle().await;
    assert_eq!(factory.pending(), 1, "what was not begun is over at once");
    service.0.gate.add_permits(1);
    close.await.unwrap().unwrap();
    for open in opens {
        assert!(open.await.unwrap().unwrap_err().is_closed());
    }
    assert_eq!((service.creates(), service.rows()), (1, 0));
}

#[tokio::test]
async fn limits_out_of_range_are_refused() {
    let service = Service::new();
    let build = |change: fn(
        sandbox_core::CachingFactoryBuilder<Service>,
    ) -> sandbox_core::CachingFactoryBuilder<Service>| {
        change(service.builder())
            .build()
            .map(Arc::new)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        build(|builder| builder.idle_ttl(Duration::from_millis(999))),
        "build: an idle time or maximal lifetime is shorter than a second"
    );
    assert_eq!(
        build(|builder| builder.max_lifetime(Duration::ZERO)),
        "build: an idle time or maximal lifetime is shorter than a second"
    );
    assert_eq!(
        build(|builder| builder.event_capacity(0)),
        "build: the number of events to keep is not from 1 to 65,536"
    );
}
