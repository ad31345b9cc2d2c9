//! Faults: what was done, and what the client sees of it.

use std::time::Duration;

use daytona_api::routes::{control_plane as routes, toolbox};
use daytona_local::Fault;
use jiff::SignedDuration;
use serde_json::json;

use super::client::{create, get, minutes, named, send, server, server_with, state, try_send};
use crate::support::until;

fn existing(server: &daytona_local::Server) -> usize {
    server.sandboxes().iter().filter(|row| row.exists()).count()
}

#[tokio::test]
async fn an_answer_instead_of_the_work() {
    let server = server().await;
    let fault = server.faults().inject(
        Fault::on(&routes::CREATE_SANDBOX)
            .answer(503, r#"{"message":"busy"}"#)
            .header("Retry-After", "7")
            .times(2),
    );
    for _ in 0..2 {
        let answer = send(&server, "POST", "/api/sandbox", Some(json!({}))).await;
        assert_eq!((answer.status, answer.message().as_str()), (503, "busy"));
        assert_eq!(answer.header("retry-after"), "7");
    }
    create(&server, json!({})).await;
    assert_eq!((fault.hits(), existing(&server)), (2, 1));
}

#[tokio::test]
async fn the_answer_is_lost_but_the_work_is_done() {
    for fault in [
        Fault::on(&routes::CREATE_SANDBOX).reset_after_commit(),
        Fault::on(&routes::CREATE_SANDBOX).close_after_commit(),
        Fault::on(&routes::CREATE_SANDBOX).cut_body(10),
    ] {
        let server = server().await;
        server.faults().inject(fault);
        let lost = try_send(
            &server,
            "POST",
            "/api/sandbox",
            Some(json!({ "name": "x" })),
        )
        .await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(state(&server, "x").await, "started");
        let again = send(
            &server,
            "POST",
            "/api/sandbox",
            Some(json!({ "name": "x" })),
        )
        .await;
        assert_eq!(again.status, 409);
    }
}

#[tokio::test]
async fn an_error_is_answered_although_the_work_is_done() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).answer_after_commit(502, "<html>bad gateway"));
    let answer = send(
        &server,
        "POST",
        "/api/sandbox",
        Some(json!({ "name": "x" })),
    )
    .await;
    assert_eq!(answer.status, 502);
    assert_eq!(state(&server, "x").await, "started");
}

#[tokio::test]
async fn a_reset_before_the_work_leaves_nothing() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).reset_before_commit());
    let lost = try_send(&server, "POST", "/api/sandbox", Some(json!({}))).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(existing(&server), 0);
    let record = &server.requests_to(&routes::CREATE_SANDBOX)[0];
    assert_eq!((record.status, record.ended.is_some()), (None, true));
}

#[tokio::test]
async fn a_request_may_be_worked_on_long_after_its_connection_is_gone() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).commit_late(minutes(2)));
    let lost = try_send(
        &server,
        "POST",
        "/api/sandbox",
        Some(json!({ "name": "late" })),
    )
    .await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(state(&server, "late").await, "404");
    server.advance(minutes(2)).unwrap();
    while state(&server, "late").await == "404" {
        tokio::task::yield_now().await;
    }
    assert_eq!(state(&server, "late").await, "started");
}

#[tokio::test]
async fn a_create_may_never_end_or_end_badly() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).stuck());
    assert_eq!(
        create(&server, json!({ "name": "stuck" })).await["state"],
        "creating"
    );
    server.advance(minutes(10)).unwrap();
    assert_eq!(state(&server, "stuck").await, "creating");
    assert_eq!(
        send(&server, "DELETE", "/api/sandbox/stuck", None)
            .await
            .status,
        409
    );

    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).error_state("no space"));
    let answer = send(
        &server,
        "POST",
        "/api/sandbox",
        Some(json!({ "name": "bad" })),
    )
    .await;
    assert_eq!(
        (answer.status, answer.message()),
        (400, "Sandbox failed to start: no space".into())
    );
    let row = get(&server, "/api/sandbox/bad").await.json();
    assert_eq!(
        (&row["state"], &row["errorReason"]),
        (&json!("error"), &json!("no space"))
    );

    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).error_state("no such image"));
    create(
        &server,
        json!({ "name": "image", "buildInfo": { "dockerfileContent": "FROM x" } }),
    )
    .await;
    assert_eq!(state(&server, "image").await, "build_failed");
    assert_eq!(
        send(&server, "DELETE", "/api/sandbox/image", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_create_may_end_badly_only_later() {
    let server = server_with(|builder| builder.create_delay(minutes(1))).await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).error_state_later("out of memory"));
    assert_eq!(
        create(&server, json!({ "name": "x" })).await["state"],
        "creating"
    );
    assert_eq!(state(&server, "x").await, "creating");
    server.advance(minutes(1)).unwrap();
    assert_eq!(state(&server, "x").await, "error");
}

