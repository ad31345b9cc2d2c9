//! f: from the start of a process to its first result.

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_env::DaytonaEnvironment;
use sandbox_core::{ExecRequest, Sandbox};

use crate::floor::Bare;
use crate::measure::{by_turns, report, wall};
use crate::process::{Process, start};

pub(crate) fn run(quick: bool) {
    let server = start(Duration::ZERO, Duration::ZERO, None);
    let once = |kind: &str| wall(|| spawn(&server, kind));
    let rounds = if quick { 3 } else { 25 };
    let both = by_turns(rounds, || once("ours"), || once("floor"));
    report("f. process start to first exec result", both, Some(3.0));
}

fn spawn(server: &Process, kind: &str) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["first", kind, &server.url, &server.token])
        .status()
        .unwrap();
    assert!(status.success());
}

/// One create and one command; the sandbox is left to the end of the server.
pub(crate) fn child(arguments: &[String]) {
    let [_, kind, url, token] = arguments else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if kind == "ours" {
            let environment = DaytonaEnvironment::builder()
                .api_url(url.as_str())
                .api_key(token.as_str())
                .build()
                .unwrap();
            let sandbox = environment.open(&NoVars).await.unwrap();
            let outcome = sandbox
                .exec(ExecRequest::argv(["echo", "ok"]))
                .await
                .unwrap();
            assert_eq!(outcome.stdout().text_lossy(), "ok\n");
        } else {
            let bare = Bare::at(url, token);
            let (_, toolbox) = bare.create().await;
            let body = Bytes::from_static(br#"{"command":"echo ok","timeout":10}"#);
            let answer = bare.execute(&toolbox, &body).await;
            assert_eq!(answer.get("result").and_then(|r| r.as_str()), Some("ok\n"));
        }
    });
}
