//! `serve` with faults from a file.
#![expect(clippy::unwrap_used, reason = "the page has such a block")]
#![expect(clippy::print_stdout, reason = "what is left out is said")]

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::{Running, Serve, code, eventually, run, shown, stderr};

/// The document in docs/testing-offline.md; `None` in a package, which has no pages.
fn documented() -> Option<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    if !Path::new(root).join("xtask").exists() {
        return None;
    }
    let docs = fs::read_to_string(format!("{root}/docs/testing-offline.md")).unwrap();
    let (_, rest) = docs.split_once("```json\n").unwrap();
    Some(rest.split_once("```").unwrap().0.to_owned())
}

#[test]
fn the_documented_file_is_taken_and_its_faults_strike() {
    let Some(documented) = documented() else {
        println!("SKIPPED: there are no pages in a package");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.json");
    fs::write(&file, documented).unwrap();
    let path = file.to_str().unwrap();
    let server = Serve::start(&["--isolation", "none", "--faults", path]);
    // the delete is refused three times, and the command waits for it
    let output = server.client(["run", "--", "true"]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert!(server.alive().is_empty(), "{:?}", server.alive());
}

#[test]
fn a_fault_of_the_file_reaches_the_client() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.json");
    let faults = r#"{"faults": [{"on": "listSandboxes", "do": {"answer": {"status": 403, "body": {"message": "not today"}}}}]}"#;
    fs::write(&file, faults).unwrap();
    let server = Serve::start(&["--isolation", "none", "--faults", file.to_str().unwrap()]);
    let output = server.client(["ls"]).output().unwrap();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    assert!(stderr(&output).contains("not today"), "{}", shown(&output));
    let output = server.client(["ls"]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
}

#[test]
fn a_file_that_makes_no_sense_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.json");
    fs::write(
        &file,
        r#"{"faults": [{"on": "deleteSandboxes", "do": "hang"}]}"#,
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let output = run(["serve", "--isolation", "none", "--faults", path]);
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    let said = stderr(&output).replace(path, "FILE");
    insta::assert_snapshot!(said);
}

#[test]
fn ls_tells_why_the_server_gave_a_sandbox_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.json");
    let faults = r#"{"faults": [
        {"on": "createSandbox", "do": {"errorState": {"reason": "no space left on the runner"}}},
        {"on": "deleteSandbox", "always": true, "do": {"answer": {"status": 503, "body": {}}}}
    ]}"#;
    fs::write(&file, faults).unwrap();
    let server = Serve::start(&["--isolation", "none", "--faults", file.to_str().unwrap()]);
    // it would go on to delete what it made
    let running = Running::start(&mut server.client(["run", "--", "true"]));
    eventually("it broke", || {
        let rows = server.alive();
        rows.first().is_some_and(|row| row["state"] == "error")
    });
    running.signal(Signal::SIGKILL);
    running.finish();
    let rows = server.alive();
    assert_eq!(rows[0]["error"], "no space left on the runner", "{rows:?}");
}
