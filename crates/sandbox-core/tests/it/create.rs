//! Creates that fail, in every way.

use std::error::Error as _;
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{ErrorKind, Sandbox};
use tokio::time::sleep;

use crate::counting::Counting;
use crate::fake::{Create, Row, Service, opening, settle};

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_all_who_waited_and_no_one_later() {
    let service =
        Service::with(|fake| fake.gated = true).script([Create::Refused(ErrorKind::Quota)]);
    let factory = service.factory();
    let opens: Vec<_> = (0..1000).map(|_| opening(&factory, NoVars)).collect();
    settle().await;
    service.0.gate.add_permits(2);
    for open in opens {
        let error = open.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Quota, "open: refused")
        );
    }
    assert_eq!(service.creates(), 1);
    factory.open(&NoVars).await.unwrap();
    assert_eq!(service.creates(), 2);
    let names = service.edit(|state| state.creates.clone());
    assert_ne!(names[0], names[1], "another attempt has another name");
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_not_looked_for() {
    let service = Service::new().script([Create::Unsent]);
    let factory = service.factory();
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(service.edit(|state| state.finds), 0);
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_adopted() {
    let service = Service::new().script([Create::Lost]);
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    assert_eq!((service.creates(), service.rows()), (1, 1));
    assert!(sandbox.info().name().starts_with("fake-"));
    assert_eq!(sandbox.info().name().len(), "fake-".len() + 26);
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_came_to_nothing_is_sent_again_under_its_name() {
    let service = Service::new().script([
        Create::Silence,
        Create::Refused(ErrorKind::RateLimited),
        Create::Lost,
    ]);
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap();
    let names = service.edit(|state| state.creates.clone());
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| *name == names[0]));
    assert_eq!(service.rows(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_one_is_removed_and_its_reason_told() {
    let service = Service::new().script([Create::Broken]);
    let factory = service.factory();
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.to_string(), "open: the disk is full");
    settle().await;
    assert_eq!((service.rows(), service.destroys()), (0, 1));
    factory.open(&NoVars).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_becomes_ready_is_waited_for() {
    let service = Service::new().script([Create::Pending]);
    let factory = service.factory();
    let open = opening(&factory, NoVars);
    sleep(Duration::from_secs(20)).await;
    assert!(!open.is_finished());
    service.edit(|state| state.rows.values_mut().for_each(|row| *row = Row::Ready));
    open.await.unwrap().unwrap();
    assert_eq!(service.creates(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_becomes_ready_is_removed_at_the_deadline() {
    let service = Service::new().script([Create::Pending]);
    let factory = service.factory();
    let begun = tokio::time::Instant::now();
    let error = factory.open(&NoVars).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "open: the sandbox was not ready within 120 s and is being removed"
    );
    assert!(begun.elapsed() < Duration::from_secs(121));
    settle().await;
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_create_ends_at_its_deadline() {
    let service = Service::new().script([Create::Hang]);
    let factory = service
        .builder()
        .create_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let begun = tokio::time::Instant::now();
    assert!(factory.open(&NoVars).await.unwrap_err().is_timeout());
    assert!(begun.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_and_bricks_nothing() {
    let service = Service::new().script([Create::Panic]);
    let factory = service.factory();
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.source().unwrap().to_string().contains("panicked"));
    assert!(!format!("{error:?}").contains("canary"));
    factory.open(&NoVars).await.unwrap();
    // What the panic left under way may still be carried out, once the name is free.
    let error = factory.close().await.unwrap_err();
    assert_eq!(error.leftovers().len(), 1, "{error}");
    sleep(Duration::from_secs(121)).await;
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_appears_after_its_name_was_freed_is_removed() {
    let service = Service::new().script([Create::Silence, Create::Silence]);
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    let name = sandbox.info().name().to_owned();
    let error = factory.close().await.unwrap_err();
    let [leftover] = error.leftovers() else {
        panic!("{error}");
    };
    assert_eq!((leftover.id(), leftover.name()), (None, name.as_str()));
    insta::assert_snapshot!(leftover.why(), @"it was removed, but an earlier request to create it was never answered; the service may still carry that out, and what appears then is removed");
    // Two requests went unanswered, and both are carried out, one after the other.
    for _ in 0..2 {
        sleep(Duration::from_secs(20)).await;
        service.appears(&name);
        assert_eq!(service.rows(), 1);
        let closing = factory.close().await;
        assert_eq!(service.rows(), 0, "{closing:?}");
    }
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_carried_out_after_all_is_not_waited_for() {
    for create in [Create::Lost, Create::Answered] {
        let service = Service::new().script([create]);
        let factory = service.factory();
        factory.open(&NoVars).await.unwrap();
        factory.close().await.unwrap();
        assert_eq!(service.rows(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unclear_attempt_is_reported_and_its_name_used_again() {
    let service = Service::new().script([Create::Panic]);
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap_err();
    let report = factory.close().await.unwrap_err();
    assert_eq!(report.leftovers().len(), 1);
    let left = &report.leftovers()[0];
    assert_eq!((left.id(), left.server_bound()), (None, None));
    // In a new epoch the old attempt is not taken up; in the same one it is.
    factory.open(&NoVars).await.unwrap();
    let names = service.edit(|state| state.creates.clone());
    assert_eq!(left.name(), names[0]);
    assert_ne!(names[0], names[1]);

    let service = Service::new().script([Create::Panic]);
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap_err();
    assert_eq!(factory.pending(), 1);
    factory.open(&NoVars).await.unwrap();
    let names = service.edit(|state| state.creates.clone());
    assert_eq!(names[0], names[1]);
    assert_eq!(factory.pending(), 0);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(service.rows(), 1, "the watcher leaves an adopted one alone");
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_is_removed() {
    let spawner = Counting::new();
    let service = Service::new().script([Create::Panic]);
    let factory = service
        .builder()
        .spawner(std::sync::Arc::new(spawner.clone()))
        .build()
        .unwrap();
    factory.open(&NoVars).await.unwrap_err();
    sleep(Duration::from_secs(20)).await;
    service.edit(|state| {
        let name = state.creates[0].clone();
        state.rows.insert(name, Row::Ready)
    });
    sleep(Duration::from_secs(26)).await;
    assert_eq!(service.rows(), 0, "found at the look after 45 s");
    factory.close().await.unwrap();
    settle().await;
    assert_eq!(spawner.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unclear_attempt_that_stays_absent_is_forgotten_after_its_window() {
    let service = Service::new().script([Create::Panic]);
    let factory = service.factory();
    factory.open(&NoVars).await.unwrap_err();
    sleep(Duration::from_secs(119)).await;
    assert_eq!(factory.pending(), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(factory.pending(), 0);
    factory.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_asked_proves_nothing() {
    let service = Service::new().script([Create::Lost]);
    service.edit(|state| state.look_ups = Some(ErrorKind::Unavailable));
    let factory = service.factory();
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(
        (factory.pending(), service.rows()),
        (1, 1),
        "the window is over, and it is kept"
    );
    factory.close().await.unwrap_err();
    service.edit(|state| state.look_ups = None);
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_level_of_an_error_repeats_another() {
    let service = Service::new().script([Create::Pending]);
    let factory = service.factory();
    let error = factory.open(&NoVars).await.unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut level = error.source();
    while let Some(error) = level {
        texts.push(error.to_string());
        level = error.source();
    }
    assert!(texts.len() > 1, "{texts:?}");
    for (at, text) in texts.iter().enumerate() {
        for other in &texts[at + 1..] {
            assert!(!text.contains(other.as_str()), "{texts:?}");
        }
    }
}
