use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{plain, start, until_state};

#[tokio::test]
async fn a_create_answers_what_released_clients_require() {
    let (_server, client) = start(plain()).await;
    let body = json!({ "name": "a", "env": { "K": "v" }, "labels": { "l": "1" }, "unknown": 1 });
    let answer = client.call("POST", "/api/sandbox", body).await;
    assert_eq!(answer.status, 200);
    let mut row = answer.json();
    assert_eq!(
        row["toolboxProxyUrl"],
        format!("http://{}/toolbox", client.authority)
    );
    for member in [
        "id",
        "createdAt",
        "updatedAt",
        "lastActivityAt",
        "toolboxProxyUrl",
    ] {
        assert!(row[member].take().is_string(), "{member}");
    }
    insta::assert_json_snapshot!(row, @r#"
    {
      "autoArchiveInterval": 10080,
      "autoDeleteInterval": -1,
      "autoStopInterval": 15,
      "cpu": 1,
      "createdAt": null,
      "daemonVersion": "daytona-local-0.1.0",
      "desiredState": "started",
      "disk": 3,
      "env": {
        "K": "v"
      },
      "gpu": 0,
      "id": null,
      "kvm": false,
      "labels": {
        "l": "1"
      },
      "lastActivityAt": null,
      "memory": 1,
      "name": "a",
      "networkBlockAll": false,
      "organizationId": "00000000-0000-4000-8000-000000000001",
      "public": false,
      "recoverable": false,
      "sandboxClass": "container",
      "snapshot": "daytona-local/default",
      "state": "started",
      "target": "local",
      "toolboxProxyUrl": null,
      "updatedAt": null,
      "user": "daytona",
      "volumes": []
    }
    "#);
    // Without a body at all, the name is the id and maps are empty, not absent.
    let row = client.call("POST", "/api/sandbox", json!({})).await.json();
    assert_eq!(row["name"], row["id"]);
    assert_eq!((&row["env"], &row["labels"]), (&json!({}), &json!({})));
}

#[tokio::test]
async fn a_bad_create_is_400_and_makes_nothing() {
    let (server, client) = start(plain().snapshot("known")).await;
    let cases = [
        (json!({ "snapshot": "nope" }), "Snapshot nope not found"),
        (
            json!({ "cpu": 2 }),
            "Cannot specify Sandbox resources when using a snapshot",
        ),
        (
            json!({ "snapshot": "known", "memory": 2 }),
            "Cannot specify Sandbox resources",
        ),
        (
            json!({ "snapshot": "known", "buildInfo": {} }),
            "Cannot specify a snapshot",
        ),
        (
            json!({ "autoStopInterval": -1 }),
            "Auto-stop interval must be non-negative",
        ),
        (
            json!({ "autoArchiveInterval": -1 }),
            "Auto-archive interval must be non-negative",
        ),
        (json!({ "ttlMinutes": -1 }), "TTL must be non-negative"),
        (json!({ "name": "see http://x" }), "name must not contain"),
        (json!({ "name": "<b>x</b>" }), "name must not contain"),
        (json!({ "name": "a\nb" }), "name must not contain"),
        (
            json!({ "name": 7, "env": [] }),
            "name must be a string, env must be an object",
        ),
        (
            json!({ "labels": { "a": 1 } }),
            "labels must be an object with string values",
        ),
        (json!([]), "Invalid JSON in request body"),
    ];
    for (body, message) in cases {
        let answer = client.call("POST", "/api/sandbox", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        let error = answer.json();
        assert!(
            error["message"].as_str().unwrap().starts_with(message),
            "{error}"
        );
        assert_eq!(
            (&error["error"], &error["path"]),
            (&json!("Bad Request"), &json!("/api/sandbox"))
        );
    }
    assert_eq!(server.sandboxes(), []);
    assert_eq!(
        client
            .call("POST", "/api/sandbox", json!({ "snapshot": "known" }))
            .await
            .status,
        200
    );
    server.add_snapshot("later");
    assert_eq!(
        client
            .call("POST", "/api/sandbox", json!({ "snapshot": "later" }))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_name_is_taken_until_its_sandbox_is_deleted() {
    let (server, client) = start(plain()).await;
    let first = client.create(json!({ "name": "n" })).await;
    let again = client
        .call("POST", "/api/sandbox", json!({ "name": "n" }))
        .await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.json()["message"],
        "Sandbox with name n already exists"
    );
    let deleted = client.call("DELETE", "/api/sandbox/n", Value::Null).await;
    assert_eq!(deleted.status, 200);
    let row = deleted.json();
    assert_eq!(row["state"], "destroying");
    assert!(
        row["name"].as_str().unwrap().starts_with("DESTROYED_n_"),
        "{row}"
    );
    let second = client.create(json!({ "name": "n" })).await;
    assert_ne!(first, second);
    until_state(&client, &first, "404").await;
    assert_eq!(
        client
            .call("DELETE", &format!("/api/sandbox/{first}"), Value::Null)
            .await
            .status,
        404
    );
    let alive: Vec<_> = server
        .sandboxes()
        .into_iter()
        .filter(|row| row.desired_state != "destroyed")
        .collect();
    assert_eq!(alive.len(), 1);
}

#[tokio::test]
async fn stop_and_start_follow_the_documented_states() {
    let (_server, client) = start(plain()).await;
    let id = client.create(json!({})).await;
    let path = |operation: &str| format!("/api/sandbox/{id}/{operation}");
    assert_eq!(
        client.post(&path("start")).await.status,
        200,
        "started already: nothing to do"
    );
    assert_eq!(client.post(&path("archive")).await.status, 400);
    assert_eq!(client.post(&path("stop?force=false")).await.status, 200);
    until_state(&client, &id, "stopped").await;
    let again = client.post(&path("stop")).await;
    assert_eq!(again.status, 400);
    assert_eq!(
        again.json()["message"],
        "Sandbox is not in a stoppable state"
    );
    let refused = client.get(&format!("/toolbox/{id}/work-dir")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("Is the Sandbox started?"));
    assert_eq!(
        client.post(&path("archive")).await.json()["state"],
        "archived"
    );
    assert_eq!(client.post(&path("start")).await.json()["state"], "started");
    assert_eq!(client.post("/api/sandbox/none/start").await.status, 404);
    assert_eq!(client.get("/toolbox/none/work-dir").await.status, 404);
}

#[tokio::test]
async fn an_ephemeral_sandbox_is_gone_when_it_stops() {
    let (_server, client) = start(plain()).await;
    let id = client.create(json!({ "autoDeleteInterval": 0 })).await;
    let stopped = client.post(&format!("/api/sandbox/{id}/stop")).await;
    assert_eq!(
        (stopped.status, &stopped.json()["state"]),
        (200, &json!("destroying"))
    );
    until_state(&client, &id, "404").await;
}

#[tokio::test]
async fn settings_change_what_they_name() {
    let (_server, client) = start(plain().manual_clock()).await;
    let id = client.create(json!({ "labels": { "old": "1" } })).await;
    let path = |operation: &str| format!("/api/sandbox/{id}/{operation}");
    let labels = client
        .call("PUT", &path("labels"), json!({ "labels": { "new": "2" } }))
        .await;
    assert_eq!(
        (labels.status, labels.json()),
        (200, json!({ "labels": { "new": "2" } }))
    );
    assert_eq!(
        client
            .call("PUT", &path("labels"), json!({ "labels": [] }))
            .await
            .status,
        400
    );
    assert_eq!(
        client.post(&path("autostop/7")).await.json()["autoStopInterval"],
        7
    );
    assert_eq!(
        client.post(&path("autoarchive/0")).await.json()["autoArchiveInterval"],
        43_200
    );
    assert_eq!(
        client.post(&path("autodelete/-5")).await.json()["autoDeleteInterval"],
        -5
    );
    let row = client.post(&path("ttl/10")).await.json();
    assert_eq!(row["autoDestroyAt"], "2027-01-15T08:10:00.000Z");
    assert!(client.post(&path("ttl/0")).await.json()["autoDestroyAt"].is_null());
    for wrong in ["autostop/-1", "autoarchive/-1", "ttl/-1", "autostop/x"] {
        assert_eq!(client.post(&path(wrong)).await.status, 400, "{wrong}");
    }
    assert_eq!(client.post(&path("last-activity")).await.status, 201);
    let url = client.get(&path("toolbox-proxy-url")).await.json();
    assert_eq!(url["url"], format!("http://{}/toolbox", client.authority));
}

#[tokio::test]
async fn a_slow_create_is_creating_until_its_time_has_come() {
    let builder = plain().manual_clock().create_delay(Duration::from_secs(20));
    let (server, client) = start(builder).await;
    let create = client.call("POST", "/api/sandbox", json!({ "name": "slow" }));
    let watch = async {
        until_state(&client, "slow", "creating").await;
        for path in ["/api/sandbox/slow", "/api/sandbox/slow"] {
            let deleted = client.call("DELETE", path, Value::Null).await;
            assert_eq!(deleted.status, 409, "a change is under way");
        }
        assert_eq!(
            client.get("/toolbox/slow/work-dir").await.status,
            404,
            "by id only"
        );
        server.advance(Duration::from_secs(20)).unwrap();
    };
    let (created, ()) = tokio::join!(create, watch);
    // Answered once it is started, with what it was before.
    assert_eq!(
        (created.status, &created.json()["state"]),
        (200, &json!("creating"))
    );
    assert_eq!(client.state("slow").await, "started");
}

#[tokio::test]
async fn an_image_is_built_first_and_may_be_given_up() {
    let builder = plain().manual_clock().create_delay(Duration::from_secs(20));
    let (server, client) = start(builder).await;
    let image = json!({ "buildInfo": { "dockerfileContent": "FROM python:3.12\n" }, "cpu": 2 });
    let row = client
        .call("POST", "/api/sandbox", image.clone())
        .await
        .json();
    let id = row["id"].as_str().unwrap();
    assert_eq!(
        (&row["state"], &row["cpu"], &row["disk"]),
        (&json!("pending_build"), &json!(2), &json!(3))
    );
    assert_eq!(row["buildInfo"]["dockerfileContent"], "FROM python:3.12\n");
    assert!(row["snapshot"].is_null());
    server.advance(Duration::from_secs(10)).unwrap();
    until_state(&client, id, "creating").await;
    server.advance(Duration::from_secs(10)).unwrap();
    until_state(&client, id, "started").await;
    let given_up = client.create(image).await;
    let deleted = client
        .call("DELETE", &format!("/api/sandbox/{given_up}"), Value::Null)
        .await;
    assert_eq!(deleted.status, 200);
    server.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(client.state(&given_up).await, "404");
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
