//! Snapshots, through the client of this project.

mod taken;

use std::time::Duration;

use daytona_api::models::{CreateBuildInfo, CreateSnapshot, SnapshotState};
use daytona_api::routes::SNAPSHOT_BUILD_LOG;
use daytona_api::routes::control_plane as routes;
use daytona_api::{Config, Daytona, ErrorKind};
use daytona_local::{Fault, Isolation, Server, ServerBuilder};

use crate::support::Client;

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

fn plain() -> ServerBuilder {
    Server::builder().isolation(Isolation::None)
}

fn slow() -> ServerBuilder {
    plain().manual_clock().create_delay(Duration::from_secs(60))
}

fn image(new: &mut CreateSnapshot) {
    new.image_name = Some("debian:12".to_owned());
}

fn dockerfile(new: &mut CreateSnapshot) {
    let mut info = CreateBuildInfo::default();
    info.dockerfile_content = "FROM debian:12\nRUN true\n".to_owned();
    new.build_info = Some(info);
}

#[tokio::test]
async fn one_is_used_once_it_is_active() {
    let (server, api) = start(slow()).await;
    let snapshots = api.snapshots();
    let create = |snapshot: &str| {
        let create = api.sandboxes().create();
        create.snapshot(snapshot).send()
    };
    let missing = create("tools:1").await.unwrap_err();
    assert_eq!(missing.status(), Some(400));

    let made = snapshots
        .create("tools:1", |new| {
            image(new);
            (new.cpu, new.memory, new.disk) = (Some(2), Some(4), Some(8));
            new.entrypoint = Some(vec!["sleep".into(), "infinity".into()]);
        })
        .await
        .unwrap();
    assert_eq!((&made.state, made.size), (&SnapshotState::Pending, None));
    assert_eq!((made.cpu, made.mem, made.disk), (2, 4, 8));
    let state = async || snapshots.get("tools:1").await.unwrap().state;
    let early = create("tools:1").await.unwrap_err();
    assert_eq!(early.status(), Some(400));
    assert!(
        early.to_string().contains("Snapshot tools:1 is pending"),
        "{early}"
    );
    server.advance(Duration::from_secs(30)).unwrap();
    assert_eq!(state().await, SnapshotState::Pulling);
    server.advance(Duration::from_secs(30)).unwrap();
    assert_eq!(state().await, SnapshotState::Active);
    assert_eq!(snapshots.get(&made.id).await.unwrap().last_used_at, None);

    for key in ["tools:1", &made.id] {
        let sandbox = create(key).await.unwrap();
        assert_eq!(sandbox.snapshot.as_deref(), Some("tools:1"));
        assert_eq!((sandbox.cpu, sandbox.memory, sandbox.disk), (2, 4, 8));
    }
    assert!(
        snapshots
            .get(&made.id)
            .await
            .unwrap()
            .last_used_at
            .is_some()
    );

    snapshots.deactivate(&made.id).await.unwrap();
    snapshots.deactivate(&made.id).await.unwrap();
    let aside = create("tools:1").await.unwrap_err();
    assert!(aside.to_string().contains("is inactive"), "{aside}");
    let again = snapshots.activate(&made.id).await.unwrap();
    assert_eq!(again.state, SnapshotState::Pending);
    assert!(create("tools:1").await.is_err());
    server.advance(Duration::from_secs(60)).unwrap();
    create("tools:1").await.unwrap();
    let active = snapshots.activate(&made.id).await.unwrap_err();
    assert_eq!(active.status(), Some(400));

    snapshots.delete(&made.id).await.unwrap();
    assert_eq!(state().await, SnapshotState::Removing);
    assert!(create("tools:1").await.is_err());
    server.advance(Duration::from_secs(60)).unwrap();
    assert!(snapshots.get("tools:1").await.unwrap_err().is_not_found());
    assert!(snapshots.delete(&made.id).await.unwrap_err().is_not_found());
    // sandboxes made from it go on
    assert_eq!(server.sandboxes().len(), 3);
    server.shutdown().await;
}

