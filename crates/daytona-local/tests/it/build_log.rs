//! The log of a build, through the client of this project.

use std::time::Duration;

use daytona_api::api::{BuildLog, Image};
use daytona_api::routes::control_plane as routes;
use daytona_api::routes::{BUILD_LOG, SNAPSHOT_BUILD_LOG};
use daytona_api::{Config, Daytona};
use daytona_local::{Fault, Isolation, Server, ServerBuilder};

use crate::support::Client;

/// The example as a user runs it, and its own assertions.
#[path = "../../examples/image.rs"]
mod example;

#[test]
fn the_example_goes_from_an_image_to_a_result() {
    example::main().unwrap();
}

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.isolation(Isolation::None).start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

fn slow() -> ServerBuilder {
    Server::builder()
        .manual_clock()
        .create_delay(Duration::from_secs(240))
}

async fn made(api: &Daytona) -> String {
    let image = Image::base("debian:12").run_commands(["true"]);
    let create = api.sandboxes().create().image(image);
    create.send().await.unwrap().id
}

async fn piece(log: &mut BuildLog) -> Option<String> {
    let next = tokio::time::timeout(Duration::from_secs(20), log.next());
    let piece = next.await.unwrap().unwrap();
    piece.map(|piece| String::from_utf8(piece.to_vec()).unwrap())
}

async fn rest(log: &mut BuildLog) -> String {
    let mut all = String::new();
    while let Some(text) = piece(log).await {
        all.push_str(&text);
    }
    all
}

const WHOLE: &str = "embedded server: no image is built, the sandbox runs on this machine\n\
    not carried out: FROM debian:12\n\
    not carried out: RUN true\n\
    state: pending_build\n\
    state: started\n";

