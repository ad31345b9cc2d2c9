//! Branches.

use serde_json::json;

use super::run::{Command, Git};
use super::{Asked, repository};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

pub(super) async fn list(git: &Git<'_>, call: &Call) -> Result<Reply, Failure> {
    let path = repository(call)?;
    let words = ["for-each-ref", "--format=%(refname:short)", "refs/heads"];
    let branches = git.run(Command::at(path, &words)).await?;
    let branches: Vec<&str> = branches.lines().collect();
    let current = current(git, path).await?.unwrap_or_default();
    Ok(Reply::json(
        200,
        &json!({ "branches": branches, "current": current }),
    ))
}

/// The branch that is checked out, if any.
pub(super) async fn current(git: &Git<'_>, path: &str) -> Result<Option<String>, Failure> {
    let ended = git
        .ask(Command::at(
            path,
            &["symbolic-ref", "--quiet", "--short", "HEAD"],
        ))
        .await?;
    let name = ended.output.trim_end();
    Ok((ended.code == 0 && !name.is_empty()).then(|| name.to_owned()))
}

/// Makes a branch and checks it out.
pub(super) async fn create(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (path, name) = (asked.required("path")?, asked.required_name("name")?);
    git.run(Command::at(path, &["checkout", "--quiet", "-b", name]))
        .await?;
    Ok(Reply::empty(201))
}

/// A branch that is not there is as good as deleted, to the daemon too.
pub(super) async fn delete(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (path, name) = (asked.required("path")?, asked.required_name("name")?);
    if current(git, path).await?.as_deref() == Some(name) {
        return Err(Failure::bad("bad request: the branch is checked out"));
    }
    let ended = git
        .ask(Command::at(path, &["branch", "--quiet", "-D", name]))
        .await?;
    if ended.code == 0 || ended.complaints.contains("not found") {
        return Ok(Reply::empty(204));
    }
    Err(super::failure::of(&ended))
}

/// A branch, else a commit.
pub(super) async fn checkout(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (path, branch) = (asked.required("path")?, asked.required_name("branch")?);
    git.run(Command::at(path, &["checkout", "--quiet", branch, "--"]))
        .await?;
    Ok(Reply::empty(200))
}