#[tokio::test]
async fn members_of_an_answer_can_be_missing_or_wrong() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).drop_fields(["autoDeleteInterval", "kvm"]));
    let sandbox = create(&server, json!({ "autoDeleteInterval": 0 })).await;
    assert!(sandbox.get("autoDeleteInterval").is_none() && sandbox.get("kvm").is_none());
    assert_eq!(sandbox["state"], "started");
    server
        .faults()
        .inject(Fault::on(&routes::GET_SANDBOX).set_fields([("state", json!("hibernating"))]));
    let id = sandbox["id"].as_str().unwrap();
    assert_eq!(state(&server, id).await, "hibernating");
    assert_eq!(state(&server, id).await, "started");
}

#[tokio::test]
async fn faults_are_counted_not_drawn() {
    let server = server().await;
    let third = server
        .faults()
        .inject(Fault::on(&routes::GET_SANDBOX).answer(500, "{}").nth(3));
    let named = server.faults().inject(
        Fault::any()
            .answer(418, "{}")
            .always()
            .matching(|request| request.path.ends_with("/tea")),
    );
    let mut seen = Vec::new();
    for path in ["a", "b", "tea", "c", "tea", "d"] {
        seen.push(get(&server, &format!("/api/sandbox/{path}")).await.status);
    }
    assert_eq!(seen, [404, 404, 500, 404, 418, 404]);
    assert_eq!((third.hits(), named.hits()), (1, 1));
    server.faults().clear();
    assert_eq!(get(&server, "/api/sandbox/tea").await.status, 404);
}

#[tokio::test]
async fn a_sandbox_can_vanish_or_stop_behind_its_owners_back() {
    let server = server().await;
    let id = named(&server, "x").await;
    let path = format!("/toolbox/{id}/process/execute");
    let exec = || async { send(&server, "POST", &path, Some(json!({ "command": "true" }))).await };
    assert!(server.force_stop("x").await);
    assert_eq!(
        (state(&server, "x").await.as_str(), exec().await.status),
        ("stopped", 400)
    );
    send(&server, "POST", "/api/sandbox/x/start", None).await;
    assert_eq!(exec().await.status, 200);
    server
        .faults()
        .inject(Fault::on(&toolbox::EXECUTE_COMMAND).vanish());
    assert_eq!(exec().await.status, 404);
    assert_eq!(state(&server, &id).await, "404");
    assert!(!server.vanish("x").await);
    assert!(!server.force_stop("x").await);
}

#[tokio::test]
async fn what_hangs_hangs_until_the_client_gives_up() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::GET_SANDBOX).hang());
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).hang_after_commit());
    let soon = Duration::from_millis(50);
    let hanging = tokio::time::timeout(soon, get(&server, "/api/sandbox/x")).await;
    assert!(hanging.is_err());
    let body = Some(json!({ "name": "x" }));
    let hanging = tokio::time::timeout(soon, send(&server, "POST", "/api/sandbox", body)).await;
    assert!(hanging.is_err());
    assert_eq!(state(&server, "x").await, "started");
}

#[tokio::test]
async fn an_answer_can_be_late_in_the_servers_time() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).delay(minutes(5)));
    let began = server.clock().now();
    let request = get(&server, "/api/sandbox");
    tokio::pin!(request);
    let asked = until("it was asked", || !server.requests().is_empty());
    tokio::select! {
        _ = &mut request => panic!("it is late"),
        () = asked => {}
    }
    // the delay begins at some time after the request was noted
    let later = async {
        loop {
            server.advance(minutes(1)).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = &mut request => assert_eq!(answer.status, 200),
        () = later => {}
    }
    let passed = server.clock().now().duration_since(began);
    assert!(passed >= SignedDuration::from_mins(5), "{passed:?}");
}
