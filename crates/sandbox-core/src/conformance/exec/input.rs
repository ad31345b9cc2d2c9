//! What commands are given.

use std::time::Duration;

use bytes::Bytes;

use crate::conformance::lab::{Lab, ended, failed, sh};
use crate::conformance::rule::{Check, ensure, same};
use crate::{ErrorKind, ExecRequest, ExecStatus, SandboxExt};

pub(super) async fn words(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("file", "x").await?;
    let given = [
        "", "*", "$HOME", "`id`", "$(id)", "a b", " a ", "it's", "\"", "\\", "a\nb\n", ";", "&",
        "|", ">out", "#", "~", "-n", "--", "{a,b}", "%s", "\\n", "ünï", "A=1",
    ];
    let script = "for word do printf '<%s>' \"$word\"; done";
    let request = ["sh", "-c", script, "sh"].into_iter().chain(given);
    let outcome = sandbox.run(request).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let wanted: String = given.iter().map(|word| format!("<{word}>")).collect();
    same(
        "the words that arrived",
        outcome.stdout().text_lossy(),
        wanted,
    )?;
    // Not even the first word is the shell's to read.
    let outcome = sandbox.run(["A=1", "true"]).await?;
    ended(&outcome, ExecStatus::Exited(127))
}

pub(super) async fn stdin_given(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let bytes: Vec<u8> = (0..=255).chain(*b"\n  \n").collect();
    let outcome = sandbox.run(["cat"]).stdin(bytes.clone()).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    ensure(outcome.stdout().to_bytes()[..] == bytes[..], || {
        let found = outcome.stdout().total();
        format!("of 260 bytes of input, {found} came back, or others")
    })?;
    // More than a pipe holds, and answered while it is read.
    let much = Bytes::from(vec![b'x'; 300_000]);
    let request = sandbox.run(["cat"]).stdin(much).output_limit(1 << 19, 0);
    let outcome = request.timeout(Duration::from_secs(20)).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    same("how much came back", outcome.stdout().total(), 300_000)?;
    let outcome = sandbox.run(["cat"]).stdin("").await?;
    same("what came of an empty input", outcome.stdout().total(), 0)
}

pub(super) async fn stdin_closed(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outcome = sandbox.run(["cat"]).timeout(Duration::from_secs(5)).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    same("what it read", outcome.stdout().text_lossy().as_str(), "")
}

pub(super) async fn env_of_one_call(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let show = "printf '%s|%s' \"$ONE\" \"$TWO\"";
    let value = "a $HOME 'b' \"c\"\nd=";
    let outcome = sandbox.shell(show).env("ONE", value).env("TWO", "").await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let printed = outcome.stdout().text_lossy();
    same("what the command saw", printed, format!("{value}|"))?;
    let printed = sh(&*sandbox, show).await?;
    same("what the next command saw", printed.as_str(), "|")?;
    let outcome = sandbox
        .shell("printf %s \"$HOME\"")
        .env("HOME", "/over")
        .await?;
    let printed = outcome.stdout().text_lossy();
    same(
        "a variable of the sandbox, set over",
        printed.as_str(),
        "/over",
    )
}

pub(super) async fn cwd_of_one_call(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.make_dir("a/b c").await?;
    let wanted = format!("{}/a/b c\n", sandbox.workdir());
    let absolute = format!("{}/a/b c", sandbox.workdir());
    for given in ["a/b c", "./a/b c", absolute.as_str()] {
        let outcome = sandbox.run(["pwd"]).cwd(given).await?;
        ended(&outcome, ExecStatus::Exited(0))?;
        same(
            "the directory",
            outcome.stdout().text_lossy(),
            wanted.clone(),
        )?;
    }
    let outcome = sandbox.shell("pwd").cwd("/").await?;
    same(
        "the directory",
        outcome.stdout().text_lossy().as_str(),
        "/\n",
    )?;
    let next = sh(&*sandbox, "pwd").await?;
    let wanted = format!("{}\n", sandbox.workdir());
    same("the directory of the next command", next, wanted)
}

pub(super) async fn missing_cwd(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let request = ExecRequest::shell("echo x > ran").cwd("nowhere");
    if let Ok(outcome) = sandbox.exec(request).await {
        ensure(!outcome.success(), || {
            "a command in a directory that is not there succeeded".to_owned()
        })?;
    }
    let found = sh(&*sandbox, "ls").await?;
    same(
        "what is in the working directory after it",
        found.as_str(),
        "",
    )
}

pub(super) async fn bad_requests(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let touch = || ExecRequest::argv(["touch", "ran"]);
    let bad = [
        ("no words", ExecRequest::argv::<[&str; 0]>([])),
        ("an empty program", ExecRequest::argv([""])),
        (
            "a NUL in a word",
            ExecRequest::argv(["touch", "ran", "a\0b"]),
        ),
        ("a NUL in the directory", touch().cwd("a\0b")),
        ("an empty directory", touch().cwd("")),
        ("a variable without a name", touch().env("", "x")),
        ("a variable with `=` in its name", touch().env("A=B", "x")),
        ("a NUL in a variable", touch().env("A", "x\0y")),
        ("no time at all", touch().timeout(Duration::ZERO)),
        (
            "a limit beyond the limit",
            touch().output_limit(usize::MAX, 0),
        ),
    ];
    for (what, request) in bad {
        let result = sandbox.exec(request).await;
        failed(
            &format!("a request with {what}"),
            result,
            &[ErrorKind::InvalidInput],
        )?;
    }
    let found = sh(&*sandbox, "ls").await?;
    same(
        "what is in the working directory after them",
        found.as_str(),
        "",
    )
}