#[tokio::test]
async fn it_is_told_as_it_happens() {
    let (server, api) = start(slow()).await;
    let id = made(&api).await;
    let mut log = api.sandboxes().build_log(&id);
    let begun = piece(&mut log).await.unwrap();
    assert!(begun.ends_with("state: pending_build\n"), "{begun}");
    let now = rest(&mut api.sandboxes().build_log(&id).no_follow()).await;
    assert_eq!(now, begun);
    server.advance(Duration::from_secs(120)).unwrap();
    let next = piece(&mut log).await.unwrap();
    assert_eq!(next, "state: creating\n");
    server.advance(Duration::from_secs(120)).unwrap();
    assert_eq!(rest(&mut log).await, "state: started\n");
    assert_eq!(begun + "state: started\n", WHOLE);
    assert_eq!(piece(&mut log).await, None);
    server.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_breaks_loses_and_repeats_nothing() {
    let (server, api) = start(Server::builder()).await;
    let id = made(&api).await;
    for cut in (0..WHOLE.len()).step_by(29) {
        let fault = Fault::on(&BUILD_LOG).cut_body(cut).times(1);
        let struck = server.faults().inject(fault);
        let mut log = api.sandboxes().build_log(&id);
        assert_eq!(rest(&mut log).await, WHOLE, "{cut}");
        assert_eq!(struck.hits(), 1);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn it_ends_with_a_build_that_fails_or_is_called_off() {
    let (server, api) = start(slow()).await;
    let failing = Fault::on(&routes::CREATE_SANDBOX).error_state("no such base");
    let _fault = server.faults().inject(failing);
    let id = made(&api).await;
    let all = rest(&mut api.sandboxes().build_log(&id)).await;
    assert!(
        all.ends_with("state: build_failed (no such base)\n"),
        "{all}"
    );
    server.faults().clear();

    let id = made(&api).await;
    let mut log = api.sandboxes().build_log(&id);
    assert!(piece(&mut log).await.is_some());
    api.sandboxes().delete(&id).await.unwrap();
    assert_eq!(rest(&mut log).await, "state: destroyed\n");
    server.shutdown().await;
}

async fn snapshot(api: &Daytona, name: &str) -> String {
    let image = Image::base("debian:12").run_commands(["true"]);
    let snapshots = api.snapshots();
    let made = snapshots.create_from_image(name, &image, |_| {}).await;
    made.unwrap().id
}

const OF_SNAPSHOT: &str = "embedded server: no image is built, the sandbox runs on this machine\n\
    not carried out: FROM debian:12\n\
    not carried out: RUN true\n\
    state: pending\n\
    state: building\n\
    state: active\n";

#[tokio::test]
async fn that_of_a_snapshot_is_told_as_it_happens_and_ends_with_its_reason() {
    let (server, api) = start(slow()).await;
    let snapshots = api.snapshots();
    let id = snapshot(&api, "tools:1").await;
    let mut log = snapshots.build_log(&id);
    let mut told = piece(&mut log).await.unwrap();
    assert!(told.ends_with("state: pending\n"), "{told}");
    server.advance(Duration::from_secs(120)).unwrap();
    told += &piece(&mut log).await.unwrap();
    assert!(told.ends_with("state: building\n"), "{told}");
    server.advance(Duration::from_secs(120)).unwrap();
    told += &rest(&mut log).await;
    assert_eq!(told, OF_SNAPSHOT);
    let active = snapshots.wait_until_active(&id, Duration::from_secs(20));
    assert_eq!(active.await.unwrap().id, id);

    let failing = Fault::on(&routes::CREATE_SNAPSHOT).error_state("no such base");
    let _fault = server.faults().inject(failing);
    let id = snapshot(&api, "fails:1").await;
    let mut log = snapshots.build_log(&id);
    assert!(piece(&mut log).await.is_some());
    server.advance(Duration::from_secs(240)).unwrap();
    let told = rest(&mut log).await;
    assert!(
        told.ends_with("state: build_failed (no such base)\n"),
        "{told}"
    );
    let active = snapshots.wait_until_active(&id, Duration::from_secs(20));
    let error = active.await.unwrap_err();
    assert_eq!(error.message(), Some("no such base"), "{error}");
    server.faults().clear();

    // called off
    let id = snapshot(&api, "gone:1").await;
    let mut log = snapshots.build_log(&id);
    assert!(piece(&mut log).await.is_some());
    snapshots.delete(&id).await.unwrap();
    assert_eq!(rest(&mut log).await, "state: removing\n");
    // nothing was built of an image that is only pulled
    let pulled = snapshots.create("pulled:1", |new| {
        new.image_name = Some("python:3.12".to_owned());
    });
    let id = pulled.await.unwrap().id;
    let error = snapshots.build_log(&id).next().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn that_of_a_snapshot_survives_every_cut_too() {
    let (server, api) = start(Server::builder()).await;
    let id = snapshot(&api, "tools:1").await;
    for cut in (0..OF_SNAPSHOT.len()).step_by(29) {
        let fault = Fault::on(&SNAPSHOT_BUILD_LOG).cut_body(cut).times(1);
        let struck = server.faults().inject(fault);
        let mut log = api.snapshots().build_log(&id);
        assert_eq!(rest(&mut log).await, OF_SNAPSHOT, "{cut}");
        assert_eq!(struck.hits(), 1);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn it_is_for_the_owner_of_a_build_only() {
    let (server, api) = start(Server::builder()).await;
    let snapshot = api.sandboxes().create().send().await.unwrap();
    let error = api.sandboxes().build_log(&snapshot.id).next().await;
    assert!(error.unwrap_err().is_not_found());

    let id = made(&api).await;
    let url = api.sandboxes().build_logs_url(&id).await.unwrap();
    let path = url
        .strip_prefix(&server.api_url().replace("/api", ""))
        .unwrap();
    assert_eq!(path, format!("/sandboxes/{id}/build-logs"));
    let mut client = Client::of(&server);
    let read = client.get(path).await;
    assert_eq!((read.status, read.text().as_str()), (200, WHOLE));
    let older = client.get(&format!("/api/sandbox/{id}/build-logs")).await;
    assert_eq!((older.status, older.text().as_str()), (200, WHOLE));
    client.token = "another".to_owned();
    assert_eq!(client.get(path).await.status, 401);
    server.shutdown().await;
}
