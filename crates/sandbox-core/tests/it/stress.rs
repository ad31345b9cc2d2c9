//! Everything at once on several threads: whatever the order, nothing is left and nothing is
//! miscounted.

use std::sync::Arc;
use std::time::Duration;

use sandbox_core::Health;
use tokio::task::JoinSet;

use crate::counting::Counting;
use crate::fake::{Create, Service, image};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opens_losses_doubts_and_closes_at_once() {
    let spawner = Counting::new();
    let script = [
        Create::Ok,
        Create::Lost,
        Create::Ok,
        Create::Unsent,
        Create::Broken,
    ];
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_millis(5)))
        .script(script.into_iter().cycle().take(100_000));
    let factory = service
        .builder()
        .spawner(Arc::new(spawner.clone()))
        .build()
        .unwrap();
    let mut all = JoinSet::new();
    for worker in 0..8_usize {
        let (factory, service) = (factory.clone(), service.clone());
        all.spawn(async move {
            for round in 0..300_usize {
                let opened = factory
                    .open(&image(format!("{}", (worker * round) % 3)))
                    .await;
                let mix = worker * 31 + round * 7;
                if let Ok(sandbox) = &opened {
                    match mix % 11 {
                        0 => sandbox.liveness.mark_lost("404"),
                        1..=3 => sandbox.liveness.mark_doubtful(),
                        _ => {}
                    }
                }
                service.edit(|state| {
                    state.health = match mix % 5 {
                        0 => None,
                        1 => Some(Health::Stopped),
                        2 => Some(Health::Gone {
                            reason: "404".to_owned(),
                        }),
                        _ => Some(Health::Healthy),
                    };
                });
                if mix % 53 == 0 {
                    factory.close().await.unwrap();
                }
                if mix % 17 == 0 {
                    // Polled once, or a few times, and dropped.
                    let context = image("dropped");
                    let open = factory.open(&context);
                    let _ = tokio::time::timeout(Duration::ZERO, open).await;
                }
                assert!(factory.len() <= 4);
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    factory.close().await.unwrap();
    assert_eq!((factory.len(), factory.pending()), (0, 0));
    assert_eq!(service.rows(), 0);
    assert!(factory.leftovers().is_empty());
    for _ in 0..500 {
        if spawner.now() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(spawner.now(), 0, "tasks end");
    assert!(service.creates() > 50, "{} creates", service.creates());
}
