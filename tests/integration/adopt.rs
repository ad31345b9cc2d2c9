//! Whatever the answer to a create was, what it made is adopted or deleted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use context_vars::NoVars;
use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, Sandbox};

use crate::support::{left, on, seen, server, start, until};

/// A healthy sandbox was made: it is the one that is used, from a snapshot and from an image.
async fn adopted(fault: fn(Fault) -> Fault) {
    for image in [None, Some("python:3.12")] {
        let server = start(server()).await;
        let struck = server.faults().inject(fault(Fault::on(&CREATE_SANDBOX)));
        let mut builder = on(&server);
        if let Some(image) = image {
            builder = builder.image(image);
        }
        let environment = builder.build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        assert_eq!(struck.hits(), 1);
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(alive, [sandbox.id()], "one sandbox, and it is this");
        assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
        let outcome = sandbox
            .exec(ExecRequest::argv(["echo", "hi"]))
            .await
            .unwrap();
        assert_eq!(outcome.stdout().text_lossy(), "hi\n");
        environment.close().await.unwrap();
        assert_eq!(left(&server), []);
    }
}

#[tokio::test]
async fn a_reply_cut_by_a_reset() {
    adopted(Fault::reset_after_commit).await;
}

#[tokio::test]
async fn a_connection_closed_without_a_reply() {
    adopted(Fault::close_after_commit).await;
}

#[tokio::test]
async fn a_reply_cut_in_its_body() {
    adopted(|fault| fault.cut_body(20)).await;
}

#[tokio::test]
async fn a_502_of_a_proxy() {
    adopted(|fault| fault.answer_after_commit(502, "<html><body>Bad Gateway</body></html>")).await;
}

#[tokio::test]
async fn a_500() {
    adopted(|fault| fault.answer_after_commit(500, r#"{"statusCode":500,"message":"oops"}"#)).await;
}

#[tokio::test]
async fn a_400_over_a_healthy_row() {
    adopted(|fault| {
        fault.answer_after_commit(
            400,
            r#"{"statusCode":400,"message":"Sandbox failed to start: timeout"}"#,
        )
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_comes_after_its_connection_died_is_not_doubled() {
    let server = start(server()).await;
    let late = std::time::Duration::from_secs(2);
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).commit_late(late));
    let environment = on(&server).build().unwrap();
    let opened = crate::support::pass(&server, environment.open(&NoVars)).await;
    let sandbox = opened.unwrap();
    let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
    assert_eq!(alive, [sandbox.id()]);
    crate::support::pass(&server, environment.close())
        .await
        .unwrap();
    assert_eq!(left(&server), []);
}

/// A start that failed leaves a row: it is deleted, and the open tells the reason.
async fn refused(image: Option<&str>) {
    let server = start(server()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state("no space left on the runner"));
    let mut builder = on(&server);
    if let Some(image) = image {
        builder = builder.image(image);
    }
    let environment = builder.build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(
        error.to_string().contains("no space left on the runner"),
        "{error}"
    );
    assert_eq!(
        server.sandboxes().len(),
        1,
        "there was a row to be deleted: {:?}",
        server.sandboxes()
    );
    // the open had it deleted, not the close
    until("the row is gone", || left(&server).is_empty()).await;
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
    // it was the fault, not the environment
    environment.open(&NoVars).await.unwrap();
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn a_400_over_an_error_row() {
    refused(None).await;
}

#[tokio::test]
async fn a_build_that_fails() {
    refused(Some("python:3.12")).await;
}
