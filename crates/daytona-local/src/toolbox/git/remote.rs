//! Other repositories, and the credentials for them.

use serde_json::{Value, json};

use super::run::{Command, Git};
use super::{Asked, branch, failure, invalid, repository};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// One branch of it, as the daemon clones.
pub(super) async fn clone(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (url, path) = (asked.required("url")?, asked.required("path")?);
    let depth = match asked.0.get("depth") {
        None | Some(Value::Null) => None,
        Some(depth) => match depth.as_u64() {
            Some(0) => None,
            Some(depth) => Some(format!("--depth={depth}")),
            None => return Err(invalid("depth must be a non-negative integer")),
        },
    };
    let branch = asked
        .text("branch")?
        .map(|branch| format!("--branch={branch}"));
    let mut words = Vec::new();
    if asked.flag("insecure_skip_tls")? {
        words.extend(["-c", "http.sslVerify=false"]);
    }
    words.extend(["clone", "--quiet", "--single-branch"]);
    words.extend(branch.as_deref());
    words.extend(depth.as_deref());
    words.extend(["--", url, path]);
    git.run(Command::new(&words).credentials(asked.credentials()?))
        .await?;
    if let Some(commit) = asked.name("commit_id")? {
        git.run(Command::at(
            path,
            &["checkout", "--quiet", "--detach", commit, "--"],
        ))
        .await?;
    }
    Ok(Reply::empty(200))
}

pub(super) async fn push(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let remote = asked.name("remote")?.unwrap_or("origin");
    let branch = match asked.name("branch")? {
        Some(branch) => branch.to_owned(),
        None => own_branch(git, path).await?,
    };
    let mut words = vec!["push", "--quiet"];
    words.extend(asked.flag("set_upstream")?.then_some("--set-upstream"));
    words.extend([remote, &branch]);
    git.run(Command::at(path, &words).credentials(asked.credentials()?))
        .await?;
    Ok(Reply::empty(200))
}

/// Forward only: a merge is a person's decision.
pub(super) async fn pull(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let remote = asked.name("remote")?.unwrap_or("origin");
    let branch = match asked.name("branch")? {
        Some(branch) => branch.to_owned(),
        None => own_branch(git, path).await?,
    };
    let words = ["pull", "--quiet", "--ff-only", remote, &branch];
    git.run(Command::at(path, &words).credentials(asked.credentials()?))
        .await?;
    Ok(Reply::empty(200))
}

async fn own_branch(git: &Git<'_>, path: &str) -> Result<String, Failure> {
    // A path that is no repository has no branch either, and is the better answer.
    git.run(Command::at(path, &["rev-parse", "--git-dir"]))
        .await?;
    let none = || Failure::bad("bad request: HEAD is on no branch; say which one");
    branch::current(git, path).await?.ok_or_else(none)
}

pub(super) async fn list(git: &Git<'_>, call: &Call) -> Result<Reply, Failure> {
    let path = repository(call)?;
    let words = [
        "config",
        "--local",
        "-z",
        "--get-regexp",
        r"^remote\..*\.url$",
    ];
    let ended = git.ask(Command::at(path, &words)).await?;
    // Nothing that fits is no failure.
    if !(ended.code == 0 || (ended.code == 1 && ended.complaints.is_empty())) {
        return Err(failure::of(&ended));
    }
    let remotes: Vec<Value> = ended.output.split('\0').filter_map(remote).collect();
    Ok(Reply::json(200, &json!({ "remotes": remotes })))
}

fn remote(record: &str) -> Option<Value> {
    let (key, url) = record.split_once('\n')?;
    let name = key.strip_prefix("remote.")?.strip_suffix(".url")?;
    Some(json!({ "name": name, "url": url }))
}

pub(super) async fn add(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let (name, url) = (asked.required_name("name")?, asked.required_name("url")?);
    let exists = git
        .ask(Command::at(path, &["remote", "get-url", name]))
        .await?
        .code
        == 0;
    let verb = if exists && asked.flag("overwrite")? {
        "set-url"
    } else {
        "add"
    };
    git.run(Command::at(path, &["remote", verb, name, url]))
        .await?;
    if asked.flag("fetch")? {
        git.run(Command::at(path, &["fetch", "--quiet", name]))
            .await?;
    }
    Ok(Reply::empty(201))
}

/// Stored in plain text in the sandbox's home, as by the daemon.
pub(super) async fn remember(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (username, password) = (asked.required("username")?, asked.required("password")?);
    let host = asked.text("host")?.unwrap_or("github.com");
    let protocol = asked.text("protocol")?.unwrap_or("https");
    if [username, password, host, protocol]
        .iter()
        .any(|text| text.contains(['\n', '\r']))
    {
        return Err(invalid("a credential holds a line break"));
    }
    git.run(Command::new(&[
        "config",
        "--global",
        "credential.helper",
        "store",
    ]))
    .await?;
    let input =
        format!("protocol={protocol}\nhost={host}\nusername={username}\npassword={password}\n\n");
    git.run(Command::new(&["credential", "approve"]).input(input))
        .await?;
    Ok(Reply::empty(200))
}
