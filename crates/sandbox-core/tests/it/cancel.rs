//! Futures dropped at every point.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of tests; a poisoned lock means a test has failed already"
)]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use context_vars::NoVars;

use crate::counting::Counting;
use crate::fake::{Create, Service, settle};

/// Polls the future up to `times` times, letting everything else run in between, then drops it.
async fn poll_then_drop(future: impl Future + Send, times: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..times {
        let ready = {
            let mut context = Context::from_waker(Waker::noop());
            future.as_mut().poll(&mut context).is_ready()
        };
        if ready {
            return true;
        }
        settle().await;
    }
    false
}

async fn at_every_poll(script: &[Create]) {
    let mut ended = false;
    for times in 0..20 {
        let spawner = Counting::new();
        let service = Service::new().script(script.iter().cloned());
        let factory = service
            .builder()
            .spawner(Arc::new(spawner.clone()))
            .build()
            .unwrap();
        ended |= poll_then_drop(factory.open(&NoVars), times).await;
        settle().await;
        if times > 0 {
            assert_eq!(service.creates(), 1, "polled {times} times");
        }
        // Another opener gets what the dropped one began, or its own.
        let _ = factory.open(&NoVars).await;
        assert!(service.rows() <= 1);
        // And so for close.
        ended |= poll_then_drop(factory.close(), times).await;
        tokio::time::sleep(std::time::Duration::from_secs(130)).await;
        if times > 0 {
            assert_eq!(service.rows(), 0, "polled {times} times");
        }
        factory.close().await.unwrap();
        settle().await;
        assert_eq!(
            (service.rows(), spawner.now()),
            (0, 0),
            "polled {times} times"
        );
    }
    assert!(ended, "the futures end within so many polls");
}

#[tokio::test(start_paused = true)]
async fn of_a_good_create() {
    at_every_poll(&[Create::Ok]).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_lost_reply() {
    at_every_poll(&[Create::Lost]).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_broken_create() {
    at_every_poll(&[Create::Broken]).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_panicking_create() {
    at_every_poll(&[Create::Panic]).await;
}
