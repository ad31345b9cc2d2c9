use std::time::Duration;

use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_api::routes::toolbox::{DOWNLOAD_FILE, EXECUTE_COMMAND};
use daytona_local::{CannedExec, Fault, waves};
use serde_json::{Value, json};

use crate::support::{plain, start, until, until_state};

#[tokio::test]
async fn a_scripted_answer_comes_in_place_of_the_work() {
    let (server, client) = start(plain()).await;
    let fault = Fault::on(&CREATE_SANDBOX)
        .answer(429, r#"{"message":"slow down"}"#)
        .times(2);
    let fault = server.faults().inject(fault.header("Retry-After", "1"));
    for _ in 0..2 {
        let answer = client.call("POST", "/api/sandbox", json!({})).await;
        assert_eq!(
            (
                answer.status,
                answer.headers["retry-after"].to_str().unwrap()
            ),
            (429, "1")
        );
        assert_eq!(answer.json()["message"], "slow down");
    }
    assert_eq!(fault.hits(), 2);
    client.create(json!({})).await;
    assert_eq!((fault.hits(), server.sandboxes().len()), (2, 1));
    server
        .faults()
        .inject(Fault::any().answer(200, "<html>not the API</html>"));
    let page = client.get("/api/sandbox").await;
    assert_eq!(page.headers["content-type"], "text/html");
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
async fn a_healthy_row_may_hide_behind_an_error() {
    let (server, client) = start(plain()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).answer_after_commit(502, "bad gateway"));
    let answer = client
        .call("POST", "/api/sandbox", json!({ "name": "hidden" }))
        .await;
    assert_eq!(answer.status, 502);
    assert_eq!(client.state("hidden").await, "started");
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
async fn a_stuck_create_refuses_its_deletion() {
    let (server, client) = start(plain()).await;
    server.faults().inject(Fault::on(&CREATE_SANDBOX).stuck());
    let id = client.create(json!({})).await;
    assert_eq!(client.state(&id).await, "creating");
    let deleted = client
        .call("DELETE", &format!("/api/sandbox/{id}"), Value::Null)
        .await;
    assert_eq!(deleted.status, 409);
    assert_eq!(
        deleted.json()["message"],
        "Sandbox state change in progress"
    );
}

#[tokio::test]
async fn faults_count_and_filter() {
    let (server, client) = start(plain()).await;
    let fault = Fault::on(&GET_SANDBOX).matching(|request| request.path.ends_with("/b"));
    let fault = server.faults().inject(fault.nth(2).answer(500, "{}"));
    client.create(json!({ "name": "a" })).await;
    client.create(json!({ "name": "b" })).await;
    let mut statuses = Vec::new();
    for name in ["a", "b", "a", "b", "b"] {
        statuses.push(client.get(&format!("/api/sandbox/{name}")).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 500, 200]);
    assert_eq!(fault.hits(), 1);
    let always = server
        .faults()
        .inject(Fault::any().answer(503, "{}").always());
    assert_eq!(client.get("/api/sandbox").await.status, 503);
    assert_eq!(client.get("/api/sandbox").await.status, 503);
    always.remove();
    assert_eq!(
        (always.hits(), client.get("/api/sandbox").await.status),
        (2, 200)
    );
}

#[tokio::test]
async fn a_late_commit_comes_after_the_reset() {
    let (server, client) = start(plain().manual_clock()).await;
    let minute = Duration::from_secs(60);
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).commit_late(minute));
    let request = client.json("POST", "/api/sandbox", &json!({ "name": "late" }));
    assert!(client.try_send(request).await.is_err());
    assert_eq!(client.state("late").await, "404");
    server.advance(minute).unwrap();
    until_state(&client, "late", "started").await;
}

#[tokio::test]
async fn a_hanging_request_is_never_answered() {
    let (server, client) = start(plain()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).hang_after_commit());
    let request = client.json("POST", "/api/sandbox", &json!({ "name": "h" }));
    tokio::select! {
        _ = client.try_send(request) => panic!("answered"),
        () = until_state(&client, "h", "started") => {}
    }
    server.faults().inject(Fault::on(&GET_SANDBOX).hang());
    let open = |status| {
        let path = "/api/sandbox/h";
        let requests = server.requests();
        let last = requests.iter().rev().find(|request| request.path == path);
        last.is_some_and(|last| (last.ended.is_some(), last.status) == status)
    };
    tokio::select! {
        _ = client.get("/api/sandbox/h") => panic!("answered"),
        () = until("it is open", || open((false, None))) => {}
    }
    until("it ends with its client", || open((true, None))).await;
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
