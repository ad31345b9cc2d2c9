//! What is left behind, swept.
#![expect(clippy::expect_used, reason = "a helper of tests may fail them")]

use std::process::Output;

use serde_json::Value;

use crate::support::{Serve, code, eventually, run, shown, stderr, stdout};

fn rows(output: &Output) -> Vec<Value> {
    assert_eq!(code(output), Some(0), "{}", shown(output));
    serde_json::from_str(&stdout(output)).expect("a JSON array")
}

#[test]
fn a_kept_sandbox_goes_once_it_is_asked_for_and_stale() {
    // a quarter of an hour of the server's is half a second
    let server = Serve::start(&["--isolation", "none", "--speed", "2000"]);
    let kept = server
        .client(["run", "--persist", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(code(&kept), Some(0), "{}", shown(&kept));
    let sweep = |args: &[&str]| {
        server
            .client([&["sweep", "--json"], args].concat())
            .output()
            .unwrap()
    };
    eventually("it is stale", || {
        let found = rows(&sweep(&["--persistent", "--dry-run"]));
        found
            .first()
            .is_some_and(|row| row["outcome"] == "would_remove")
    });
    let spared = rows(&sweep(&[]));
    assert_eq!(
        (spared.len(), &spared[0]["outcome"]),
        (1, &Value::from("spared"))
    );
    assert_eq!(
        rows(&sweep(&["--namespace", "other", "--persistent"])),
        [] as [Value; 0]
    );
    assert_eq!(server.alive().len(), 1);
    let output = server.client(["sweep", "--persistent"]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert!(
        stdout(&output).starts_with("denv-") && stdout(&output).ends_with(": removed\n"),
        "{}",
        shown(&output)
    );
    assert_eq!(stderr(&output), "daytona-env: 1 removed\n");
    assert!(server.alive().is_empty());
}

#[test]
fn without_a_server_or_with_too_short_an_idleness_it_says_what_to_do() {
    insta::assert_snapshot!(shown(&run(["sweep"])));
    let server = Serve::start(&["--isolation", "none"]);
    insta::assert_snapshot!(shown(
        &server.client(["sweep", "--idle", "1m"]).output().unwrap()
    ));
}
