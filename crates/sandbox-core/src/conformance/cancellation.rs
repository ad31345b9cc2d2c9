//! Futures that are dropped half-way.

use std::time::Duration;

use super::lab::{Lab, context, failed, poll_then_drop, refuses_all, sh};
use super::rule::{Broken, Check, Rule, same};
use crate::{ErrorKind, ExecRequest, SandboxExt};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "open-dropped",
        "an `open` that is dropped at any point spoils nothing for the next",
        "let creation be a task of the factory's, not of the opener's",
        |lab| Box::pin(open_dropped(lab)),
    ),
    Rule::new(
        "exec-dropped",
        "an `exec` that is dropped leaves a sandbox that runs the next command",
        "keep no state of a command that only its future would put right",
        |lab| Box::pin(exec_dropped(lab)),
    ),
    Rule::new(
        "exec-dropped-ends",
        "the command of an `exec` that is dropped ends by its timeout at the latest",
        "let the timer run where the command does, or kill the command when the future is dropped",
        |lab| Box::pin(exec_dropped_ends(lab)),
    ),
    Rule::new(
        "close-dropped",
        "a `close` that is dropped is finished all the same, or by the next one",
        "let a task of the factory's do the work, which a second `close` joins",
        |lab| Box::pin(close_dropped(lab)),
    ),
];

async fn open_dropped(lab: &Lab) -> Check {
    for times in 0..6 {
        let tenant = format!("tenant {times}");
        let context = context(&tenant);
        poll_then_drop(lab.factory.open(&context), times).await;
        let first = lab.open_as(&tenant).await?;
        let second = lab.open_as(&tenant).await?;
        same(
            "the id of a second open",
            second.info().id(),
            first.info().id(),
        )?;
        sh(&*first, "true").await?;
    }
    Ok(())
}

async fn exec_dropped(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    for times in 0..6 {
        let request = ExecRequest::shell("sleep 20").timeout(Duration::from_secs(25));
        poll_then_drop(sandbox.exec(request), times).await;
        let printed = sh(&*sandbox, "echo next").await?;
        same("what the next command printed", printed.as_str(), "next\n")?;
    }
    sandbox.put_text("file", "text").await?;
    let content = sandbox.get_text("file").await?;
    same("the file's content", content.as_str(), "text")
}

async fn exec_dropped_ends(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "echo x > begun; sleep 4; echo x > survived";
    let request = ExecRequest::shell(line).timeout(Duration::from_secs(2));
    let begun = async {
        while let Err(error) = sandbox.get("begun").await {
            if !error.is_not_found() {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::select! {
        biased;
        begun = begun => begun?,
        ended = sandbox.exec(request) => {
            let ended = ended?;
            return Err(Broken(format!("a command of 4 s ended at once, with {:?}", ended.status())));
        }
    }
    sh(&*sandbox, "sleep 6").await?;
    let survived = sandbox.get("survived").await;
    failed(
        "get of what the command would write later",
        survived,
        &[ErrorKind::NotFound],
    )?;
    Ok(())
}

async fn close_dropped(lab: &Lab) -> Check {
    for times in 0..4 {
        let old = lab.open().await?;
        poll_then_drop(lab.factory.close(), times).await;
        lab.factory.close().await?;
        refuses_all(&*old).await?;
    }
    let new = lab.open().await?;
    sh(&*new, "true").await?;
    Ok(())
}
