//! Many openers, few creates.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use sandbox_core::{CachingFactory, Sandbox, SandboxFactory};

use crate::counting::Counting;
use crate::fake::{Service, image, opening, params, settle};

#[tokio::test(start_paused = true)]
async fn a_thousand_openers_of_one_key_share_one_create() {
    let service = Service::with(|fake| fake.create_time = Duration::from_millis(200));
    let factory = service.factory();
    let opens: Vec<_> = (0..1000).map(|_| opening(&factory, NoVars)).collect();
    let mut seen = Vec::new();
    for open in opens {
        seen.push(open.await.unwrap().unwrap());
    }
    assert_eq!(service.creates(), 1);
    assert!(seen.iter().all(|other| Arc::ptr_eq(other, &seen[0])));
    assert_eq!(factory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn openers_that_give_up_cancel_nothing() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.factory();
    let opens: Vec<_> = (0..1000).map(|_| opening(&factory, NoVars)).collect();
    settle().await;
    assert_eq!(service.creates(), 1);
    for open in &opens[..999] {
        open.abort();
    }
    settle().await;
    service.0.gate.add_permits(1);
    let last = opens.into_iter().next_back().unwrap();
    let sandbox = last.await.unwrap().unwrap();
    assert_eq!(service.creates(), 1);
    assert!(Arc::ptr_eq(&sandbox, &factory.open(&NoVars).await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_create_without_openers_serves_the_next() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.factory();
    let open = opening(&factory, NoVars);
    settle().await;
    open.abort();
    settle().await;
    service.0.gate.add_permits(1);
    settle().await;
    factory.open(&NoVars).await.unwrap();
    assert_eq!(service.creates(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_openers_of_ten_keys_make_ten() {
    let service = Service::with(|fake| fake.create_time = Duration::from_millis(200));
    let factory = service.factory();
    let opens: Vec<_> = (0..1000)
        .map(|n| opening(&factory, image(format!("image-{}", n % 10))))
        .collect();
    let mut names = BTreeSet::new();
    for open in opens {
        names.insert(open.await.unwrap().unwrap().info().name().to_owned());
    }
    assert_eq!(
        (names.len(), service.creates(), factory.len()),
        (10, 10, 10)
    );
}

#[test]
fn openers_of_eight_runtimes_share_one_create() {
    let service = Service::with(|fake| fake.create_time = Duration::from_millis(50));
    let factory = CachingFactory::new(service.clone(), params());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let factory = factory.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                let name = runtime.block_on(async {
                    let opens: Vec<_> = (0..125).map(|_| opening(&factory, NoVars)).collect();
                    let mut name = String::new();
                    for open in opens {
                        name = open.await.unwrap().unwrap().info().name().to_owned();
                    }
                    name
                });
                // The runtime of a first opener ends here and takes nothing with it.
                drop(runtime);
                name
            })
        })
        .collect();
    let names: BTreeSet<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!((names.len(), service.creates()), (1, 1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(factory.close()).unwrap();
    assert_eq!(service.rows(), 0);
}

#[tokio::test(start_paused = true)]
async fn equal_values_share_and_others_do_not() {
    let service = Service::new();
    let factory = service.factory();
    let one = factory.open(&image("a")).await.unwrap();
    let again = factory.open(&image("a").with("unused", 1)).await.unwrap();
    let other_image = factory.open(&image("b")).await.unwrap();
    let other_key = factory
        .open(&image("a").with("key", "k-other"))
        .await
        .unwrap();
    assert!(Arc::ptr_eq(&one, &again));
    assert!(!Arc::ptr_eq(&one, &other_image));
    assert!(!Arc::ptr_eq(&one, &other_key));
    assert_eq!(service.creates(), 3);
    // Another factory with equal parameters does not share.
    service.factory().open(&image("a")).await.unwrap();
    assert_eq!(service.creates(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_erased_factory_opens_the_same_sandbox() {
    let service = Service::new();
    let factory = service.factory();
    let typed = factory.open(&NoVars).await.unwrap();
    let erased: Arc<dyn SandboxFactory> = Arc::new(factory);
    let sandbox = erased.open(&NoVars).await.unwrap();
    assert_eq!(sandbox.info(), typed.info());
    erased.close().await.unwrap();
    assert!(typed.exec(["true"].into()).await.unwrap_err().is_closed());
}

#[tokio::test(start_paused = true)]
async fn at_capacity_open_is_an_error_and_nothing_is_evicted() {
    let service = Service::new();
    let factory = service.builder().max_sandboxes(2).build().unwrap();
    let first = factory.open(&image("a")).await.unwrap();
    factory.open(&image("b")).await.unwrap();
    let error = factory.open(&image("c")).await.unwrap_err();
    assert!(error.is_capacity());
    assert_eq!(
        error.to_string(),
        "open: the factory holds 2 sandboxes, its limit"
    );
    assert!(Arc::ptr_eq(
        &first,
        &factory.open(&image("a")).await.unwrap()
    ));
    assert_eq!(service.creates(), 2);
    factory.close().await.unwrap();
    factory.open(&image("c")).await.unwrap();
    assert_eq!(factory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_gives_its_place_back() {
    let service = Service::new().script([crate::fake::Create::Unsent]);
    let factory = service.builder().max_sandboxes(1).build().unwrap();
    factory.open(&NoVars).await.unwrap_err();
    assert!(factory.is_empty());
    factory.open(&NoVars).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_opener_may_wait_less_than_the_create_takes() {
    let service = Service::with(|fake| fake.create_time = Duration::from_secs(5));
    let factory = service
        .builder()
        .acquire_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    assert!(factory.open(&NoVars).await.unwrap_err().is_timeout());
    tokio::time::sleep(Duration::from_secs(5)).await;
    factory.open(&NoVars).await.unwrap();
    assert_eq!(service.creates(), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_creates_are_limited() {
    let service = Service::with(|fake| fake.gated = true);
    let factory = service.builder().concurrent_creates(3).build().unwrap();
    let opens: Vec<_> = (0..10)
        .map(|n| opening(&factory, image(format!("{n}"))))
        .collect();
    settle().await;
    assert_eq!(service.creates(), 3);
    service.0.gate.add_permits(10);
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(service.creates(), 10);
}

#[tokio::test(start_paused = true)]
async fn renewals_reach_every_sandbox_from_one_task() {
    let service = Service::with(|fake| fake.renew_every = Some(Duration::from_secs(60)));
    let spawner = Counting::new();
    let factory = service
        .builder()
        .spawner(Arc::new(spawner.clone()))
        .build()
        .unwrap();
    for n in 0..100 {
        factory.open(&image(format!("{n}"))).await.unwrap();
    }
    settle().await;
    assert_eq!(spawner.now(), 2, "one timer and one patrol for all");
    tokio::time::sleep(Duration::from_secs(53)).await;
    assert_eq!(service.edit(|state| state.renewals), 0);
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(service.edit(|state| state.renewals), 100);
    tokio::time::sleep(Duration::from_secs(540)).await;
    let renewals = service.edit(|state| state.renewals);
    assert!((900..=1100).contains(&renewals), "{renewals}");
    factory.close().await.unwrap();
    settle().await;
    assert_eq!(spawner.now(), 0, "tasks end with what they serve");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(service.edit(|state| state.renewals), renewals);
}
