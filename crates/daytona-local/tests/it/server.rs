//! Options of a server and what they do to a client.

use std::time::Duration;

use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX};
use daytona_api::routes::toolbox::{DOWNLOAD_FILE, EXECUTE_COMMAND};
use daytona_local::{CannedExec, Fault, waves};
use serde_json::{Value, json};

use crate::support::{plain, start, until};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_empty_token_and_a_missing_folder_are_refused() {
    let error = plain().token(" ").start().await.unwrap_err();
    assert_eq!(error.to_string(), "an empty token would let everybody in");
    let error = plain().bind_ro("no/such/folder").start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not an absolute path of a folder: no/such/folder"
    );
}

#[test]
fn debug_shows_no_token() {
    let text = format!("{:?}", plain().token("canary-token"));
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn resets_strike_before_or_after_the_work() {
    let (server, client) = start(plain()).await;
    let create = |name: &str| client.json("POST", "/api/sandbox", &json!({ "name": name }));
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).reset_before_commit());
    assert!(client.try_send(create("before")).await.is_err());
    assert_eq!(server.sandboxes(), []);
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).reset_after_commit());
    assert!(client.try_send(create("after")).await.is_err());
    assert_eq!(client.state("after").await, "started");
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).close_after_commit());
    assert!(client.try_send(create("closed")).await.is_err());
    assert_eq!(client.state("closed").await, "started");
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).cut_body(20));
    assert!(client.try_send(create("cut")).await.is_err());
    assert_eq!(client.state("cut").await, "started");
    let lost = server
        .requests()
        .iter()
        .filter(|r| r.ended.is_some() && r.status.is_none())
        .count();
    assert_eq!(lost, 3, "no status for an answer that was not sent");
}

#[tokio::test]
async fn failed_rows_stay_with_their_reason() {
    let (server, client) = start(plain()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state("no disk").times(2));
    let answer = client
        .call("POST", "/api/sandbox", json!({ "name": "s" }))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["message"], "Sandbox failed to start: no disk");
    let row = client.get("/api/sandbox/s").await.json();
    assert_eq!(
        (&row["state"], &row["errorReason"]),
        (&json!("error"), &json!("no disk"))
    );
    assert_eq!(client.post("/api/sandbox/s/start").await.status, 400);
    let image = json!({ "name": "i", "buildInfo": { "dockerfileContent": "FROM x" } });
    let answer = client.call("POST", "/api/sandbox", image).await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &json!("pending_build"))
    );
    assert_eq!(client.state("i").await, "build_failed");
    for name in ["s", "i"] {
        let deleted = client
            .call("DELETE", &format!("/api/sandbox/{name}"), Value::Null)
            .await;
        assert_eq!(deleted.status, 200);
    }
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state_later("no disk"));
    let answer = client
        .call("POST", "/api/sandbox", json!({ "name": "q" }))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &json!("creating"))
    );
    assert_eq!(client.state("q").await, "error");
}

#[tokio::test]
async fn a_server_without_times_to_live_counts_none_and_has_no_route_for_them() {
    for counted in [true, false] {
        let (server, client) = start(plain().manual_clock().time_to_live(counted)).await;
        let id = client.create(json!({ "ttlMinutes": 1 })).await;
        let row = client.get(&format!("/api/sandbox/{id}")).await.json();
        let shown = row.get("autoDestroyAt").is_some_and(|at| !at.is_null());
        assert_eq!(shown, counted, "{row}");
        let set = client.post(&format!("/api/sandbox/{id}/ttl/2")).await;
        assert_eq!(set.status, if counted { 200 } else { 404 });
        server.advance(5 * MINUTE).unwrap();
        server.settled().await;
        let state = client.state(&id).await;
        assert_eq!(state, if counted { "404" } else { "started" });
        server.shutdown().await;
    }
}

