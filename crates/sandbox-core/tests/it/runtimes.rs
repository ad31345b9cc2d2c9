//! Runtimes that end with work under way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{Background, CachingFactory, Sandbox};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::fake::{Destroy, Service, closing, opening, params, settle};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits until the condition holds, for as long as a slow machine may need.
async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.unwrap();
}

#[test]
fn a_callers_runtime_that_ends_takes_no_create_with_it() {
    let service = Service::with(|fake| fake.gated = true);
    let builder = CachingFactory::builder(service.clone(), params());
    let factory = builder.spawner(Arc::new(Background)).build().unwrap();
    let first = runtime();
    first.block_on(async {
        drop(opening(&factory, NoVars));
        until(|| service.creates() == 1).await;
    });
    drop(first);
    service.0.gate.add_permits(1);
    runtime().block_on(async {
        factory.open(&NoVars).await.unwrap();
        assert_eq!((service.creates(), service.rows()), (1, 1));
        factory.close().await.unwrap();
    });
    assert_eq!(service.rows(), 0);
}

#[test]
fn a_factorys_runtime_that_ends_mid_create_is_reported_and_its_name_used_again() {
    let service = Service::with(|fake| fake.gated = true);
    let first = runtime();
    let factory = first.block_on(async {
        let factory = service.factory();
        let open = opening(&factory, NoVars);
        settle().await;
        open.abort();
        factory
    });
    drop(first);
    let other = runtime();
    let error = other.block_on(factory.close()).unwrap_err();
    let [left] = error.leftovers() else {
        panic!("{error}");
    };
    assert_eq!(left.name(), service.edit(|state| state.creates[0].clone()));
    // The background has taken over: the factory works, and removes what it made.
    service.0.gate.add_permits(1);
    let sandbox = other.block_on(factory.open(&NoVars)).unwrap();
    assert_eq!(sandbox.info().generation(), 1);
    other.block_on(factory.close()).unwrap_err();
    assert_eq!(service.rows(), 0, "only the unclear attempt is left");
}

#[test]
fn a_factorys_runtime_that_ends_mid_delete_is_taken_over() {
    let service = Service::new();
    let first = runtime();
    let factory = first.block_on(async {
        let factory = service.factory();
        factory.open(&NoVars).await.unwrap();
        service.edit(|state| state.removals = [Destroy::Hang].into());
        drop(closing(&factory));
        settle().await;
        assert_eq!((service.destroys(), service.rows()), (1, 1));
        factory
    });
    drop(first);
    runtime().block_on(async {
        until(|| service.rows() == 0).await;
        factory.close().await.unwrap();
    });
    assert_eq!((service.destroys(), factory.pending()), (2, 0));
}

#[test]
fn what_is_cached_outlives_the_factorys_runtime_and_is_still_renewed() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_millis(20)));
    let first = runtime();
    let factory = first.block_on(async {
        let factory = service.factory();
        factory.open(&NoVars).await.unwrap();
        factory
    });
    drop(first);
    let renewals = service.edit(|state| state.renewals);
    runtime().block_on(async {
        until(|| service.edit(|state| state.renewals) > renewals + 2).await;
        factory.open(&NoVars).await.unwrap();
        assert_eq!(service.creates(), 1);
    });
    // Its end is handed over as well.
    drop(factory);
    runtime().block_on(until(|| service.rows() == 0));
}
