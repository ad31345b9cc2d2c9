//! What happens by itself when time passes.

use std::time::Duration;

use daytona_api::routes::toolbox;
use daytona_local::Fault;
use serde_json::json;

use super::client::{create, get, minutes, named, send, server, state};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_idle_sandbox_stops_at_the_first_sweep_after_its_interval() {
    let server = server().await;
    create(&server, json!({ "name": "x", "autoStopInterval": 3 })).await;
    server.advance(minutes(3)).unwrap();
    assert_eq!(state(&server, "x").await, "started");
    server.advance(9 * SECOND).unwrap();
    assert_eq!(state(&server, "x").await, "started");
    server.advance(SECOND).unwrap();
    server.settled().await;
    assert_eq!(state(&server, "x").await, "stopped");
}

#[tokio::test]
async fn zero_is_never() {
    let server = server().await;
    create(&server, json!({ "name": "x", "autoStopInterval": 0 })).await;
    server.advance(minutes(60 * 24)).unwrap();
    assert_eq!(state(&server, "x").await, "started");
}

#[tokio::test]
async fn an_ephemeral_sandbox_is_deleted_instead_of_stopped() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "x", "autoStopInterval": 1, "autoDeleteInterval": 0 }),
    )
    .await;
    server.advance(minutes(2)).unwrap();
    server.settled().await;
    assert_eq!(state(&server, "x").await, "404");
    assert!(!server.sandboxes()[0].exists());
}

#[tokio::test]
async fn a_stopped_sandbox_is_deleted_or_archived_counted_from_the_stop() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "d", "autoStopInterval": 1, "autoDeleteInterval": 5 }),
    )
    .await;
    create(
        &server,
        json!({ "name": "a", "autoStopInterval": 1, "autoArchiveInterval": 5 }),
    )
    .await;
    server.advance(minutes(6)).unwrap();
    server.settled().await;
    assert_eq!(
        (state(&server, "d").await, state(&server, "a").await),
        ("stopped".into(), "stopped".into())
    );
    server.advance(minutes(1)).unwrap();
    server.settled().await;
    assert_eq!(
        (state(&server, "d").await, state(&server, "a").await),
        ("404".into(), "archived".into())
    );
    assert_eq!(
        send(&server, "POST", "/api/sandbox/a/start", None)
            .await
            .json()["state"],
        "started"
    );
}

#[tokio::test]
async fn a_jump_of_the_clock_misses_nothing_in_between() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "d", "autoStopInterval": 1, "autoDeleteInterval": 5 }),
    )
    .await;
    server.advance(minutes(60)).unwrap();
    server.settled().await;
    assert_eq!(state(&server, "d").await, "404");
}

#[tokio::test]
async fn a_lifetime_ends_whatever_the_sandbox_does() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "x", "ttlMinutes": 10, "autoStopInterval": 0 }),
    )
    .await;
    create(&server, json!({ "name": "y", "ttlMinutes": 10 })).await;
    send(&server, "POST", "/api/sandbox/y/stop", None).await;
    server.settled().await;
    server.advance(minutes(9)).unwrap();
    let renewed = send(&server, "POST", "/api/sandbox/y/ttl/10", None).await;
    assert_eq!(renewed.json()["autoDestroyAt"], "2027-01-15T08:19:00.000Z");
    server.advance(minutes(1)).unwrap();
    server.settled().await;
    assert_eq!(
        (state(&server, "x").await, state(&server, "y").await),
        ("404".into(), "stopped".into())
    );
    server.advance(minutes(9)).unwrap();
    server.settled().await;
    assert_eq!(state(&server, "y").await, "404");
}

#[tokio::test]
async fn activity_is_what_the_documents_say_it_is() {
    let server = server().await;
    let id = named(&server, "x").await;
    let last = || server.sandbox("x").unwrap().last_activity_at;
    let created = last();
    server.advance(minutes(1)).unwrap();
    get(&server, "/api/sandbox/x").await;
    send(&server, "POST", "/api/sandbox/x/autostop/20", None).await;
    send(
        &server,
        "PUT",
        "/api/sandbox/x/labels",
        Some(json!({ "labels": {} })),
    )
    .await;
    assert_eq!(last(), created, "looking and editing is not activity");
    let path = format!("/toolbox/{id}/process/execute");
    send(&server, "POST", &path, Some(json!({ "command": "true" }))).await;
    assert!(last() > created, "a toolbox request is");
    let executed = last();
    server.advance(minutes(1)).unwrap();
    send(&server, "POST", "/api/sandbox/x/stop", None).await;
    server.settled().await;
    assert!(last() > executed, "a change of state is");
}

#[tokio::test]
async fn a_request_that_stays_open_keeps_its_sandbox() {
    let server = server().await;
    let id = create(&server, json!({ "name": "x", "autoStopInterval": 1 })).await["id"].clone();
    let id = id.as_str().unwrap().to_owned();
    // the answer arrives a byte at a time, in the server's time, which stands still
    server
        .faults()
        .inject(Fault::on(&toolbox::EXECUTE_COMMAND).slow(1));
    let path = format!("/toolbox/{id}/process/execute");
    let request = send(&server, "POST", &path, Some(json!({ "command": "true" })));
    tokio::pin!(request);
    let other = async {
        while server
            .requests_to(&toolbox::EXECUTE_COMMAND)
            .iter()
            .all(|seen| seen.status.is_none())
        {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = &mut request => panic!("it is slow"),
        () = other => {}
    }
    for _ in 0..12 {
        server.advance(10 * SECOND).unwrap();
        server.settled().await;
        assert_eq!(state(&server, &id).await, "started");
    }
}

#[tokio::test]
async fn a_destroyed_row_is_forgotten_after_a_day() {
    let server = server().await;
    named(&server, "x").await;
    send(&server, "DELETE", "/api/sandbox/x", None).await;
    server.settled().await;
    server.advance(minutes(60 * 23)).unwrap();
    assert_eq!(server.sandboxes().len(), 1);
    server.advance(minutes(61)).unwrap();
    assert_eq!(server.sandboxes().len(), 0);
}
