use std::time::Duration;

use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_local::Fault;
use serde_json::json;

use crate::support::{plain, start, until};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_idle_sandbox_stops_then_is_archived() {
    let (server, client) = start(plain().manual_clock()).await;
    let id = client
        .create(json!({ "autoStopInterval": 5, "autoArchiveInterval": 60 }))
        .await;
    server.advance(5 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "started");
    server.advance(20 * SECOND).unwrap();
    assert_eq!(client.state(&id).await, "stopped");
    server.advance(59 * MINUTE).unwrap();
    assert_eq!(
        client.state(&id).await,
        "stopped",
        "its clock starts at the stop"
    );
    server.advance(2 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "archived");
}

#[tokio::test]
async fn one_long_jump_of_the_clock_misses_no_step() {
    let (server, client) = start(plain().manual_clock()).await;
    let body = json!({ "autoStopInterval": 5, "autoDeleteInterval": 30 });
    let id = client.create(body).await;
    server.advance(34 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "stopped");
    server.advance(2 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "404");
}

#[tokio::test]
async fn an_ephemeral_sandbox_nobody_renews_is_deleted() {
    let (server, client) = start(plain().manual_clock()).await;
    let body = json!({ "autoStopInterval": 5, "autoDeleteInterval": 0 });
    let (renewed, left) = (client.create(body.clone()).await, client.create(body).await);
    for _ in 0..4 {
        server.advance(2 * MINUTE).unwrap();
        client
            .post(&format!("/api/sandbox/{renewed}/last-activity"))
            .await;
    }
    assert_eq!(client.state(&left).await, "404");
    assert_eq!(client.state(&renewed).await, "started");
    server.advance(6 * MINUTE).unwrap();
    assert_eq!(client.state(&renewed).await, "404");
}

#[tokio::test]
async fn an_interval_of_zero_never_stops() {
    let (server, client) = start(plain().manual_clock()).await;
    let id = client.create(json!({ "autoStopInterval": 0 })).await;
    server.advance(60 * 24 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "started");
}

#[tokio::test]
async fn a_ttl_ends_whatever_the_state_and_can_be_moved() {
    let (server, client) = start(plain().manual_clock()).await;
    let body = json!({ "autoStopInterval": 0, "ttlMinutes": 10 });
    let (moved, left) = (client.create(body.clone()).await, client.create(body).await);
    client.post(&format!("/api/sandbox/{left}/stop")).await;
    server.advance(9 * MINUTE).unwrap();
    client.post(&format!("/api/sandbox/{moved}/ttl/10")).await;
    server.advance(2 * MINUTE).unwrap();
    assert_eq!(client.state(&left).await, "404");
    assert_eq!(client.state(&moved).await, "started");
    server.advance(9 * MINUTE).unwrap();
    assert_eq!(client.state(&moved).await, "404");
}

#[tokio::test]
async fn toolbox_requests_are_activity_unless_they_say_not() {
    let (server, client) = start(plain().manual_clock()).await;
    let body = json!({ "autoStopInterval": 5, "autoDeleteInterval": 0 });
    let (used, probed) = (client.create(body.clone()).await, client.create(body).await);
    for _ in 0..3 {
        server.advance(3 * MINUTE).unwrap();
        client.get(&format!("/toolbox/{used}/work-dir")).await;
        let probe = client.request("GET", &format!("/toolbox/{probed}/work-dir"));
        let probe = probe.header("x-daytona-skip-last-activity-update", "true");
        client.send(probe.body(Default::default()).unwrap()).await;
    }
    assert_eq!(client.state(&used).await, "started");
    assert_eq!(client.state(&probed).await, "404");
}

#[tokio::test]
async fn an_open_request_keeps_its_sandbox_and_an_abandoned_one_does_not_for_ever() {
    let (server, client) = start(plain().manual_clock()).await;
    let body = json!({ "autoStopInterval": 5, "autoDeleteInterval": 0 });
    let id = client.create(body).await;
    let home = client.get(&format!("/toolbox/{id}/work-dir")).await.json();
    let flag = format!("{}/go", home["dir"].as_str().unwrap());
    let wait = "while [ ! -e go ]; do sleep 0.01; done; echo gone on";
    let command = json!({ "command": wait });
    let exec = client.execute(&id, command);
    let watch = async {
        let path = format!("/toolbox/{id}/process/execute");
        until("the command runs", || {
            server
                .requests()
                .iter()
                .any(|r| r.path == path && r.status.is_none())
        })
        .await;
        for _ in 0..5 {
            server.advance(4 * MINUTE).unwrap();
        }
        assert_eq!(client.state(&id).await, "started");
        std::fs::write(flag, "").unwrap();
    };
    let (ran, ()) = tokio::join!(exec, watch);
    assert_eq!(ran.json()["result"], "gone on\n");
    server.advance(6 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "404");
}

#[tokio::test]
async fn a_create_that_never_ends_fails_after_its_time() {
    let (server, client) = start(plain().manual_clock()).await;
    server.faults().inject(Fault::on(&CREATE_SANDBOX).stuck());
    let id = client.create(json!({})).await;
    server.advance(14 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "creating");
    server.advance(2 * MINUTE).unwrap();
    assert_eq!(client.state(&id).await, "error");
}

#[tokio::test]
async fn an_accelerated_clock_runs_the_same_timers() {
    let (server, client) = start(plain().speed(600.0)).await;
    let body = json!({ "autoStopInterval": 1, "autoDeleteInterval": 0 });
    let id = client.create(body).await;
    until("the lease ends", || {
        server
            .sandboxes()
            .iter()
            .any(|row| row.id == id && row.state == "destroyed")
    })
    .await;
}
