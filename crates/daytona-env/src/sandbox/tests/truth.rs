//! What comes of commands that run.

use std::time::Duration;

use sandbox_core::{ErrorKind, ExecRequest, ExecStatus, Sandbox as _, SandboxExt as _};

use super::server::Server;

#[tokio::test]
async fn one_request_and_the_whole_truth() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let request = ExecRequest::shell("printf \"$A|$PWD\"; cat; printf '\\377' >&2; exit 3")
        .env("A", "canary-value")
        .stdin("input");
    let outcome = sandbox.exec(request).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(3));
    let workdir = server.workdir.path().to_str().unwrap();
    assert_eq!(
        outcome.stdout().text_lossy(),
        format!("canary-value|{workdir}input")
    );
    assert_eq!(outcome.stderr().to_bytes(), &b"\xff"[..]);
    assert!(outcome.cause().is_none());
    assert_eq!(server.state().log, ["POST /toolbox/sb-1/process/execute"]);
    let call = server.state().executed.clone();
    assert_eq!(call["timeout"], 70);
    assert_eq!(call["envs"], serde_json::json!({"A": "canary-value"}));
    assert!(!call["command"].as_str().unwrap().contains("canary-value"));
}

#[tokio::test]
async fn ends_by_signal_and_by_the_limit() {
    let sandbox = Server::new().sandbox();
    let outcome = sandbox.shell("kill -9 $$").await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Signaled(9));
    let limit = Duration::from_millis(300);
    let outcome = sandbox
        .shell("echo part; sleep 30")
        .timeout(limit)
        .await
        .unwrap();
    assert_eq!(outcome.status(), ExecStatus::TimedOut);
    assert_eq!(outcome.stdout().text_lossy(), "part\n");
    assert_eq!(outcome.to_result().exit_code, 124);
}

#[tokio::test]
async fn a_missing_program_is_127_with_the_shells_words() {
    let sandbox = Server::new().sandbox();
    let outcome = sandbox.run(["no-such-program"]).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(127));
    assert!(outcome.stderr().text_lossy().contains("not found"));
}

#[tokio::test]
async fn a_missing_directory_means_not_started() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let outcome = sandbox.run(["touch", "made"]).cwd("no/such").await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted);
    let cause = outcome.cause().unwrap();
    assert_eq!(cause.kind(), ErrorKind::InvalidInput);
    let workdir = server.workdir.path().display();
    let wanted = format!("exec: working directory does not exist: \"{workdir}/no/such\"");
    assert_eq!(cause.to_string(), wanted);
}

#[tokio::test]
async fn large_output_is_cut_and_named() {
    let sandbox = Server::new().sandbox();
    let outcome = sandbox
        .shell("seq 1 200000")
        .output_limit(10, 7)
        .await
        .unwrap();
    let out = outcome.stdout();
    assert_eq!((out.total(), out.truncated()), (1_288_895, true));
    assert_eq!(
        (&out.head()[..], &out.tail()[..]),
        (&b"1\n2\n3\n4\n5\n"[..], &b"200000\n"[..])
    );
    let path = out.spill_path().unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), 1_288_895);
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn bad_requests_are_errors_and_send_nothing() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let no_words: [&str; 0] = [];
    for request in [
        ExecRequest::argv(no_words),
        ExecRequest::argv(["a\0b"]),
        ExecRequest::argv(["a"]).env("A-B", "x"),
        ExecRequest::argv(["a"]).timeout(Duration::ZERO),
    ] {
        let error = sandbox.exec(request).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
    for path in ["../x", "/etc/passwd", "a\0", ""] {
        assert!(
            sandbox.get(path).await.unwrap_err().is_invalid_input(),
            "{path:?}"
        );
        assert!(
            sandbox.remove(path).await.unwrap_err().is_invalid_input(),
            "{path:?}"
        );
    }
    assert!(
        sandbox
            .read_spill("/etc/passwd", 0..9)
            .await
            .unwrap_err()
            .is_invalid_input()
    );
    assert!(server.state().log.is_empty());
}

#[tokio::test]
async fn the_handle_says_which_and_shows_no_secret() {
    let sandbox = Server::new().sandbox();
    let info = sandbox.info();
    assert_eq!((info.id(), info.name()), ("sb-1", "denv-1"));
    assert_eq!((info.generation(), info.state_lost()), (2, true));
    assert_eq!(
        (sandbox.reference().id(), sandbox.reference().generation()),
        ("sb-1", 2)
    );
    assert!(!format!("{sandbox:?}").contains("canary"));
}
