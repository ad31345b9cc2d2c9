//! Commands that are followed while they run. A sandbox that refuses to start them has run nothing.

use std::time::Duration;

use crate::conformance::lab::{Lab, ended, failed, sh};
use crate::conformance::rule::{Broken, Check, ensure, same};
use crate::{ErrorKind, ExecRequest, ExecStatus, ExecStream, Running, Sandbox, SandboxExt};

/// Ends what would hang.
const LIMIT: Duration = Duration::from_secs(30);

async fn start(sandbox: &dyn Sandbox, line: &str) -> Result<Option<Running>, Broken> {
    let request = ExecRequest::shell(line).timeout(LIMIT);
    match sandbox.start(request).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        started => Ok(Some(started?)),
    }
}

/// Reads until each stream is as wanted, or has no more.
async fn read(running: &mut Running, out: &[u8], err: &[u8]) -> Check {
    let (mut found_out, mut found_err) = (Vec::new(), Vec::new());
    while found_out.len() < out.len() || found_err.len() < err.len() {
        let Some(event) = running.next().await else {
            break;
        };
        let found = match event.stream {
            ExecStream::Stdout => &mut found_out,
            ExecStream::Stderr => &mut found_err,
        };
        same("the offset of a piece", event.offset, found.len() as u64)?;
        found.extend_from_slice(&event.bytes);
    }
    let size = |bytes: &[u8]| format!("{} bytes", bytes.len());
    ensure(found_out == out && found_err == err, || {
        format!(
            "the pieces are {} of standard output and {} of standard error, or others, wanted {} and {}",
            size(&found_out),
            size(&found_err),
            size(out),
            size(err)
        )
    })
}

async fn exists(sandbox: &dyn Sandbox, path: &str) -> Result<bool, Broken> {
    match sandbox.get(path).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn live(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line =
        "echo x >ran; printf live; printf oh >&2; while ! [ -e go ]; do sleep 0.1; done; exit 3";
    let Some(mut running) = start(&*sandbox, line).await? else {
        let ran = exists(&*sandbox, "ran").await?;
        return same("whether a refused command ran", ran, false);
    };
    read(&mut running, b"live", b"oh").await?;
    sandbox.put_text("go", "").await?;
    ensure(running.next().await.is_none(), || {
        "there is more than the command wrote".to_owned()
    })?;
    let outcome = running.wait().await;
    ended(&outcome, ExecStatus::Exited(3))?;
    let out = outcome.stdout().text_lossy();
    same("the output in the outcome", out.as_str(), "live")
}

pub(super) async fn exact(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line =
        "i=1; while [ $i -le 20000 ]; do echo $i; i=$((i+1)); done; printf '\\377\\000 ' >&2";
    let Some(mut running) = start(&*sandbox, line).await? else {
        return Ok(());
    };
    let numbers: String = (1..=20_000).map(|at| format!("{at}\n")).collect();
    read(&mut running, numbers.as_bytes(), b"\xff\0 ").await?;
    ended(&running.wait().await, ExecStatus::Exited(0))
}

const TREE: &str = "(sleep 2; echo x >child) & \
    command -v setsid >found && setsid sh -c 'sleep 2; echo x >session' & \
    printf begun; sleep 2; echo x >self; sleep 30";

async fn nothing_written(sandbox: &dyn Sandbox) -> Check {
    sh(sandbox, "sleep 3").await?;
    for path in ["child", "session", "self"] {
        let what = format!("get of what a {path} of a killed command would write");
        failed(&what, sandbox.get(path).await, &[ErrorKind::NotFound])?;
    }
    Ok(())
}

pub(super) async fn killed(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let Some(mut running) = start(&*sandbox, TREE).await? else {
        return Ok(());
    };
    read(&mut running, b"begun", b"").await?;
    same("whether it was alive", running.kill().await?, true)?;
    same("whether it was alive still", running.kill().await?, false)?;
    nothing_written(&*sandbox).await?;
    let outcome = running.wait().await;
    ended(&outcome, ExecStatus::Signaled(9))?;
    let out = outcome.stdout().text_lossy();
    same("what it had written", out.as_str(), "begun")
}

pub(super) async fn dropped(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let Some(mut running) = start(&*sandbox, TREE).await? else {
        return Ok(());
    };
    read(&mut running, b"begun", b"").await?;
    drop(running);
    nothing_written(&*sandbox).await
}

pub(super) async fn detached(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "printf begun; sleep 1; echo x >lives";
    let Some(mut running) = start(&*sandbox, line).await? else {
        return Ok(());
    };
    read(&mut running, b"begun", b"").await?;
    running.detach();
    sh(&*sandbox, "sleep 3").await?;
    let lives = exists(&*sandbox, "lives").await?;
    same("whether a detached command went on", lives, true)
}

pub(super) async fn spill(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outcome = sandbox
        .shell("printf 0123456789")
        .output_limit(1, 1)
        .await?;
    let Some(path) = outcome.stdout().spill_path() else {
        return Ok(());
    };
    let part = match sandbox.read_spill(path, 3..7).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
        part => part?,
    };
    same("bytes 3 to 7 of it", &part[..], b"3456")?;
    let end = sandbox.read_spill(path, 8..100).await?;
    same("what is from byte 8 on", &end[..], b"89")?;
    sandbox.remove_spill(path).await?;
    let gone = sandbox.read_spill(path, 0..1).await;
    failed("a read of a removed one", gone, &[ErrorKind::NotFound])?;
    sandbox.remove_spill(path).await?;
    Ok(())
}
