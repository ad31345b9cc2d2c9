//! From this machine into a sandbox.

use std::sync::Arc;
use std::time::Duration;

use sandbox_core::{ExecRequest, Sandbox};
use tokio::task::JoinSet;

use super::plan::{File, Plan};
use super::relative;
use crate::error::Failure;

/// Files on their way at once.
const AT_ONCE: usize = 8;
/// Words given to one command: well below every system's limit.
const BATCH: usize = 256;
const LIMIT: Duration = Duration::from_secs(120);

/// Makes everything of the plan in the working directory of the sandbox.
pub(crate) async fn upload<S: Sandbox>(sandbox: &Arc<S>, plan: &Plan) -> Result<(), Failure> {
    let workdir = sandbox.workdir();
    for dir in &plan.dirs {
        let dest = relative(workdir, dir);
        if dest != "." {
            sandbox
                .make_dir(dest)
                .await
                .map_err(|error| Failure::of(format!("cannot make {dir} in the sandbox"), error))?;
        }
    }
    let mut running = JoinSet::new();
    for file in &plan.files {
        if running.len() >= AT_ONCE {
            finished(&mut running).await?;
        }
        running.spawn(put(
            Arc::clone(sandbox),
            file.source.clone(),
            relative(workdir, &file.dest).to_owned(),
        ));
    }
    while !running.is_empty() {
        finished(&mut running).await?;
    }
    let executable: Vec<&str> = plan
        .files
        .iter()
        .filter(|file| file.executable)
        .map(|File { dest, .. }| relative(workdir, dest))
        .collect();
    batches(sandbox, "chmod 755 \"$@\"", &executable, BATCH).await?;
    let links: Vec<&str> = plan
        .links
        .iter()
        .flat_map(|link| [link.target.as_str(), relative(workdir, &link.dest)])
        .collect();
    batches(
        sandbox,
        "while [ $# -gt 1 ]; do ln -sfn -- \"$1\" \"$2\" || exit; shift 2; done",
        &links,
        BATCH,
    )
    .await
}

async fn put<S: Sandbox>(
    sandbox: Arc<S>,
    source: std::path::PathBuf,
    dest: String,
) -> Result<(), Failure> {
    let content = tokio::fs::read(&source).await.map_err(|error| {
        Failure::new(format!("cannot upload {}", source.display())).because(error)
    })?;
    sandbox
        .put(&dest, content.into())
        .await
        .map_err(|error| Failure::of(format!("cannot upload {}", source.display()), error))
}

async fn finished(running: &mut JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    match running.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(Failure::new("cannot upload").because(error)),
        None => Ok(()),
    }
}

/// The modes and links that the files calls do not know. `./` keeps a name that starts with a dash from being an option.
async fn batches<S: Sandbox>(
    sandbox: &Arc<S>,
    script: &str,
    words: &[&str],
    size: usize,
) -> Result<(), Failure> {
    for batch in words.chunks(size) {
        let words = ["sh", "-c", script, "sh"]
            .into_iter()
            .map(str::to_owned)
            .chain(batch.iter().map(|w| (*w).to_owned()));
        let what = "cannot set modes and links of the upload";
        let outcome = sandbox
            .exec(ExecRequest::argv(words).timeout(LIMIT))
            .await
            .map_err(|error| Failure::of(what, error))?;
        if !outcome.success() {
            return Err(Failure::new(format!(
                "{what}: {}",
                outcome.to_result().output
            )));
        }
    }
    Ok(())
}