#[tokio::test]
async fn one_that_is_removed_on_its_way_is_removed_in_its_time() {
    let (server, api) = start(slow()).await;
    let snapshots = api.snapshots();
    let made = snapshots.create("tools:1", image).await.unwrap();
    server.advance(Duration::from_secs(10)).unwrap();
    snapshots.delete(&made.id).await.unwrap();
    // past both of the steps of its making, which do not come any more
    server.advance(Duration::from_secs(59)).unwrap();
    let state = snapshots.get(&made.id).await.unwrap().state;
    assert_eq!(state, SnapshotState::Removing);
    server.advance(Duration::from_secs(1)).unwrap();
    assert!(snapshots.get(&made.id).await.unwrap_err().is_not_found());
    server.shutdown().await;
}

#[tokio::test]
async fn a_delay_without_an_end_keeps_it_pending() {
    let never = plain().manual_clock().create_delay(Duration::MAX);
    let (server, api) = start(never).await;
    let snapshots = api.snapshots();
    snapshots.create("tools:1", image).await.unwrap();
    server.advance(Duration::from_secs(60 * 60)).unwrap();
    let state = snapshots.get("tools:1").await.unwrap().state;
    assert_eq!(state, SnapshotState::Pending);
    server.shutdown().await;
}

#[tokio::test]
async fn a_build_has_a_log_and_may_fail() {
    let (server, api) = start(slow()).await;
    let snapshots = api.snapshots();
    let made = snapshots.create("built", dockerfile).await.unwrap();
    let info = made.build_info.unwrap();
    assert_eq!(
        info.dockerfile_content.as_deref(),
        Some("FROM debian:12\nRUN true\n")
    );
    let url = snapshots.build_logs_url(&made.id).await.unwrap();
    let path = url
        .strip_prefix(&server.api_url().replace("/api", ""))
        .unwrap();
    assert_eq!(path, format!("/snapshots/{}/build-logs", made.id));
    let client = Client::of(&server);
    let log = async || client.get(path).await.text();
    assert!(
        log()
            .await
            .ends_with("not carried out: RUN true\nstate: pending\n")
    );
    let older = format!("/api/snapshots/{}/build-logs", made.id);
    assert_eq!(client.get(&older).await.text(), log().await);
    let follow = format!("{path}?follow=true");
    let moved = async {
        tokio::task::yield_now().await;
        server.advance(Duration::from_secs(60)).unwrap();
    };
    let (followed, ()) = tokio::join!(client.get(&follow), moved);
    let whole = followed.text();
    assert!(
        whole.ends_with("state: pending\nstate: building\nstate: active\n"),
        "{whole}"
    );
    let cut = server
        .faults()
        .inject(Fault::on(&SNAPSHOT_BUILD_LOG).answer(502, "{}"));
    assert_eq!(client.get(path).await.status, 502);
    assert_eq!(cut.hits(), 1);

    let failing = Fault::on(&routes::CREATE_SNAPSHOT).error_state("no such base");
    let _failing = server.faults().inject(failing);
    let failed = snapshots.create("fails", dockerfile).await.unwrap();
    server.advance(Duration::from_secs(60)).unwrap();
    let minute = Duration::from_secs(60);
    let error = snapshots
        .wait_until_active("fails", minute)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("no such base"), "{error}");
    let none = api.sandboxes().create().snapshot("fails").send().await;
    assert!(none.unwrap_err().to_string().contains("is build_failed"));
    snapshots.delete(&failed.id).await.unwrap();

    let pulled = snapshots.create("pulled:1", image).await.unwrap();
    assert!(
        snapshots
            .build_logs_url(&pulled.id)
            .await
            .unwrap_err()
            .is_not_found()
    );
    server.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_one_is_refused() {
    let (server, api) = start(plain().snapshot("everybody")).await;
    let snapshots = api.snapshots();
    let mut told = Vec::new();
    let long = "x".repeat(300);
    for name in [
        "",
        "  ",
        "a b",
        "a//b",
        "a/",
        "ä",
        "a@sha256:12",
        long.as_str(),
    ] {
        let error = snapshots.create(name, image).await.unwrap_err();
        told.push(error.to_string());
    }
    for image in [
        "debian",
        "debian:latest",
        "host:5000/debian",
        "a b:1",
        "debian:",
    ] {
        let set = |new: &mut CreateSnapshot| new.image_name = Some(image.to_owned());
        let error = snapshots.create("name", set).await.unwrap_err();
        told.push(format!("{image}: {error}"));
    }
    told.push(
        snapshots
            .create("name", |_| {})
            .await
            .unwrap_err()
            .to_string(),
    );
    let both = |new: &mut CreateSnapshot| {
        image(new);
        dockerfile(new);
    };
    told.push(
        snapshots
            .create("name", both)
            .await
            .unwrap_err()
            .to_string(),
    );
    let less = |new: &mut CreateSnapshot| {
        image(new);
        new.cpu = Some(-1);
    };
    told.push(
        snapshots
            .create("name", less)
            .await
            .unwrap_err()
            .to_string(),
    );
    insta::assert_snapshot!(told.join("\n"));

    let digest = format!("debian@sha256:{}", "a".repeat(64));
    let set = |new: &mut CreateSnapshot| new.image_name = Some(digest.clone());
    snapshots.create("team/tools:1.0", set).await.unwrap();
    assert_eq!(
        snapshots.get("team/tools:1.0").await.unwrap().image_name,
        Some(digest)
    );
    let taken = snapshots.create("team/tools:1.0", image).await.unwrap_err();
    assert_eq!(taken.status(), Some(409));
    let everybodys = snapshots.get("everybody").await.unwrap();
    assert!(everybodys.general);
    for refused in [
        snapshots.delete(&everybodys.id).await,
        snapshots.deactivate(&everybodys.id).await,
        snapshots.activate(&everybodys.id).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().status(), Some(403));
    }
    for number in 1..100 {
        snapshots
            .create(&format!("s{number}"), image)
            .await
            .unwrap();
    }
    let full = snapshots.create("one-more", image).await.unwrap_err();
    assert!(full.to_string().contains("Maximum allowed: 100"), "{full}");
    server.shutdown().await;
}

