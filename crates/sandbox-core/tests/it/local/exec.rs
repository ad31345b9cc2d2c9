//! Commands of this host.

use std::time::Duration;

use sandbox_core::{
    ErrorKind, ExecRequest, ExecStatus, LocalEnvironment, NoVars, Sandbox, SandboxExt,
};

use super::{close, open, own, sleepers};

#[tokio::test]
async fn the_ends_of_commands_are_told_apart() {
    let (environment, sandbox) = open().await;
    let cases = [
        ("exit 0", ExecStatus::Exited(0)),
        ("exit 3", ExecStatus::Exited(3)),
        ("exit 255", ExecStatus::Exited(255)),
        ("kill -9 $$", ExecStatus::Signaled(9)),
        ("kill -TERM $$", ExecStatus::Signaled(15)),
        ("./nothing-here", ExecStatus::Exited(127)),
    ];
    for (line, status) in cases {
        let outcome = sandbox.shell(line).await.unwrap();
        assert_eq!(outcome.status(), status, "{line}");
    }
    let outcome = sandbox.run(["nope-xyz"]).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(127));
    assert_eq!(outcome.stderr().text_lossy(), "nope-xyz: not found\n");
    sandbox.put_text("plain", "text").await.unwrap();
    let outcome = sandbox.run(["./plain"]).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(126));
    assert_eq!(
        outcome.stderr().text_lossy(),
        "./plain: permission denied\n"
    );
    let huge = "x".repeat(8 * 1024 * 1024);
    let outcome = sandbox.run(["echo", &huge]).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted);
    assert!(outcome.cause().is_some());
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_timeout_keeps_the_output_and_kills_a_child_in_a_session_of_its_own() {
    let (environment, sandbox) = open().await;
    let outcome = sandbox
        .shell(own(
            "setsid sleep 86399 & sleep 86398 & printf early; sleep 86397",
        ))
        .timeout(Duration::from_millis(300))
        .await
        .unwrap();
    assert_eq!(outcome.status(), ExecStatus::TimedOut);
    assert_eq!(outcome.stdout().text_lossy(), "early");
    for word in ["86399", "86398", "86397"] {
        assert_eq!(sleepers(word), 0, "sleep {word}");
    }
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_dropped_call_kills_its_command() {
    let (environment, sandbox) = open().await;
    let call = sandbox.shell(own("touch started; setsid sleep 86396 & sleep 86395"));
    let mut call = call.into_future();
    loop {
        tokio::select! {
            biased;
            _ = &mut call => unreachable!("it sleeps for a day"),
            found = sandbox.get("started") => if found.is_ok() { break },
        }
    }
    drop(call);
    assert_eq!(sleepers("86395"), 0);
    assert_eq!(sleepers("86396"), 0);
    close(environment, sandbox).await;
}

#[tokio::test]
async fn what_a_command_leaves_running_lives_until_close() {
    let (environment, sandbox) = open().await;
    let line =
        "(while sleep 0.01; do echo tick; echo x >> ticks; done) & setsid sleep 86394 & echo left";
    let outcome = sandbox.shell(own(line)).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(0));
    let printed = outcome.stdout().text_lossy();
    assert!(printed.lines().any(|line| line == "left"), "{printed}");
    // It goes on, and is not stopped by a closed pipe.
    let line = "before=$(wc -c < ticks); while [ $(wc -c < ticks) -le $((before + 8)) ]; do sleep 0.01; done";
    assert!(sandbox.shell(line).await.unwrap().success());
    assert_eq!(sleepers("86394"), 1);
    close(environment, sandbox).await;
    assert_eq!(sleepers("86394"), 0);
}

#[tokio::test]
async fn output_is_bounded_and_the_whole_is_kept_aside() {
    let (environment, sandbox) = open().await;
    let outcome = sandbox
        .shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
        .output_limit(7, 11)
        .await
        .unwrap();
    let out = outcome.stdout();
    assert_eq!(&out.head()[..], b"line 0\n");
    assert_eq!(&out.tail()[..], b"line 19999\n");
    let all: String = (0..20000).map(|at| format!("line {at}\n")).collect();
    assert_eq!(out.total(), all.len() as u64);
    let spill = out.spill_path().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&spill).unwrap(), all);
    assert!(!spill.starts_with(sandbox.workdir()));
    // What fits in both is complete, to the byte, and needs no file.
    for (head, tail) in [(4, 3), (7, 0), (0, 7), (100, 100)] {
        let outcome = sandbox
            .shell("printf abc; printf '\\377def'")
            .output_limit(head, tail);
        let outcome = outcome.await.unwrap();
        assert_eq!(&outcome.stdout().to_bytes()[..], b"abc\xffdef");
        assert!(!outcome.stdout().truncated());
        assert_eq!(outcome.stdout().spill_path(), None);
    }
    close(environment, sandbox).await;
    assert!(!std::path::Path::new(&spill).exists());
}

#[tokio::test]
async fn the_environment_of_this_process_is_kept_from_commands() {
    // Cargo sets it for every test.
    let name = "CARGO_MANIFEST_DIR";
    let line = format!("printf '%s|%s|%s' \"${name}\" \"$HOME\" \"$A\"");
    let builder = || LocalEnvironment::builder().env_var("A", "1");
    let environment = builder().build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let text = |outcome: sandbox_core::ExecOutcome| outcome.stdout().text_lossy();
    let home = sandbox.workdir().to_owned();
    assert_eq!(
        text(sandbox.shell(&line).await.unwrap()),
        format!("|{home}|1")
    );
    let per_call = sandbox.shell(&line).env("A", "2").env("HOME", "/x");
    assert_eq!(text(per_call.await.unwrap()), "|/x|2");
    close(environment, sandbox).await;

    let environment = builder().inherit_env().build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let seen = text(sandbox.shell(&line).await.unwrap());
    assert!(seen.starts_with(env!("CARGO_MANIFEST_DIR")), "{seen}");
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_command_need_not_read_its_input() {
    let (environment, sandbox) = open().await;
    let megabyte = vec![b'x'; 1 << 20];
    assert!(
        sandbox
            .run(["true"])
            .stdin(megabyte.clone())
            .await
            .unwrap()
            .success()
    );
    let counted = sandbox.run(["wc", "-c"]).stdin(megabyte).await.unwrap();
    assert_eq!(counted.stdout().text_lossy().trim(), "1048576");
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_missing_directory_is_not_a_missing_program() {
    let (environment, sandbox) = open().await;
    let error = sandbox
        .exec(ExecRequest::argv(["true"]).cwd("nowhere"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("directory"));
    close(environment, sandbox).await;
}
