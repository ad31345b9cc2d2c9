//! Trouble on the way is never an exit code, and a command is sent at most once.

use sandbox_core::{ErrorKind, ExecStatus, Sandbox as _, SandboxExt as _};
use serde_json::json;

use super::server::{Fault, Server};

/// Runs one command that leaves a trace under a fault; answers its status, whether it ran, and
/// the kind of the cause.
async fn under(server: &Server, fault: Fault) -> (ExecStatus, bool, Option<ErrorKind>) {
    let before = server.executions();
    server.fault(fault);
    let trace = server.workdir.path().join("trace");
    let _ = std::fs::remove_file(&trace);
    let outcome = server.sandbox().run(["touch", "trace"]).await.unwrap();
    assert!(server.executions() <= before + 3, "sent too often");
    let kind = outcome.cause().map(sandbox_core::Error::kind);
    (outcome.status(), trace.exists(), kind)
}

fn message(text: &str) -> serde_json::Value {
    json!({"statusCode": 0, "message": text})
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_not_sent_again() {
    let server = Server::new();
    let (status, ran, kind) = under(&server, Fault::Lost).await;
    assert_eq!((status, ran), (ExecStatus::Unknown, true));
    assert_eq!(kind, Some(ErrorKind::Unavailable));
    assert_eq!(server.executions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cut_or_foreign_answer_is_unknown() {
    let server = Server::new();
    for fault in [
        Fault::Cut(10),
        Fault::Answer(200, json!({"exitCode": 0, "result": ""})),
        Fault::Answer(200, json!({"exitCode": 0, "result": "ok 0 0\n"})),
        Fault::Answer(200, json!({"exitCode": -1, "result": ""})),
        Fault::Text(200, "<html>"),
        Fault::Text(502, "<html>bad gateway</html>"),
        Fault::Answer(500, message("internal server error")),
    ] {
        let before = server.executions();
        let (status, _, kind) = under(&server, fault.clone()).await;
        assert_eq!(status, ExecStatus::Unknown, "{fault:?}");
        assert!(kind.is_some());
        assert_eq!(server.executions(), before + 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_means_not_started() {
    let server = Server::new();
    for (fault, wanted) in [
        (
            Fault::Answer(400, message("bad request: x")),
            ErrorKind::InvalidInput,
        ),
        (Fault::Answer(401, message("unauthorized")), ErrorKind::Auth),
        (Fault::Answer(403, message("forbidden")), ErrorKind::Auth),
        (
            Fault::Answer(404, message("not found")),
            ErrorKind::NotFound,
        ),
        (
            Fault::Answer(429, message("slow down")),
            ErrorKind::RateLimited,
        ),
        (
            Fault::Answer(
                200,
                json!({"exitCode": -1, "result": "fork/exec /bin/sh: no such file"}),
            ),
            ErrorKind::Unsupported,
        ),
    ] {
        let (status, ran, kind) = under(&server, fault.clone()).await;
        assert_eq!((status, ran), (ExecStatus::NotStarted, false), "{fault:?}");
        assert_eq!(kind, Some(wanted), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_sent_means_not_started() {
    let server = Server::new();
    // Every try fails before a byte is sent, so trying again cannot run it twice.
    for _ in 0..2 {
        server.fault(Fault::Unsent);
    }
    let (status, ran, kind) = under(&server, Fault::Unsent).await;
    assert_eq!(
        (status, ran, kind),
        (ExecStatus::NotStarted, false, Some(ErrorKind::Unavailable))
    );
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_limit_is_a_timeout() {
    let server = Server::new();
    let fault = Fault::Answer(408, message("request timeout: command execution timeout"));
    let (status, _, kind) = under(&server, fault).await;
    assert_eq!(
        (status, kind),
        (ExecStatus::TimedOut, Some(ErrorKind::Timeout))
    );
    assert_eq!(server.executions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vanished_sandbox_is_lost_for_every_later_call() {
    for fault in [
        Fault::Lost,
        Fault::Answer(404, message("not found")),
        Fault::Answer(400, message("bad request: sandbox not found")),
        Fault::Text(502, "<html>"),
    ] {
        for row in ["", "destroyed", "destroying"] {
            let server = Server::new();
            let sandbox = server.sandbox();
            server.fault(fault.clone());
            server.state().sandbox = row;
            let outcome = sandbox.run(["true"]).await.unwrap();
            assert_eq!(outcome.status(), ExecStatus::Lost, "{fault:?} {row}");
            assert!(outcome.cause().unwrap().is_lost());
            let sent = server.state().log.len();
            assert!(sandbox.run(["true"]).await.unwrap_err().is_lost());
            assert!(sandbox.get("a").await.unwrap_err().is_lost());
            assert!(sandbox.list(".").await.unwrap_err().is_lost());
            assert_eq!(server.state().log.len(), sent, "asked again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_control_plane_is_not_gone() {
    let server = Server::new();
    server.state().down = true;
    let sandbox = server.sandbox();
    server.fault(Fault::Answer(404, message("not found")));
    assert_eq!(
        sandbox.run(["true"]).await.unwrap().status(),
        ExecStatus::NotStarted
    );
    assert_eq!(
        sandbox.run(["true"]).await.unwrap().status(),
        ExecStatus::Exited(0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_sandbox_is_named() {
    let server = Server::new();
    server.state().sandbox = "stopped";
    let sandbox = server.sandbox();
    server.fault(Fault::Answer(
        400,
        message("bad request: Is the Sandbox started?"),
    ));
    let outcome = sandbox.run(["true"]).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted);
    let cause = outcome.cause().unwrap();
    assert_eq!(
        cause.to_string(),
        "exec: the sandbox is not running, it is stopped"
    );
    assert_eq!(cause.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_and_a_missing_sandbox_are_told_apart() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let error = sandbox.get("none.txt").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "get: there is no \"none.txt\" in the sandbox"
    );
    assert!(error.is_not_found());
    sandbox.remove("none.txt").await.unwrap();
    server.state().sandbox = "";
    assert!(sandbox.remove("none.txt").await.unwrap_err().is_lost());
}