#[tokio::test]
async fn they_are_listed_page_by_page() {
    let (server, api) = start(plain().manual_clock()).await;
    let snapshots = api.snapshots();
    for name in ["b-tools", "a-tools", "other", "c-tools"] {
        server.advance(Duration::from_secs(1)).unwrap();
        snapshots.create(name, image).await.unwrap();
    }
    server.advance(Duration::from_secs(1)).unwrap();
    api.sandboxes()
        .create()
        .snapshot("other")
        .send()
        .await
        .unwrap();
    let names = async |list: daytona_api::api::SnapshotList| {
        let all = list.page_size(2).collect().await.unwrap();
        let names: Vec<_> = all.into_iter().map(|snapshot| snapshot.name).collect();
        names.join(" ")
    };
    let default = "daytona-local/default";
    // the one used last first, those that never were last
    assert_eq!(
        names(snapshots.list()).await,
        format!("other {default} a-tools b-tools c-tools")
    );
    assert_eq!(
        names(
            snapshots
                .list()
                .name("TOOLS")
                .sort("createdAt")
                .order("asc")
        )
        .await,
        "b-tools a-tools c-tools"
    );
    assert_eq!(
        names(snapshots.list().name("o").sort("name")).await,
        format!("other {default} c-tools b-tools a-tools")
    );
    let bad = snapshots.list().sort("size").collect().await.unwrap_err();
    assert_eq!(bad.status(), Some(400));
    server.shutdown().await;
}
