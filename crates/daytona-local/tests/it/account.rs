//! What is around sandboxes: regions, the organization, warm pools, and what only machines can do.

use std::time::Duration;

use daytona_api::models::{SandboxClass, SandboxState};
use daytona_api::{Config, Daytona};
use daytona_local::{Isolation, Server, ServerBuilder};

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.isolation(Isolation::None).start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

#[tokio::test]
async fn there_is_one_region_and_one_organization() {
    let (server, api) = start(Server::builder()).await;
    let regions = api.regions();
    let all = regions.list().await.unwrap();
    assert_eq!(all, regions.list_shared().await.unwrap());
    let create = api.sandboxes().create();
    let sandbox = create.send().await.unwrap();
    assert_eq!(all[0].id, sandbox.target);
    assert_eq!(regions.get(&sandbox.target).await.unwrap(), all[0]);
    assert!(regions.get("moon").await.unwrap_err().is_not_found());

    let organizations = api.organizations();
    let one = &organizations.list().await.unwrap()[0];
    assert_eq!(one.id, sandbox.organization_id);
    assert_eq!(&organizations.get(&one.id).await.unwrap(), one);
    assert_eq!(
        organizations.get("another").await.unwrap_err().status(),
        Some(403)
    );
    let classes = organizations
        .available_sandbox_classes(&one.id)
        .await
        .unwrap();
    assert_eq!(
        (&classes[0].sandbox_class, classes[0].gpu_available),
        (&SandboxClass::Container, false)
    );
    let gpus = organizations.gpu_capacity(&one.id).await.unwrap();
    assert_eq!(gpus, serde_json::json!([]));

    let image = daytona_api::api::Image::base("debian:12");
    let create = api
        .sandboxes()
        .create()
        .image(image)
        .cpu(4)
        .memory(8)
        .disk(10);
    let large = create.send().await.unwrap();
    api.volumes().create("data").await.unwrap();
    api.snapshots()
        .create("s", |new| new.image_name = Some("debian:12".into()))
        .await
        .unwrap();
    let usage = async || organizations.usage(&one.id).await.unwrap();
    let now = usage().await;
    let region = &now.region_usage[0];
    assert_eq!(
        (
            region.current_cpu_usage,
            region.current_memory_usage,
            region.current_disk_usage
        ),
        (5, 9, 13)
    );
    assert_eq!(
        (now.current_snapshot_usage, now.current_volume_usage),
        (1, 1)
    );
    assert_eq!(
        (now.total_snapshot_quota, now.total_volume_quota),
        (100, 100)
    );
    api.sandboxes().delete(&large.id).await.unwrap();
    server.settled().await;
    assert_eq!(usage().await.region_usage[0].current_cpu_usage, 1);
    let most = || {
        let image = daytona_api::api::Image::base("debian:12");
        let create = api.sandboxes().create().image(image);
        create.with(|new| new.cpu = Some(i64::MAX)).send()
    };
    most().await.unwrap();
    most().await.unwrap();
    assert_eq!(usage().await.region_usage[0].current_cpu_usage, i64::MAX);
    server.shutdown().await;
}

#[tokio::test]
async fn a_warm_pool_spares_creates_the_wait() {
    let slow = Server::builder()
        .manual_clock()
        .create_delay(Duration::from_secs(60));
    let (server, api) = start(slow.snapshot("tools")).await;
    let pools = api.warm_pools();
    let pool = pools.create("tools", 2, None).await.unwrap();
    assert_eq!(
        (pool.pool, pool.current_size, pool.snapshot.as_str()),
        (2, 0, "tools")
    );
    let size = async || pools.list().await.unwrap()[0].current_size;
    let create = || api.sandboxes().create().snapshot("tools");
    let cold = create().send().await.unwrap();
    assert_eq!(
        (cold.state, cold.warm_pool_id),
        (Some(SandboxState::Creating), None)
    );
    server.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(size().await, 2);

    let warm = create().send().await.unwrap();
    assert_eq!(warm.state, Some(SandboxState::Started));
    assert_eq!(warm.warm_pool_id.as_ref(), Some(&pool.id));
    assert_eq!(size().await, 1);
    // what a warm one has not is not taken from the pool
    let other = create().env("A", "b").send().await.unwrap();
    assert_eq!(other.state, Some(SandboxState::Creating));
    let other = api.sandboxes().create().send().await.unwrap();
    assert_eq!(other.warm_pool_id, None);
    create().send().await.unwrap();
    let drained = create().send().await.unwrap();
    assert_eq!(drained.state, Some(SandboxState::Creating));
    server.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(size().await, 2, "warm again");

    let small = pools.update(&pool.id, 1).await.unwrap();
    assert_eq!((small.pool, small.current_size), (1, 1));
    assert_eq!(pools.update(&pool.id, 0).await.unwrap().current_size, 0);
    assert_eq!(create().send().await.unwrap().warm_pool_id, None);
    for (refused, status) in [
        (pools.create("tools", 1, None).await.map(drop), 409),
        (pools.create("none", 1, None).await.map(drop), 404),
        (pools.create("tools", 0, None).await.map(drop), 400),
        (pools.create("tools", 101, None).await.map(drop), 400),
        (pools.update("none", 1).await.map(drop), 404),
        (pools.delete("none").await, 404),
    ] {
        assert_eq!(refused.unwrap_err().status(), Some(status));
    }
    pools.delete(&pool.id).await.unwrap();
    assert!(pools.list().await.unwrap().is_empty());
    server.shutdown().await;
}

