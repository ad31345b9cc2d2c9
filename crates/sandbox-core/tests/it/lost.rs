//! Sandboxes that vanish.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{ErrorKind, Sandbox};

use crate::fake::{Create, Service, opening, settle};

#[tokio::test(start_paused = true)]
async fn a_lost_sandbox_is_replaced_by_the_next_generation() {
    let service = Service::new();
    let factory = service.factory();
    let first = factory.open(&NoVars).await.unwrap();
    assert_eq!(
        (first.info().generation(), first.info().state_lost()),
        (1, false)
    );
    service.edit(|state| state.rows.clear());
    first.liveness.mark_lost("404");
    let error = first.exec(["true"].into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sandbox is gone (404); open again for a new one"
    );
    let second = factory.open(&NoVars).await.unwrap();
    assert_eq!(
        (second.info().generation(), second.info().state_lost()),
        (2, true)
    );
    assert!(first.exec(["true"].into()).await.unwrap_err().is_lost());
    second.exec(["true"].into()).await.unwrap();
    assert_eq!(factory.len(), 1);
    factory.close().await.unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_openers_of_a_lost_one_make_one_create() {
    let service = Service::new();
    let factory = service.factory();
    let first = factory.open(&NoVars).await.unwrap();
    first.liveness.mark_lost("404");
    let opens: Vec<_> = (0..100).map(|_| opening(&factory, NoVars)).collect();
    for open in opens {
        assert_eq!(open.await.unwrap().unwrap().info().generation(), 2);
    }
    settle().await;
    assert_eq!(service.creates(), 2);
    assert_eq!(
        service.rows(),
        1,
        "what was left of the lost one is removed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_re_creation_does_not_forget_the_loss() {
    let service = Service::new().script([Create::Ok, Create::Unsent]);
    let factory = service.factory();
    let first = factory.open(&NoVars).await.unwrap();
    first.liveness.mark_lost("404");
    factory.open(&NoVars).await.unwrap_err();
    let info = factory.open(&NoVars).await.unwrap().info();
    assert_eq!((info.generation(), info.state_lost()), (2, true));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_finds_nothing_is_a_loss() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    let factory = service.factory();
    let first = factory.open(&NoVars).await.unwrap();
    service.edit(|state| state.renewal = Some(ErrorKind::NotFound));
    tokio::time::sleep(Duration::from_secs(67)).await;
    assert!(first.liveness.is_lost());
    assert!(factory.is_empty());
    service.edit(|state| state.renewal = None);
    let second = factory.open(&NoVars).await.unwrap();
    assert_eq!(second.info().generation(), 2);
    assert!(!Arc::ptr_eq(&first, &second));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_no_loss_and_is_tried_again() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    service.edit(|state| state.renewal = Some(ErrorKind::Unavailable));
    tokio::time::sleep(Duration::from_secs(120)).await;
    let renewals = service.edit(|state| state.renewals);
    assert!((5..=9).contains(&renewals), "{renewals}");
    assert!(sandbox.liveness.is_live());
}
