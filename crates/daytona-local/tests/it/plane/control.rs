//! Create, get, change, delete.

use std::collections::BTreeMap;

use daytona_api::routes::control_plane as routes;
use daytona_local::CannedExec;
use serde_json::json;

use super::client::{create, get, minutes, named, port, send, server, server_with, state};

#[tokio::test]
async fn a_created_sandbox_has_what_clients_need() {
    let server = server().await;
    let body =
        json!({ "name": "one", "env": { "A": "b" }, "labels": { "team": "x" }, "unknown": 1 });
    let sandbox = create(&server, body).await;
    assert_eq!(sandbox["state"], "started");
    let id = sandbox["id"].as_str().unwrap();
    let mut shown = get(&server, &format!("/api/sandbox/{id}")).await.json();
    assert_eq!(
        shown["toolboxProxyUrl"],
        format!("http://127.0.0.1:{}/toolbox", port(&server))
    );
    let version = concat!("daytona-local-", env!("CARGO_PKG_VERSION"));
    assert_eq!(shown["daemonVersion"], version);
    for member in ["id", "organizationId", "toolboxProxyUrl", "daemonVersion"] {
        shown[member] = "..".into();
    }
    // by name, whatever order a Value keeps in this build
    let shown: BTreeMap<_, _> = shown.as_object().unwrap().iter().collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap());
}

#[tokio::test]
async fn a_sandbox_is_found_by_id_and_by_name() {
    let server = server().await;
    let id = named(&server, "two words").await;
    for path in [
        format!("/api/sandbox/{id}"),
        "/api/sandbox/two%20words".to_owned(),
    ] {
        assert_eq!(get(&server, &path).await.json()["id"], id.as_str());
    }
    let missing = get(&server, "/api/sandbox/nobody").await;
    assert_eq!(missing.status, 404);
    let error = missing.json();
    assert_eq!(error["message"], "Sandbox with ID or name nobody not found");
    assert_eq!(error["error"], "Not Found");
    assert_eq!(error["statusCode"], 404);
    assert_eq!(error["path"], "/api/sandbox/nobody");
    assert!(error["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_name_is_taken_until_the_sandbox_is_deleted() {
    let server = server().await;
    let id = named(&server, "same").await;
    let again = send(
        &server,
        "POST",
        "/api/sandbox",
        Some(json!({ "name": "same" })),
    )
    .await;
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), "Sandbox with name same already exists");

    let deleted = send(&server, "DELETE", "/api/sandbox/same", None).await;
    assert_eq!(deleted.status, 200);
    let deleted = deleted.json();
    assert_eq!(deleted["state"], "destroying");
    assert!(
        deleted["name"]
            .as_str()
            .unwrap()
            .starts_with("DESTROYED_same_")
    );
    assert_ne!(named(&server, "same").await, id);
    server.settled().await;
    assert_eq!(state(&server, &id).await, "404");
    let rows = server.sandboxes();
    assert_eq!(rows.iter().filter(|row| row.exists()).count(), 1);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let server = server().await;
    let cases = [
        (
            json!({ "autoStopInterval": -1 }),
            "Auto-stop interval must be non-negative",
        ),
        (
            json!({ "autoArchiveInterval": -1 }),
            "Auto-archive interval must be non-negative",
        ),
        (
            json!({ "cpu": 2 }),
            "Cannot specify Sandbox resources when using a snapshot",
        ),
        (
            json!({ "snapshot": "s", "buildInfo": { "dockerfileContent": "FROM x" } }),
            "Cannot specify a snapshot when using a build info entry",
        ),
        (
            json!({ "snapshot": "nope" }),
            "Snapshot nope not found. Did you add it through the Daytona Dashboard?",
        ),
        (
            json!({ "name": "see http://x" }),
            "name must not contain HTML, URLs or control characters",
        ),
        (
            json!({ "name": "<b>x</b>" }),
            "name must not contain HTML, URLs or control characters",
        ),
        (
            json!({ "env": [], "cpu": "x" }),
            "env must be an object with string values, cpu must be an integer number",
        ),
    ];
    for (body, message) in cases {
        let answer = send(&server, "POST", "/api/sandbox", Some(body.clone())).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, message),
            "{body}"
        );
    }
    assert!(server.sandboxes().is_empty());
    assert_eq!(server.requests_to(&routes::CREATE_SANDBOX).len(), 8);
}

