//! git's own settings.

use serde_json::json;

use super::run::{Command, Git};
use super::{Asked, failure, required};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// Where a setting belongs: the flag, and the repository if it is one's own.
fn scope<'a>(
    scope: Option<&str>,
    path: Option<&'a str>,
) -> Result<(&'static str, &'a str), Failure> {
    match scope.unwrap_or("global") {
        "global" => Ok(("--global", ".")),
        "system" => Ok(("--system", ".")),
        "local" => Ok(("--local", path.ok_or_else(|| required("path"))?)),
        _ => Err(Failure::bad(
            "bad request: scope must be global, local or system",
        )),
    }
}

pub(super) async fn get(git: &Git<'_>, call: &Call) -> Result<Reply, Failure> {
    let given = |name: &str| call.query.get(name).filter(|value| !value.is_empty());
    let key = given("key").ok_or_else(|| required("key"))?;
    let (flag, path) = scope(given("scope"), given("path"))?;
    let ended = git
        .ask(Command::at(path, &["config", flag, "--get", "--", key]))
        .await?;
    match ended.code {
        0 => Ok(Reply::json(
            200,
            &json!({ "value": ended.output.trim_end_matches('\n') }),
        )),
        // Not set.
        1 => Ok(Reply::json(200, &json!({ "value": null }))),
        _ => Err(failure::of(&ended)),
    }
}

pub(super) async fn set(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (flag, path) = scope(asked.text("scope")?, asked.text("path")?)?;
    let (key, value) = (
        asked.required_name("key")?,
        asked.text("value")?.unwrap_or_default(),
    );
    git.run(Command::at(path, &["config", flag, "--", key, value]))
        .await?;
    Ok(Reply::empty(200))
}

pub(super) async fn user(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (flag, path) = scope(asked.text("scope")?, asked.text("path")?)?;
    let (name, email) = (asked.required("name")?, asked.required("email")?);
    for (key, value) in [("user.name", name), ("user.email", email)] {
        git.run(Command::at(path, &["config", flag, "--", key, value]))
            .await?;
    }
    Ok(Reply::empty(200))
}
