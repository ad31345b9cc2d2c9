//! How commands end.

use std::time::Duration;

use crate::conformance::lab::{Lab, ended, failed, sh};
use crate::conformance::rule::{Check, ensure, same};
use crate::{ErrorKind, ExecRequest, ExecStatus, SandboxExt};

pub(super) async fn exit_codes(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    for code in [0, 1, 2, 42, 124, 125, 126, 127, 128, 255] {
        let outcome = sandbox.shell(format!("exit {code}")).await?;
        ended(&outcome, ExecStatus::Exited(code))?;
        same("whether it is a success", outcome.success(), code == 0)?;
    }
    Ok(())
}

pub(super) async fn runs_once(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    for (name, end) in [
        ("failed", "exit 1"),
        ("missing", "exit 127"),
        ("killed", "kill -KILL $$"),
        ("slow", "sleep 30"),
    ] {
        let line = format!("echo x >> {name}; {end}");
        let outcome = sandbox.shell(line).timeout(Duration::from_secs(2)).await?;
        ensure(!outcome.success(), || format!("`{end}` was a success"))?;
        let begun = sandbox.get_text(name).await?;
        same(
            "what a command left that was to run once",
            begun.as_str(),
            "x\n",
        )?;
    }
    Ok(())
}

pub(super) async fn signals_told(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    for (name, number) in [("KILL", 9), ("TERM", 15)] {
        let outcome = sandbox.shell(format!("kill -{name} $$")).await?;
        ended(&outcome, ExecStatus::Signaled(number))?;
    }
    Ok(())
}

pub(super) async fn signals_are_not_codes(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    for code in [129, 137, 143] {
        let outcome = sandbox.shell(format!("exit {code}")).await?;
        ended(&outcome, ExecStatus::Exited(code))?;
    }
    Ok(())
}

pub(super) async fn missing_program(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let name = "no-such-program-a1b2";
    let outcome = sandbox.run([name]).await?;
    ended(&outcome, ExecStatus::Exited(127))?;
    let message = outcome.stderr().text_lossy();
    ensure(message.contains(name), || {
        format!("the message {message:?} does not name the program")
    })?;
    sandbox.put_text("plain", "text").await?;
    sh(&*sandbox, "chmod 644 plain").await?;
    ended(&sandbox.run(["./plain"]).await?, ExecStatus::Exited(126))
}

pub(super) async fn timeout_keeps_output(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "echo out; echo err >&2; sleep 30; echo late";
    let outcome = sandbox.shell(line).timeout(Duration::from_secs(1)).await?;
    ended(&outcome, ExecStatus::TimedOut)?;
    same(
        "its output",
        outcome.stdout().text_lossy().as_str(),
        "out\n",
    )?;
    same(
        "its errors",
        outcome.stderr().text_lossy().as_str(),
        "err\n",
    )?;
    ensure(outcome.duration() < Duration::from_secs(25), || {
        format!("it took {:?} to time out after 1 s", outcome.duration())
    })?;
    sh(&*sandbox, "true").await?;
    Ok(())
}

pub(super) async fn timeout_kills_tree(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    // Not every sandbox has setsid.
    let line = "(sleep 2; echo x > child) &
        command -v setsid > found && setsid sh -c 'sleep 2; echo x > session' &
        sleep 30";
    let request = ExecRequest::shell(line).timeout(Duration::from_secs(1));
    ended(&sandbox.exec(request).await?, ExecStatus::TimedOut)?;
    sh(&*sandbox, "sleep 3").await?;
    for path in ["child", "session"] {
        let what = format!("get of what a {path} of a killed command would write");
        failed(&what, sandbox.get(path).await, &[ErrorKind::NotFound])?;
    }
    Ok(())
}

pub(super) async fn background(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "sleep 8 & echo done";
    let outcome = sandbox.shell(line).timeout(Duration::from_secs(5)).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    same(
        "its output",
        outcome.stdout().text_lossy().as_str(),
        "done\n",
    )
}
