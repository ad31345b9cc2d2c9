//! A sandbox that was kept: gone on with, and deleted.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::process::Output;

use daytona_api::{Config, Daytona};
use tokio::runtime::Runtime;

use crate::support::{Serve, cli, code, eventually, shown, stderr, stdout};

fn client(server: &Serve) -> Daytona {
    let config = Config::new(server.token.as_str()).api_url(server.url.as_str());
    Daytona::new(config).unwrap()
}

/// Keeps a sandbox; its name and id.
fn keep(server: &Serve) -> (String, String) {
    let args = ["run", "--persist", "--", "sh", "-c", "echo one >note"];
    let output = server.client(args).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let rows = server.alive();
    assert_eq!(rows.len(), 1);
    let row = rows.first().unwrap();
    let text = |key: &str| row.get(key).unwrap().as_str().unwrap().to_owned();
    let (name, id) = (text("name"), text("id"));
    let shown = stderr(&output).replace(&name, "NAME").replace(&id, "ID");
    insta::assert_snapshot!("kept", shown);
    (name, id)
}

fn go_on(server: &Serve, sandbox: &str, more: &[&str], script: &str) -> Output {
    let mut args = vec!["run", "--sandbox", sandbox];
    args.extend(more);
    args.extend(["--", "sh", "-c", script]);
    server.client(args).output().unwrap()
}

#[test]
fn a_kept_sandbox_is_gone_on_with_and_deleted() {
    let server = Serve::start(&["--isolation", "none"]);
    let (name, id) = keep(&server);
    let output = go_on(&server, &name, &[], "cat note; echo two >>note; exit 3");
    assert_eq!(code(&output), Some(3), "{}", shown(&output));
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("one\n", "")
    );
    // by id, with an environment of the command's own
    let env = [
        "--env",
        "A=b c",
        "--env-var",
        "T=tenant",
        "--var",
        "tenant=acme",
    ];
    let output = go_on(&server, &id, &env, "cat note; echo $A $T");
    assert_eq!(
        stdout(&output),
        "one\ntwo\nb c acme\n",
        "{}",
        shown(&output)
    );
    // stopped, it is woken
    Runtime::new()
        .unwrap()
        .block_on(client(&server).sandboxes().stop(&id, false))
        .unwrap();
    let output = go_on(&server, &name, &["--json"], "cat note");
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["stdout"]["text"], "one\ntwo\n");
    assert_eq!(object["sandbox"]["id"], id.as_str());
    assert_eq!(object["server"], server.url.as_str());
    assert_eq!(server.alive().len(), 1, "it was not deleted");

    let output = server.client(["rm", &name, "no-such"]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let said = shown(&output).replace(&name, "NAME").replace(&id, "ID");
    insta::assert_snapshot!("removed", said);
    assert!(server.alive().is_empty());
    let output = server.client(["rm", &id]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    // once gone, there is nothing to go on with
    eventually("the server has destroyed it", || {
        let listed = server.client(["ls"]).output().unwrap();
        !shown(&listed).contains(&id)
    });
    let output = go_on(&server, &id, &[], "true");
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!("gone", shown(&output).replace(&id, "ID"));
}

#[test]
fn a_sandbox_of_somebody_else_is_left_alone() {
    let server = Serve::start(&["--isolation", "none"]);
    let runtime = Runtime::new().unwrap();
    let theirs = client(&server).sandboxes().create().name("theirs").send();
    let id = runtime.block_on(theirs).unwrap().id;
    let exists = || {
        runtime
            .block_on(client(&server).sandboxes().get("theirs"))
            .is_ok()
    };
    for (name, args) in [
        ("run", &["run", "--sandbox", "theirs", "--", "true"][..]),
        ("rm", &["rm", "theirs"]),
    ] {
        let output = server.client(args).output().unwrap();
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        insta::assert_snapshot!(format!("foreign_{name}"), shown(&output).replace(&id, "ID"));
        assert!(exists());
    }
    let args = ["run", "--sandbox", "theirs", "--any", "--", "echo", "hi"];
    let output = server.client(args).output().unwrap();
    assert_eq!(stdout(&output), "hi\n", "{}", shown(&output));
    let output = server.client(["rm", "--any", &id]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert!(!exists());
}

#[test]
fn what_cannot_be_kept_or_found_is_said() {
    for (name, args) in [
        ("persist_embedded", &["run", "--persist", "--", "true"][..]),
        ("sandbox_embedded", &["run", "--sandbox", "x", "--", "true"]),
        ("rm_embedded", &["rm", "x"]),
        ("rm_nothing", &["rm"]),
        ("any_alone", &["run", "--any", "--", "true"]),
        (
            "sandbox_and_image",
            &["run", "--sandbox", "x", "--image", "y", "--", "true"],
        ),
        (
            "sandbox_and_persist",
            &["run", "--sandbox", "x", "--persist", "--", "true"],
        ),
    ] {
        let output = cli(args).output().unwrap();
        assert_eq!(code(&output), Some(125), "{name}: {}", shown(&output));
        insta::assert_snapshot!(format!("kept_{name}"), shown(&output));
    }
}

#[test]
fn a_deletion_that_is_under_way_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.json");
    let conflict = r#"{"status": 409, "body": {"message": "Sandbox state change in progress"}}"#;
    let faults = format!(
        r#"{{"faults": [
            {{"on": "deleteSandbox", "do": {{"answer": {conflict}}}}},
            {{"on": "deleteSandbox", "do": {{"answerAfterCommit": {conflict}}}}}
        ]}}"#
    );
    std::fs::write(&file, faults).unwrap();
    let server = Serve::start(&["--isolation", "none", "--faults", file.to_str().unwrap()]);
    let (name, id) = keep(&server);
    let hidden = |output: &Output| shown(output).replace(&name, "NAME").replace(&id, "ID");
    // nothing deletes it: that is said, and it is still there
    let output = server.client(["rm", &name]).output().unwrap();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!("conflict", hidden(&output));
    assert_eq!(server.alive().len(), 1);
    // something does
    let output = server.client(["rm", &id]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let said = stdout(&output).replace(&name, "NAME").replace(&id, "ID");
    assert!(
        ["NAME (id ID) is being deleted\n", "ID does not exist\n"].contains(&said.as_str()),
        "{said}"
    );
    assert!(server.alive().is_empty());
}