#[tokio::test]
async fn fields_can_be_left_out_and_bodies_be_slow() {
    let (server, client) = start(plain().manual_clock()).await;
    let fields = ["autoStopInterval", "autoDestroyAt"];
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).drop_fields(fields));
    let row = client
        .call("POST", "/api/sandbox", json!({ "ttlMinutes": 5 }))
        .await
        .json();
    assert!(row.get("autoStopInterval").is_none() && row.get("autoDestroyAt").is_none());
    assert!(row.get("autoDeleteInterval").is_some());
    let id = row["id"].as_str().unwrap();
    let upload = client.request("POST", &format!("/toolbox/{id}/files/upload-v2?path=f"));
    client.send(upload.body("0123456789".into()).unwrap()).await;
    server.faults().inject(Fault::on(&DOWNLOAD_FILE).slow(10));
    let path = format!("/toolbox/{id}/files/download?path=f");
    let download = client.get(&path);
    let watch = async {
        until("the slow body began", || {
            server
                .requests()
                .iter()
                .any(|r| path.starts_with(&r.path) && r.status == Some(200))
        })
        .await;
        for _ in 0..10 {
            // Each step lets one byte pass; a step too early waits for the next.
            tokio::task::yield_now().await;
            server.advance(Duration::from_millis(100)).unwrap();
        }
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            server.advance(Duration::from_millis(100)).unwrap();
        }
    };
    tokio::select! {
        answer = download => assert_eq!(answer.text(), "0123456789"),
        () = watch => {}
    }
}

#[tokio::test]
async fn a_vanished_sandbox_is_gone_for_everyone() {
    let (server, client) = start(plain()).await;
    let id = client.create(json!({ "name": "v" })).await;
    server.faults().inject(Fault::on(&EXECUTE_COMMAND).vanish());
    let answer = client.execute(&id, json!({ "command": "true" })).await;
    assert_eq!(answer.status, 404);
    assert_eq!(client.state("v").await, "404");
    client.create(json!({ "name": "v" })).await;
    assert!(server.vanish("v").await);
    assert!(!server.vanish("v").await);
    assert_eq!(client.state("v").await, "404");
}

#[tokio::test]
async fn the_log_counts_waves() {
    let (server, client) = start(plain().canned_exec(CannedExec::new(0, "ok"))).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(client.create(json!({})).await);
    }
    for three in ids.chunks(3) {
        let deletes = three.iter().map(|id| {
            let path = format!("/api/sandbox/{id}");
            let client = &client;
            async move { client.call("DELETE", &path, Value::Null).await }
        });
        for answer in futures_util::future::join_all(deletes).await {
            assert_eq!(answer.status, 200);
        }
    }
    let requests = server.requests();
    let of = |id: &'static str| requests.iter().filter(move |r| r.route == Some(id));
    assert_eq!(
        (of(CREATE_SANDBOX.id).count(), waves(of(CREATE_SANDBOX.id))),
        (6, 6)
    );
    assert_eq!(of(DELETE_SANDBOX.id).count(), 6);
    assert!((2..=6).contains(&waves(of(DELETE_SANDBOX.id))));
}

#[tokio::test]
async fn a_canned_answer_starts_no_process() {
    let (server, client) = start(plain().canned_exec(CannedExec::new(7, "canned"))).await;
    let id = client.create(json!({})).await;
    assert_eq!(client.run(&id, "rm -rf /").await, (7, "canned".to_owned()));
    assert_eq!(server.live_processes(), [0; 0]);
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

#[tokio::test]
async fn configuration_health_and_snapshots_are_served() {
    let (_server, client) = start(plain().snapshot("mine")).await;
    let config = client.get("/api/config").await.json();
    assert_eq!(
        config["proxyToolboxUrl"],
        format!("http://{}/toolbox", client.authority)
    );
    let all = client.get("/api/snapshots").await.json();
    assert_eq!(all["total"], 2);
    let one = client.get("/api/snapshots/mine").await.json();
    assert_eq!(
        (&one["name"], &one["state"]),
        (&json!("mine"), &json!("active"))
    );
    let by_id = client
        .get(&format!("/api/snapshots/{}", one["id"].as_str().unwrap()))
        .await;
    assert_eq!(by_id.json()["name"], "mine");
    assert_eq!(client.get("/api/snapshots/none").await.status, 404);
}
