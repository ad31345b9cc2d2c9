//! Opening and closing.

use super::lab::{Lab, context, ended, failed, refuses_all, sh};
use super::rule::{Check, Rule, ensure, same};
use crate::{ErrorKind, ExecRequest, ExecStatus, NoVars, SandboxExt};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "open-gives-a-working-sandbox",
        "what `open` returns can run a command and keep a file at once",
        "let `open` wait until the sandbox is ready, its working directory included",
        |lab| Box::pin(working(lab)),
    ),
    Rule::new(
        "one-sandbox-per-context",
        "contexts that resolve to the same values share one sandbox",
        "key the cache by the resolved values; `CachingFactory` does",
        |lab| Box::pin(one_per_context(lab)),
    ),
    Rule::new(
        "contexts-apart",
        "contexts that resolve to different values never share a sandbox or a file",
        "put every parameter into the key, and resolve them again for each `open`",
        |lab| Box::pin(contexts_apart(lab)),
    ),
    Rule::new(
        "unresolved-is-typed",
        "a context without a needed variable is refused as `Unresolved`",
        "resolve all parameters before anything else, and pass the error on",
        |lab| Box::pin(unresolved(lab)),
    ),
    Rule::new(
        "handles-own-nothing",
        "a sandbox outlives its handles, until `close`",
        "let dropping a handle do nothing; keep the sandbox in the factory",
        |lab| Box::pin(handles_own_nothing(lab)),
    ),
    Rule::new(
        "info-is-true",
        "`info` and `workdir` tell where commands run, as generation 1 with nothing lost",
        "ask the sandbox for its working directory once, when it is made",
        |lab| Box::pin(info_is_true(lab)),
    ),
    Rule::new(
        "close-ends-handles",
        "after `close`, every call of an old handle fails as `Closed`",
        "mark the `Liveness` of each handle, and check it first in every call",
        |lab| Box::pin(close_ends_handles(lab)),
    ),
    Rule::new(
        "close-starts-anew",
        "an `open` after `close` makes another sandbox, without the old files",
        "empty the cache when `close` begins; a closed factory can be used again",
        |lab| Box::pin(close_starts_anew(lab)),
    ),
    Rule::new(
        "close-again",
        "`close` succeeds when there is nothing to close, as often as it is called",
        "return `Ok` if nothing of the factory's is left",
        |lab| Box::pin(close_again(lab)),
    ),
    Rule::new(
        "close-spares-others",
        "`close` ends the sandboxes of its factory, not those that another one opened",
        "know your own by their names or labels; never remove whatever the account holds",
        |lab| Box::pin(close_spares_others(lab)),
    ),
];

async fn working(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outcome = sandbox.exec(ExecRequest::argv(["echo", "hello"])).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let printed = outcome.stdout().text_lossy();
    same("what it printed", printed.as_str(), "hello\n")?;
    sandbox.put_text("file", "text").await?;
    let content = sandbox.get_text("file").await?;
    same("the file's content", content.as_str(), "text")
}

async fn one_per_context(lab: &Lab) -> Check {
    let first = lab.open().await?;
    first.put_text("file", "text").await?;
    let second = lab.open().await?;
    same(
        "the second open's id",
        second.info().id(),
        first.info().id(),
    )?;
    let content = second.get_text("file").await?;
    same("the file's content", content.as_str(), "text")
}

async fn contexts_apart(lab: &Lab) -> Check {
    let one = lab.open_as("one").await?;
    let two = lab.open_as("two").await?;
    ensure(one.info().id() != two.info().id(), || {
        "two tenants got sandboxes of one id".to_owned()
    })?;
    one.put_text("file", "of one").await?;
    failed(
        "the other tenant's get",
        two.get("file").await,
        &[ErrorKind::NotFound],
    )?;
    two.put_text("file", "of two").await?;
    let content = one.get_text("file").await?;
    same("the first tenant's file", content.as_str(), "of one")?;
    let again = lab.open_as("one").await?;
    same("the first tenant's id", again.info().id(), one.info().id())
}

async fn unresolved(lab: &Lab) -> Check {
    let opened = lab.factory.open(&NoVars).await;
    failed("open without variables", opened, &[ErrorKind::Unresolved])?;
    // It does no harm to those who have theirs.
    lab.factory.open(&context("one")).await?;
    Ok(())
}

async fn handles_own_nothing(lab: &Lab) -> Check {
    let first = lab.open().await?;
    let id = first.info().id().to_owned();
    first.put_text("file", "text").await?;
    drop(first);
    let again = lab.open().await?;
    same(
        "the id after all handles went",
        again.info().id(),
        id.as_str(),
    )?;
    let content = again.get_text("file").await?;
    same("the file's content", content.as_str(), "text")
}

async fn info_is_true(lab: &Lab) -> Check {
    let promised = lab.factory.workdir().map(str::to_owned);
    let sandbox = lab.open().await?;
    let info = sandbox.info();
    ensure(!info.id().is_empty(), || "the id is empty".to_owned())?;
    ensure(!info.name().is_empty(), || "the name is empty".to_owned())?;
    same("the generation", info.generation(), 1)?;
    same("whether state was lost", info.state_lost(), false)?;
    same(
        "the working directory of info",
        info.workdir(),
        sandbox.workdir(),
    )?;
    ensure(sandbox.workdir().starts_with('/'), || {
        format!(
            "the working directory {:?} is not absolute",
            sandbox.workdir()
        )
    })?;
    if let Some(promised) = promised {
        same(
            "the factory's working directory",
            promised.as_str(),
            sandbox.workdir(),
        )?;
    }
    let printed = sh(&*sandbox, "pwd; pwd -P").await?;
    ensure(
        printed.lines().any(|line| line == sandbox.workdir()),
        || {
            let workdir = sandbox.workdir();
            format!("`workdir` is {workdir:?}, commands start in {printed:?}")
        },
    )
}

async fn close_ends_handles(lab: &Lab) -> Check {
    let one = lab.open_as("one").await?;
    let two = lab.open_as("two").await?;
    one.put_text("file", "text").await?;
    lab.factory.close().await?;
    refuses_all(&*one).await?;
    refuses_all(&*two).await
}

async fn close_starts_anew(lab: &Lab) -> Check {
    let old = lab.open().await?;
    old.put_text("file", "text").await?;
    lab.factory.close().await?;
    let new = lab.open().await?;
    ensure(new.info().id() != old.info().id(), || {
        "the sandbox after `close` has the id of the one before".to_owned()
    })?;
    failed(
        "get of an old file",
        new.get("file").await,
        &[ErrorKind::NotFound],
    )?;
    // The old handle does not come back to life with it.
    refuses_all(&*old).await
}

async fn close_again(lab: &Lab) -> Check {
    lab.factory.close().await?;
    lab.open().await?;
    lab.factory.close().await?;
    lab.factory.close().await?;
    Ok(())
}

async fn close_spares_others(lab: &Lab) -> Check {
    let other = (lab.make)();
    let checked = async {
        let theirs = other.open(&context("one")).await?;
        theirs.put_text("file", "text").await?;
        let ours = lab.open().await?;
        lab.factory.close().await?;
        refuses_all(&*ours).await?;
        sh(&*theirs, "true").await?;
        let content = theirs.get_text("file").await?;
        same("the other's file", content.as_str(), "text")?;
        let again = other.open(&context("one")).await?;
        same("the other's id", again.info().id(), theirs.info().id())
    };
    let checked = checked.await;
    let closed = other.close().await;
    checked?;
    Ok(closed?)
}