#[tokio::test]
async fn an_image_is_built_then_created_then_started() {
    let server = server_with(|builder| builder.create_delay(minutes(4))).await;
    let body = json!({ "buildInfo": { "dockerfileContent": "FROM python:3.12\n" } });
    let sandbox = create(&server, body).await;
    assert_eq!(sandbox["state"], "pending_build");
    assert_eq!(
        sandbox["buildInfo"]["dockerfileContent"],
        "FROM python:3.12\n"
    );
    assert_eq!((&sandbox["cpu"], &sandbox["disk"]), (&json!(1), &json!(3)));
    let id = sandbox["id"].as_str().unwrap();
    server.advance(minutes(2)).unwrap();
    assert_eq!(state(&server, id).await, "creating");
    server.advance(minutes(2)).unwrap();
    assert_eq!(state(&server, id).await, "started");
}

#[tokio::test]
async fn while_it_is_created_it_cannot_be_deleted_but_while_it_is_built() {
    let server = server_with(|builder| builder.create_delay(minutes(1))).await;
    let id = named(&server, "slow").await;
    assert_eq!(state(&server, &id).await, "creating");
    let early = send(&server, "DELETE", "/api/sandbox/slow", None).await;
    assert_eq!(
        (early.status, early.message().as_str()),
        (409, "Sandbox state change in progress")
    );
    server.advance(minutes(1)).unwrap();
    assert_eq!(
        send(&server, "DELETE", "/api/sandbox/slow", None)
            .await
            .status,
        200
    );

    create(&server, json!({ "name": "build", "buildInfo": {} })).await;
    assert_eq!(
        send(&server, "DELETE", "/api/sandbox/build", None)
            .await
            .status,
        200
    );
    server.settled().await;
    assert!(server.sandboxes().iter().all(|row| !row.exists()));
}

#[tokio::test]
async fn stop_and_start_say_no_where_the_real_ones_do() {
    let server = server().await;
    let id = named(&server, "s").await;
    let post = |what: &str| {
        let path = format!("/api/sandbox/s/{what}");
        let server = &server;
        async move { send(server, "POST", &path, None).await }
    };
    assert_eq!(post("start").await.status, 200);
    assert_eq!(post("archive").await.message(), "Sandbox is not stopped");
    let stopping = post("stop?force=false").await;
    assert_eq!(
        (stopping.status, stopping.json()["state"].as_str()),
        (200, Some("stopping"))
    );
    server.settled().await;
    assert_eq!(state(&server, &id).await, "stopped");
    let again = post("stop").await;
    assert_eq!(
        (again.status, again.message().as_str()),
        (400, "Sandbox is not in a stoppable state")
    );
    assert_eq!(post("start").await.json()["state"], "started");
    assert_eq!(post("pause").await.status, 422);
    post("stop").await;
    server.settled().await;
    assert_eq!(post("archive").await.json()["state"], "archived");
}

#[tokio::test]
async fn an_ephemeral_sandbox_is_gone_once_it_stops() {
    let server = server().await;
    create(&server, json!({ "name": "e", "autoDeleteInterval": 0 })).await;
    let stopped = send(&server, "POST", "/api/sandbox/e/stop", None).await;
    assert_eq!(stopped.json()["state"], "destroying");
    server.settled().await;
    assert!(!server.sandboxes()[0].exists());
}

