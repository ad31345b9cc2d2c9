//! Refusals in every shape that a Daytona server, its daemon and its proxy give them, and what is told of each.
#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use std::fmt::Write as _;

use daytona_api::Error;
use daytona_api::test_util::Scripted;
use serde_json::{Value, json};

use crate::support::scripted;

/// What the server says to a call that is not repeated.
async fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> (Error, usize) {
    let server = Scripted::new().answer(status, headers, body.to_owned());
    let toolbox = scripted(&server)
        .toolbox_at("https://proxy.app.daytona.io/toolbox", "sb-1")
        .unwrap();
    let error = toolbox.process().execute("ls").send().await.unwrap_err();
    (error, server.requests().len())
}

/// The predicates that hold.
fn classes(error: &Error) -> String {
    let all: [(&str, bool); 12] = [
        ("bad_request", error.is_bad_request()),
        ("auth", error.is_auth()),
        ("not_found", error.is_not_found()),
        ("timeout", error.is_timeout()),
        ("conflict", error.is_conflict()),
        ("gone", error.is_gone()),
        ("unprocessable", error.is_unprocessable()),
        ("rate_limited", error.is_rate_limited()),
        ("server_error", error.is_server_error()),
        ("not_daytona", error.is_not_daytona()),
        ("connect", error.is_connect()),
        ("build", error.is_build()),
    ];
    let held = all.iter().filter(|(_, holds)| *holds);
    held.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn each_status_has_its_class() {
    let mut table = String::new();
    for status in [
        400, 401, 402, 403, 404, 408, 409, 410, 412, 413, 418, 422, 429, 500, 501, 502, 503, 504,
        599,
    ] {
        let body = json!({"statusCode": status, "message": "why"}).to_string();
        let (error, requests) = refused(status, &[], &body).await;
        assert_eq!((error.status(), requests), (Some(status), 1));
        assert!(error.may_have_reached_server());
        let _ = writeln!(table, "{status}: {}", classes(&error));
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn each_code_of_the_daemon_is_told() {
    for (status, code) in [
        (400, "BAD_REQUEST"),
        (400, "INVALID_REQUEST_BODY"),
        (400, "INVALID_FILE_PATH"),
        (401, "UNAUTHORIZED"),
        (401, "GIT_AUTH_FAILED"),
        (403, "FORBIDDEN"),
        (403, "FILE_ACCESS_DENIED"),
        (404, "NOT_FOUND"),
        (404, "GIT_REPO_NOT_FOUND"),
        (404, "GIT_BRANCH_NOT_FOUND"),
        (404, "FILE_NOT_FOUND"),
        (404, "PROCESS_NOT_FOUND"),
        (408, "REQUEST_TIMEOUT"),
        (408, "PROCESS_EXECUTION_TIMEOUT"),
        (409, "CONFLICT"),
        (409, "GIT_BRANCH_EXISTS"),
        (409, "GIT_PUSH_REJECTED"),
        (409, "GIT_DIRTY_WORKTREE"),
        (409, "GIT_MERGE_CONFLICT"),
        (409, "RECORDING_STILL_ACTIVE"),
        (410, "GONE"),
        (410, "SESSION_ENDED"),
        (410, "COMMAND_ALREADY_COMPLETED"),
        (422, "UNPROCESSABLE_ENTITY"),
        (422, "GIT_REMOTE_REJECTED"),
        (500, "INTERNAL_SERVER_ERROR"),
        (500, "FILE_READ_FAILED"),
        (500, "LSP_SERVER_NOT_INITIALIZED"),
        (502, "GIT_TRANSPORT_FAILED"),
        (503, "A11Y_UNAVAILABLE"),
        (503, "RECORDING_FFMPEG_NOT_FOUND"),
        (418, "A_CODE_OF_TOMORROW"),
    ] {
        for member in ["code", "error_code"] {
            let body = json!({"message": "why", member: code, "source": "DAYTONA_DAEMON"});
            let (error, _) = refused(status, &[], &body.to_string()).await;
            assert_eq!(error.code(), Some(code));
            assert_eq!(error.source_system(), Some("DAYTONA_DAEMON"));
            assert_eq!(error.status(), Some(status));
        }
    }
}

#[tokio::test]
async fn each_shape_of_a_refusal_is_understood() {
    let cases: [(&str, Value); 9] = [
        (
            "the control plane",
            json!({"path": "/api/sandbox", "timestamp": "2026-01-01T00:00:00Z", "statusCode": 400,
                   "error": "Bad Request", "message": ["cpu must be a number", "disk must be positive"]}),
        ),
        (
            "malformed json",
            json!({"message": "Invalid JSON in request body", "error": "Bad Request", "statusCode": 400}),
        ),
        (
            "the daemon",
            json!({"statusCode": 404, "message": "not found: no such file", "code": "FILE_NOT_FOUND",
                   "timestamp": "x", "path": "/files", "method": "GET", "source": "DAYTONA_DAEMON"}),
        ),
        ("a terminal", json!({"error": "PTY session not found"})),
        (
            "the desktop",
            json!({"message": "cannot start", "details": "no display"}),
        ),
        (
            "a bulk upload",
            json!({"errors": ["a.txt: denied"], "files": []}),
        ),
        ("nothing in it", json!({})),
        ("numbers", json!({"message": 7, "code": 8, "source": 9})),
        ("no object", json!(["why"])),
    ];
    let mut table = String::new();
    for (case, body) in cases {
        let (error, _) = refused(
            400,
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .await;
        let _ = writeln!(
            table,
            "{case}: {error}\n    message {:?}, code {:?}, source {:?}",
            error.message(),
            error.code(),
            error.source_system()
        );
    }
    for (case, body) in [
        ("an empty body", ""),
        ("text", "upstream connect error\r\n"),
        ("half", "{\"message\":"),
    ] {
        let (error, _) = refused(400, &[], body).await;
        let _ = writeln!(table, "{case}: {error}\n    message {:?}", error.message());
    }
    insta::assert_snapshot!(table);
}

/// The status of the answer counts, not what its body says.
#[tokio::test]
async fn a_body_does_not_change_the_status() {
    let body = json!({"statusCode": 404, "message": "why"}).to_string();
    let (error, _) = refused(502, &[], &body).await;
    assert_eq!(error.status(), Some(502));
    assert!(error.is_server_error() && !error.is_not_found());
}
