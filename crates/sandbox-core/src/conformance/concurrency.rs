//! Many at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::lab::{Lab, all, context, failed, refuses_all, sh};
use super::rule::{Broken, Check, Rule, ensure, same};
use crate::{ErrorKind, Sandbox, SandboxExt, SandboxFactory};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "single-flight",
        "openers of one context who come at the same time share one creation",
        "let the first of them create and the others wait for it",
        |lab| Box::pin(single_flight(lab)),
    ),
    Rule::new(
        "keys-at-once",
        "openers of different contexts who come at the same time each get their own",
        "pass what was resolved along with the call, never through the factory",
        |lab| Box::pin(keys_at_once(lab)),
    ),
    Rule::new(
        "commands-at-once",
        "commands of one sandbox run at the same time, each with its own end and output",
        "give each command its own process and its own files",
        |lab| Box::pin(commands_at_once(lab)),
    ),
    Rule::new(
        "files-at-once",
        "files of one sandbox can be written and read at the same time, in new directories too",
        "give each call its own connection and its own temporary name; take a directory that appears meanwhile",
        |lab| Box::pin(files_at_once(lab)),
    ),
    Rule::new(
        "closes-at-once",
        "two `close` calls at the same time both succeed",
        "let the second join the work of the first, and report it",
        |lab| Box::pin(closes_at_once(lab)),
    ),
    Rule::new(
        "runtimes-come-and-go",
        "a sandbox opened from one runtime is shared with others, and outlives its runtime",
        "run what belongs to the factory on a runtime of its own; bind no connection to an opener's",
        |lab| Box::pin(runtimes(lab)),
    ),
    Rule::new(
        "close-meets-open",
        "an `open` that meets a `close` ends as `Closed`, or its sandbox ends with a `close`",
        "destroy what a creation yields after `close` began; know each sandbox before handing it out",
        |lab| Box::pin(close_meets_open(lab)),
    ),
];

async fn single_flight(lab: &Lab) -> Check {
    let opens = (0..32).map(|_| lab.open());
    let mut ids = BTreeSet::new();
    for opened in all(opens).await {
        ids.insert(opened?.info().id().to_owned());
    }
    same("how many sandboxes 32 openers got", ids.len(), 1)
}

async fn keys_at_once(lab: &Lab) -> Check {
    let tenants = ["one", "two", "three", "four"];
    let opens = (0..4)
        .flat_map(|_| tenants)
        .map(|tenant| lab.open_as(tenant));
    let mut opened = Vec::new();
    for (result, tenant) in all(opens)
        .await
        .into_iter()
        .zip(tenants.into_iter().cycle())
    {
        opened.push((tenant, result?));
    }
    let ids: BTreeSet<_> = opened
        .iter()
        .map(|(_, sandbox)| sandbox.info().id().to_owned())
        .collect();
    same("how many sandboxes 4 tenants got", ids.len(), tenants.len())?;
    for (tenant, sandbox) in &opened {
        let alone = lab.open_as(tenant).await?;
        let (found, wanted) = (sandbox.info(), alone.info());
        same(
            &format!("the sandbox of tenant {tenant:?}"),
            found.id(),
            wanted.id(),
        )?;
    }
    Ok(())
}

async fn commands_at_once(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let run = |at: usize| {
        let sandbox = &sandbox;
        async move {
            let line = format!("echo out {at}; echo err {at} >&2; sleep 1; exit {at}");
            (at, sandbox.shell(line).await)
        }
    };
    for (at, outcome) in all((0..8).map(run)).await {
        let outcome = outcome?;
        let code = i32::try_from(at).unwrap_or_default();
        super::lab::ended(&outcome, crate::ExecStatus::Exited(code))?;
        let out = outcome.stdout().text_lossy();
        same("the output of one of them", out, format!("out {at}\n"))?;
        let err = outcome.stderr().text_lossy();
        same("the errors of one of them", err, format!("err {at}\n"))?;
    }
    Ok(())
}

async fn files_at_once(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let write_and_read = |at: usize| {
        let sandbox = &sandbox;
        async move {
            let path = format!("new/{}/file {at}", at % 4);
            let content = at.to_string().repeat(10_000);
            sandbox.put_text(&path, &content).await?;
            let found = sandbox.get_text(&path).await?;
            ensure(found == content, || {
                let (found, wanted) = (found.len(), content.len());
                format!("{path:?}: put {wanted} bytes, got {found} bytes, or others")
            })
        }
    };
    for done in all((0..16).map(write_and_read)).await {
        done?;
    }
    let directories = ["new/0", "new/1", "new/2", "new/3"];
    for entries in all(directories.map(|path| sandbox.list(path))).await {
        same("how many files are in each directory", entries?.len(), 4)?;
    }
    Ok(())
}

async fn closes_at_once(lab: &Lab) -> Check {
    let one = lab.open_as("one").await?;
    let two = lab.open_as("two").await?;
    let (first, second) = tokio::join!(lab.factory.close(), lab.factory.close());
    first?;
    second?;
    refuses_all(&*one).await?;
    refuses_all(&*two).await
}

async fn runtimes(lab: &Lab) -> Check {
    let mut ids = BTreeSet::new();
    for round in 0..2 {
        let factory = Arc::clone(&lab.factory);
        let opened = tokio::task::spawn_blocking(move || open_elsewhere(&*factory)).await;
        let sandbox =
            opened.map_err(|_| Broken("an open on another runtime panicked".to_owned()))??;
        ids.insert(sandbox.info().id().to_owned());
        // That runtime is gone; its handle and the sandbox are not.
        let printed = sh(&*sandbox, "echo here").await?;
        same("what a command printed", printed.as_str(), "here\n")?;
        let path = format!("file {round}");
        sandbox.put_text(&path, "text").await?;
        let here = lab.open().await?;
        ids.insert(here.info().id().to_owned());
        let content = here.get_text(&path).await?;
        same("the file's content", content.as_str(), "text")?;
    }
    same("how many sandboxes three runtimes got", ids.len(), 1)
}

/// Opens on a runtime that ends with the call.
fn open_elsewhere(factory: &dyn SandboxFactory) -> Result<Arc<dyn Sandbox>, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Broken(format!("no second runtime: {error}")))?;
    runtime.block_on(async {
        let sandbox = factory.open(&context("one")).await?;
        sh(&*sandbox, "true").await?;
        Ok(sandbox)
    })
}

async fn close_meets_open(lab: &Lab) -> Check {
    for round in 0..4_u64 {
        let open = async {
            tokio::time::sleep(Duration::from_millis(round / 2)).await;
            lab.open_as("one").await
        };
        let close = async {
            tokio::time::sleep(Duration::from_millis(round % 2)).await;
            lab.factory.close().await
        };
        let (first, closed, second) = tokio::join!(open, close, lab.open_as("two"));
        closed?;
        let mut handles = Vec::new();
        for opened in [first, second] {
            match opened {
                Ok(sandbox) => handles.push(sandbox),
                Err(error) => {
                    failed::<()>("an open that met a close", Err(error), &[ErrorKind::Closed])?;
                }
            }
        }
        lab.factory.close().await?;
        for sandbox in handles {
            refuses_all(&*sandbox).await.map_err(|Broken(how)| {
                Broken(format!(
                    "an open that met a close has outlived the next close: {how}"
                ))
            })?;
        }
    }
    let after = lab.open().await?;
    sh(&*after, "true").await?;
    Ok(())
}