#[tokio::test]
async fn the_number_of_warm_pools_is_bounded() {
    let names: Vec<_> = (0..21).map(|number| format!("s{number}")).collect();
    let options = names
        .iter()
        .fold(Server::builder(), ServerBuilder::snapshot);
    let (server, api) = start(options).await;
    let pools = api.warm_pools();
    for name in &names[..20] {
        pools.create(name, 1, None).await.unwrap();
    }
    let full = pools.create(&names[20], 1, None).await.unwrap_err();
    assert!(full.to_string().contains("Maximum allowed: 20"), "{full}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_create_that_is_refused_takes_nothing() {
    let options = Server::builder().manual_clock().snapshot("tools");
    let (server, api) = start(options.create_delay(Duration::from_secs(60))).await;
    let (pools, snapshots) = (api.warm_pools(), api.snapshots());
    pools.create("tools", 1, None).await.unwrap();
    server.advance(Duration::from_secs(60)).unwrap();
    api.sandboxes().create().name("one").send().await.unwrap();
    let used = snapshots.get("tools").await.unwrap().last_used_at;

    let create = || api.sandboxes().create().snapshot("tools");
    let taken = create().name("one").send().await.unwrap_err();
    assert!(taken.is_conflict());
    let wrong = create().with(|new| new.auto_stop_interval = Some(-5));
    let wrong = wrong.send().await.unwrap_err();
    assert_eq!(wrong.status(), Some(400));
    assert_eq!(pools.list().await.unwrap()[0].current_size, 1);
    let still = snapshots.get("tools").await.unwrap().last_used_at;
    assert_eq!(still, used);

    let warm = create().name("two").send().await.unwrap();
    assert_eq!(warm.state, Some(SandboxState::Started));
    let now = snapshots.get("tools").await.unwrap().last_used_at;
    assert!(now > used, "{now:?} {used:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn amounts_change_as_the_service_lets_them() {
    let (server, api) = start(Server::builder()).await;
    let sandboxes = api.sandboxes();
    let id = sandboxes.create().send().await.unwrap().id;
    let resize = async |cpu: i64, memory: i64, disk: i64| {
        let done = sandboxes.resize(&id, |new| {
            let given = |amount: i64| (amount != 0).then_some(amount);
            (new.cpu, new.memory, new.disk) = (given(cpu), given(memory), given(disk));
        });
        let done = done.await;
        done.map(|now| (now.cpu, now.memory, now.disk))
            .map_err(|error| error.status())
    };
    assert_eq!(resize(2, 4, 0).await, Ok((2, 4, 3)));
    for (cpu, memory, disk) in [
        (1, 0, 0),
        (0, 3, 0),
        (0, 0, 8),
        (2, 4, 0),
        (0, 0, 0),
        (-1, 0, 0),
    ] {
        assert_eq!(
            resize(cpu, memory, disk).await,
            Err(Some(400)),
            "{cpu} {memory} {disk}"
        );
    }
    sandboxes.stop(&id, false).await.unwrap();
    server.settled().await;
    assert_eq!(resize(1, 0, 8).await, Ok((1, 4, 8)));
    assert_eq!(resize(0, 0, 7).await, Err(Some(400)));
    server.shutdown().await;
}

#[tokio::test]
async fn what_only_machines_can_is_refused_as_the_service_does() {
    let (server, api) = start(Server::builder()).await;
    let sandboxes = api.sandboxes();
    let id = sandboxes.create().send().await.unwrap().id;
    for refused in [
        sandboxes.pause(&id).await,
        sandboxes.fork(&id, None).await,
        sandboxes.set_auto_pause_interval(&id, 5).await,
    ] {
        assert_eq!(refused.unwrap_err().status(), Some(422));
    }
    sandboxes.set_auto_pause_interval(&id, 0).await.unwrap();
    assert_eq!(
        sandboxes.recover(&id, false).await.unwrap_err().status(),
        Some(400)
    );
    assert!(sandboxes.forks(&id, true).await.unwrap().is_empty());
    assert!(sandboxes.ancestors(&id).await.unwrap().is_empty());
    assert!(sandboxes.parent(&id).await.unwrap_err().is_not_found());
    server.shutdown().await;
}

#[tokio::test]
async fn programs_to_come_have_another_environment() {
    let (server, api) = start(Server::builder()).await;
    let sandboxes = api.sandboxes();
    let create = sandboxes.create().env("OWN", "own").env("KEY", "old-value");
    let sandbox = create.send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    let show = async || {
        let command = toolbox
            .process()
            .execute("echo ${OWN-none} ${KEY-none} ${NEW-none}");
        command.send().await.unwrap().result
    };
    assert_eq!(show().await, "own old-value none\n");
    let system = toolbox.system();
    system
        .update_env(|env| {
            env.set = Some([("NEW".to_owned(), "new".to_owned())].into());
            env.unset = Some(vec!["OWN".to_owned()]);
            env.unset_value_prefix = Some("old-".to_owned());
        })
        .await
        .unwrap();
    assert_eq!(show().await, "none none new\n");
    let bad = system.update_env(|env| env.set = Some([("A-B".to_owned(), String::new())].into()));
    assert_eq!(bad.await.unwrap_err().status(), Some(400));
    // a new start is a new beginning
    sandboxes.stop(&sandbox.id, false).await.unwrap();
    server.settled().await;
    sandboxes.start(&sandbox.id).await.unwrap();
    assert_eq!(show().await, "own old-value none\n");
    let figures = system.metrics().await.unwrap();
    assert!(figures.cpu_count.unwrap() >= 1);
    assert!(figures.mem_used.unwrap() > 0 && figures.mem_used <= figures.mem_total);
    assert!(figures.disk_used.unwrap() > 0 && figures.disk_used <= figures.disk_total);
    assert!((0.0..=100.0).contains(&figures.cpu_used_pct.unwrap()));
    server.shutdown().await;
}