#[tokio::test]
async fn labels_intervals_and_lifetime_can_be_changed() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "x", "labels": { "a": "1", "b": "2" } }),
    )
    .await;
    let labels = json!({ "labels": { "c": "3" } });
    let answer = send(
        &server,
        "PUT",
        "/api/sandbox/x/labels",
        Some(labels.clone()),
    )
    .await;
    assert_eq!((answer.status, answer.json()), (200, labels.clone()));
    for (path, member, value) in [
        ("autostop/7", "autoStopInterval", json!(7)),
        ("autoarchive/0", "autoArchiveInterval", json!(43_200)),
        ("autoarchive/99999", "autoArchiveInterval", json!(43_200)),
        ("autodelete/-5", "autoDeleteInterval", json!(-5)),
        ("ttl/60", "autoDestroyAt", json!("2027-01-15T09:00:00.000Z")),
        ("public/true", "public", json!(true)),
    ] {
        let answer = send(&server, "POST", &format!("/api/sandbox/x/{path}"), None).await;
        assert_eq!(
            (answer.status, &answer.json()[member]),
            (200, &value),
            "{path}"
        );
    }
    assert_eq!(
        send(&server, "POST", "/api/sandbox/x/autostop/-1", None)
            .await
            .status,
        400
    );
    assert_eq!(
        send(&server, "POST", "/api/sandbox/x/autostop/soon", None)
            .await
            .status,
        400
    );
    assert_eq!(
        get(&server, "/api/sandbox/x").await.json()["labels"],
        labels["labels"]
    );

    server.advance(minutes(3)).unwrap();
    let id = server.sandbox("x").unwrap().id;
    let path = format!("/api/sandbox/{id}/last-activity");
    assert_eq!(send(&server, "POST", &path, None).await.status, 201);
    let shown = get(&server, "/api/sandbox/x").await.json();
    assert_eq!(shown["lastActivityAt"], "2027-01-15T08:03:00.000Z");
    assert_eq!(shown["createdAt"], "2027-01-15T08:00:00.000Z");
}

#[tokio::test]
async fn snapshots_can_be_made_known() {
    let server = server_with(|builder| builder.snapshot("mine")).await;
    assert_eq!(
        create(&server, json!({ "snapshot": "mine" })).await["snapshot"],
        "mine"
    );
    server.add_snapshot("late");
    assert_eq!(
        create(&server, json!({ "snapshot": "late" })).await["snapshot"],
        "late"
    );
    let names: Vec<_> = get(&server, "/api/snapshots").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["daytona-local/default", "late", "mine"]);
    assert_eq!(
        get(&server, "/api/snapshots/mine").await.json()["state"],
        "active"
    );
    assert_eq!(get(&server, "/api/snapshots/other").await.status, 404);

    let server = server_with(|builder| builder.any_snapshot(true)).await;
    assert_eq!(
        create(&server, json!({ "snapshot": "whatever" })).await["snapshot"],
        "whatever"
    );
}

#[tokio::test]
async fn canned_answers_can_depend_on_the_command() {
    let server = server_with(|builder| {
        builder.canned_exec(CannedExec::from_fn(|command| (3, format!("<{command}>"))))
    })
    .await;
    let id = named(&server, "t").await;
    let path = format!("/toolbox/{id}/process/execute");
    let answer = send(&server, "POST", &path, Some(json!({ "command": "ls" }))).await;
    assert_eq!(answer.json(), json!({ "exitCode": 3, "result": "<ls>" }));
    assert!(server.live_processes().is_empty());
}

#[tokio::test]
async fn the_toolbox_is_open_while_the_sandbox_is_started() {
    let server = server().await;
    let id = named(&server, "t").await;
    let path = format!("/toolbox/{id}/process/execute");
    let exec = || async { send(&server, "POST", &path, Some(json!({ "command": "ls" }))).await };
    assert_eq!(
        exec().await.json(),
        json!({ "exitCode": 0, "result": "canned" })
    );
    send(&server, "POST", "/api/sandbox/t/stop", None).await;
    server.settled().await;
    let stopped = exec().await;
    assert_eq!(
        (stopped.status, stopped.json()["code"].as_str()),
        (400, Some("BAD_REQUEST"))
    );
    send(&server, "DELETE", "/api/sandbox/t", None).await;
    server.settled().await;
    assert_eq!(exec().await.status, 404);
    assert_eq!(get(&server, "/toolbox/unknown/work-dir").await.status, 404);
}
