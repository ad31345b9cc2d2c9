//! The repository itself: files, commits, history.

use serde_json::{Value, json};

use super::run::{Command, Git};
use super::{Asked, repository, required};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

pub(super) async fn init(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let branch = asked.name("initial_branch")?.unwrap_or("main");
    let mut words = vec!["init", "--quiet", "-b", branch];
    if asked.flag("bare")? {
        words.push("--bare");
    }
    words.extend(["--", path]);
    git.run(Command::new(&words)).await?;
    Ok(Reply::empty(201))
}

pub(super) async fn add(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (path, files) = (asked.required("path")?, asked.files()?);
    if files.is_empty() {
        return Err(required("files"));
    }
    let mut words = vec!["add", "--"];
    words.extend(files);
    git.run(Command::at(path, &words)).await?;
    Ok(Reply::empty(200))
}

pub(super) async fn commit(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let (author, email) = (asked.required("author")?, asked.required("email")?);
    let message = asked.required("message")?;
    let (name, mail) = (format!("user.name={author}"), format!("user.email={email}"));
    let mut words = vec!["-c", &name, "-c", &mail, "commit", "--quiet", "-m", message];
    if asked.flag("allow_empty")? {
        words.push("--allow-empty");
    }
    git.run(Command::at(path, &words)).await?;
    let hash = git.run(Command::at(path, &["rev-parse", "HEAD"])).await?;
    Ok(Reply::json(200, &json!({ "hash": hash.trim_end() })))
}

/// Newest first.
pub(super) async fn history(git: &Git<'_>, call: &Call) -> Result<Reply, Failure> {
    let path = repository(call)?;
    let text = git
        .run(Command::at(
            path,
            &["log", "-z", "--format=%H%n%an%n%ae%n%aI%n%B"],
        ))
        .await?;
    let commits: Vec<Value> = text.split('\0').filter_map(read).collect();
    Ok(Reply::json(200, &commits))
}

fn read(record: &str) -> Option<Value> {
    let mut lines = record.splitn(5, '\n');
    let (hash, author, email, timestamp) =
        (lines.next()?, lines.next()?, lines.next()?, lines.next()?);
    let message = lines.next()?;
    Some(
        json!({ "hash": hash, "author": author, "email": email, "timestamp": timestamp, "message": message }),
    )
}

pub(super) async fn reset(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let path = asked.required("path")?;
    let mode = asked.text("mode")?.unwrap_or("mixed");
    let flag = match mode {
        "soft" => "--soft",
        "mixed" => "--mixed",
        "hard" => "--hard",
        "merge" => "--merge",
        "keep" => "--keep",
        _ => {
            return Err(Failure::bad(
                "bad request: mode must be soft, mixed, hard, merge or keep",
            ));
        }
    };
    let (target, files) = (asked.name("target")?.unwrap_or("HEAD"), asked.files()?);
    let mut words = vec!["reset", "--quiet"];
    if files.is_empty() {
        words.extend([flag, target, "--"]);
    } else if mode == "mixed" {
        words.extend([target, "--"]);
        words.extend(files);
    } else {
        return Err(Failure::bad(
            "bad request: only a mixed reset can be about some files",
        ));
    }
    git.run(Command::at(path, &words)).await?;
    Ok(Reply::empty(200))
}

pub(super) async fn restore(git: &Git<'_>, asked: &Asked) -> Result<Reply, Failure> {
    let (path, files) = (asked.required("path")?, asked.files()?);
    if files.is_empty() {
        return Err(required("files"));
    }
    let source = asked
        .text("source")?
        .map(|source| format!("--source={source}"));
    let (staged, worktree) = (asked.flag("staged")?, asked.flag("worktree")?);
    let mut words = vec!["restore", "--quiet"];
    words.extend(staged.then_some("--staged"));
    words.extend((worktree || !staged).then_some("--worktree"));
    words.extend(source.as_deref());
    words.push("--");
    words.extend(files);
    git.run(Command::at(path, &words)).await?;
    Ok(Reply::empty(200))
}
