//! Commands that are followed while they run.

use std::time::Duration;

use sandbox_core::{
    ErrorKind, ExecEvent, ExecOutcome, ExecRequest, ExecStatus, ExecStream, LocalSandbox, Running,
    Sandbox, SandboxExt,
};

use super::{close, open, own};

async fn all(running: &mut Running) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(ExecEvent {
        stream,
        offset,
        bytes,
        ..
    }) = running.next().await
    {
        let to = match stream {
            ExecStream::Stdout => &mut out,
            ExecStream::Stderr => &mut err,
        };
        assert_eq!(offset, to.len() as u64);
        to.extend_from_slice(&bytes);
    }
    (out, err)
}

async fn begun(sandbox: &LocalSandbox, line: &str) -> Running {
    let line = format!("echo begun; {}", own(line));
    let mut running = sandbox.shell(line).start().await.unwrap();
    assert_eq!(running.next().await.unwrap().bytes, "begun\n");
    running
}

fn ended(outcome: &ExecOutcome, status: ExecStatus) {
    assert_eq!(outcome.status(), status, "{outcome:?}");
}

#[tokio::test]
async fn much_output_arrives_in_order_and_is_kept() {
    let (environment, sandbox) = open().await;
    let line = "seq 300000; seq 200000 >&2; printf '\\377\\0'; exit 4";
    let mut running = sandbox
        .shell(line)
        .output_limit(100, 100)
        .start()
        .await
        .unwrap();
    let (out, err) = all(&mut running).await;
    let outcome = running.wait().await;
    ended(&outcome, ExecStatus::Exited(4));
    assert_eq!(outcome.stdout().total(), out.len() as u64);
    assert_eq!(out.get(out.len() - 9..), Some(&b"300000\n\xff\0"[..]));
    assert_eq!(err.len() as u64, outcome.stderr().total());
    let path = outcome.stdout().spill_path().unwrap();
    assert!(sandbox.read_spill(path, 0..u64::MAX).await.unwrap() == out);
    assert_eq!(sandbox.read_spill(path, 2..4).await.unwrap(), "2\n");
    sandbox.remove_spill(path).await.unwrap();
    sandbox.remove_spill(path).await.unwrap();
    assert!(
        sandbox
            .read_spill(path, 0..1)
            .await
            .unwrap_err()
            .is_not_found()
    );
    for other in ["/etc/passwd", "x", &format!("{path}/../../x"), ".."] {
        let refused = sandbox.read_spill(other, 0..1).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PathEscape, "{other}");
    }
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_the_command_up_but_not_its_timeout() {
    let (environment, sandbox) = open().await;
    let request = ExecRequest::shell("yes").timeout(Duration::from_millis(500));
    let mut running = sandbox.start(request).await.unwrap();
    // the pipe and what waits are full, and the command is killed all the same
    running.next().await.unwrap();
    while running.kill().await.unwrap() {}
    let outcome = running.wait().await;
    ended(&outcome, ExecStatus::Signaled(9));
    let request = ExecRequest::shell("yes").timeout(Duration::from_millis(500));
    let mut running = sandbox.start(request).await.unwrap();
    let (out, _) = all(&mut running).await;
    let outcome = running.wait().await;
    ended(&outcome, ExecStatus::TimedOut);
    assert_eq!(outcome.stdout().total(), out.len() as u64);
    close(environment, sandbox).await;
}

#[tokio::test]
async fn killed_dropped_and_detached() {
    let (environment, sandbox) = open().await;
    let mut running = begun(&sandbox, "setsid sleep 86391 & sleep 86391").await;
    assert!(running.kill().await.unwrap());
    assert!(!running.kill().await.unwrap());
    assert_eq!(running.next().await, None);
    ended(&running.wait().await, ExecStatus::Signaled(9));
    super::none_sleeps("86391").await;

    drop(begun(&sandbox, "setsid sleep 86392 & sleep 86392").await);
    super::none_sleeps("86392").await;

    let waiting = begun(&sandbox, "sleep 86393").await.wait();
    drop(tokio::time::timeout(Duration::from_millis(50), waiting).await);
    super::none_sleeps("86393").await;

    begun(&sandbox, "sleep 0.3; echo x >lives").await.detach();
    while sandbox.get("lives").await.is_err() {}

    let running = sandbox.run(["true"]).start().await.unwrap();
    let missing = sandbox.run(["no-such-program"]).start().await.unwrap();
    ended(&running.wait().await, ExecStatus::Exited(0));
    ended(&missing.wait().await, ExecStatus::Exited(127));

    let running = begun(&sandbox, "sleep 86394").await;
    close(environment, sandbox).await;
    assert!(!running.kill().await.unwrap());
    ended(&running.wait().await, ExecStatus::Lost);
    super::none_sleeps("86394").await;
}
