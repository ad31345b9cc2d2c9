//! Sandboxes in doubt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{CachingFactory, ErrorKind, Health, Sandbox};

use crate::fake::{FakeSandbox, Service, closing, image, opening, settle};

async fn doubtful(service: &Service) -> (CachingFactory<Service>, Arc<FakeSandbox>) {
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap_or_else(|error| {
        // The fake creates without a script.
        unreachable!("{error}")
    });
    sandbox.liveness.mark_doubtful();
    (factory, sandbox)
}

#[tokio::test(start_paused = true)]
async fn a_sound_one_is_asked_about_once() {
    let service = Service::new();
    service.edit(|state| state.health = Some(Health::Healthy));
    let (factory, sandbox) = doubtful(&service).await;
    let opens: Vec<_> = (0..100).map(|_| opening(&factory, NoVars)).collect();
    for open in opens {
        assert!(Arc::ptr_eq(&sandbox, &open.await.unwrap().unwrap()));
    }
    factory.open(&NoVars).await.unwrap();
    assert_eq!(
        service.edit(|state| (state.inspections, state.starts)),
        (1, 0)
    );
    assert_eq!((service.creates(), factory.len()), (1, 1));
    factory.close().await.unwrap();
    assert_eq!((service.rows(), factory.pending()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_one_is_started() {
    let service = Service::new();
    service.edit(|state| state.health = Some(Health::Stopped));
    let (factory, sandbox) = doubtful(&service).await;
    let opened = factory.open(&NoVars).await.unwrap();
    assert!(Arc::ptr_eq(&sandbox, &opened));
    factory.open(&NoVars).await.unwrap();
    assert_eq!(
        service.edit(|state| (state.inspections, state.starts)),
        (1, 1)
    );
    assert_eq!(opened.info().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_start_is_an_error_and_tried_again() {
    let service = Service::new();
    service.edit(|state| {
        state.health = Some(Health::Stopped);
        state.start = Some(ErrorKind::Quota);
    });
    let (factory, sandbox) = doubtful(&service).await;
    let error = factory.open(&NoVars).await.unwrap_err();
    assert_eq!(error.to_string(), "open: it does not start");
    service.edit(|state| state.start = None);
    assert!(Arc::ptr_eq(&sandbox, &factory.open(&NoVars).await.unwrap()));
    assert_eq!(service.edit(|state| state.starts), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_replaced_in_the_same_open() {
    let service = Service::new();
    service.edit(|state| {
        state.health = Some(Health::Gone {
            reason: "404".to_owned(),
        });
    });
    let (factory, sandbox) = doubtful(&service).await;
    let opens: Vec<_> = (0..50).map(|_| opening(&factory, NoVars)).collect();
    for open in opens {
        let info = open.await.unwrap().unwrap().info();
        assert_eq!((info.generation(), info.state_lost()), (2, true));
    }
    assert!(sandbox.liveness.is_lost());
    settle().await;
    assert_eq!(
        (service.creates(), service.rows(), factory.len()),
        (2, 1, 1)
    );
    factory.close().await.unwrap();
    assert_eq!((service.rows(), factory.pending()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn unreachable_is_not_gone() {
    let service = Service::new();
    let (factory, sandbox) = doubtful(&service).await;
    assert!(Arc::ptr_eq(&sandbox, &factory.open(&NoVars).await.unwrap()));
    assert!(sandbox.liveness.is_live() && sandbox.liveness.is_doubtful());
    assert_eq!(service.creates(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_close_meanwhile_removes_it() {
    let service = Service::with(|fake| fake.gated = true);
    service.0.gate.add_permits(1);
    service.edit(|state| state.health = Some(Health::Healthy));
    let (factory, sandbox) = doubtful(&service).await;
    let open = opening(&factory, NoVars);
    settle().await;
    assert_eq!(factory.leftovers().len(), 1);
    let close = closing(&factory);
    settle().await;
    assert!(open.await.unwrap().unwrap_err().is_closed());
    assert!(sandbox.exec(["true"].into()).await.unwrap_err().is_closed());
    assert!(!close.is_finished());
    service.0.gate.add_permits(1);
    close.await.unwrap().unwrap();
    assert_eq!(
        (service.rows(), factory.len(), factory.pending()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn long_silence_is_a_doubt() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    service.edit(|state| state.health = Some(Health::Healthy));
    let factory = service.factory();
    let sandbox = factory.open(&NoVars).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(
        !sandbox.liveness.is_doubtful(),
        "it was renewed all the time"
    );
    service.edit(|state| state.renewal = Some(ErrorKind::Unavailable));
    tokio::time::sleep(Duration::from_secs(75)).await;
    assert!(
        !sandbox.liveness.is_doubtful(),
        "half of 300 s are not over"
    );
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(sandbox.liveness.is_doubtful());
    factory.open(&NoVars).await.unwrap();
    assert_eq!(service.edit(|state| state.inspections), 1);
}

#[tokio::test(start_paused = true)]
async fn leftovers_name_everything_at_any_time() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.factory();
    assert!(factory.leftovers().is_empty());
    service.0.gate.add_permits(1);
    let ready = factory.open(&image("a")).await.unwrap();
    let open = opening(&factory, image("b"));
    settle().await;
    let left = factory.leftovers();
    let [creating, held] = left.as_slice() else {
        panic!("{left:?}");
    };
    assert_eq!(
        (held.id(), held.name()),
        (Some(ready.info().id()), ready.info().name())
    );
    assert_eq!(held.why().to_string(), "it has not been closed");
    assert_eq!(creating.id(), None);
    assert_eq!(
        (creating.server_bound(), held.server_bound()),
        (None, Some(Duration::from_secs(300)))
    );
    service.0.gate.add_permits(1);
    open.await.unwrap().unwrap();
    factory.close().await.unwrap();
    assert!(factory.leftovers().is_empty());
}

/// A host whose lid a test closes.
#[derive(Debug, Default)]
struct Lid(AtomicU64);

impl sandbox_core::Suspension for Lid {
    fn suspended(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_suspension_of_the_host_it_is_renewed_and_asked_about() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    let lid = Arc::new(Lid::default());
    let suspension: Arc<dyn sandbox_core::Suspension> = Arc::<Lid>::clone(&lid);
    let factory = service.builder().suspension(suspension).build().unwrap();
    let sandbox = factory.open(&NoVars).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // A short nap is no reason for doubt, but for a renewal at once.
    lid.0.store(30, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(service.edit(|state| state.renewals), 1);
    assert!(!sandbox.liveness.is_doubtful());
    // A night is.
    lid.0.store(8 * 3600, Ordering::SeqCst);
    service.edit(|state| {
        state.health = Some(Health::Gone {
            reason: "destroyed".to_owned(),
        });
    });
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(service.edit(|state| state.renewals), 2);
    assert!(sandbox.liveness.is_doubtful());
    let new = factory.open(&NoVars).await.unwrap();
    assert!(sandbox.liveness.is_lost());
    assert_eq!(
        (new.info().generation(), new.info().state_lost()),
        (2, true)
    );
    let error = sandbox.exec(["true"].into()).await.unwrap_err();
    assert!(error.is_lost(), "a stale handle is refused");
}
