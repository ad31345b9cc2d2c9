//! What the factory we replace does, measured elsewhere once per case, beside what this one does, measured here.

use std::process::Command;

mod loopback;
mod paused;

/// One case.
#[derive(Debug)]
struct Case {
    what: &'static str,
    /// AG2 1.2.1 with the `daytona` package 0.226.1.
    theirs: &'static str,
    /// What it must be here.
    ours: &'static str,
    /// What it was.
    measured: String,
}

fn case(
    what: &'static str,
    theirs: &'static str,
    ours: &'static str,
    measured: impl Into<String>,
) -> Case {
    Case {
        what,
        theirs,
        ours,
        measured: measured.into(),
    }
}

/// The key of the host, which must serve no tenant.
const HOST_KEY: &str = "the-hosts-own-key";

/// In a process of its own, whose environment holds a key: that of a host with tenants.
#[test]
fn no_row_leaks_and_no_row_lies() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::incumbents::measure", "--nocapture"])
        .env("DAYTONA_API_KEY", HOST_KEY)
        .env("INCUMBENTS", "measure")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        text.lines().filter(|line| line.starts_with("| ")).count(),
        26 + 1,
        "{text}"
    );
}

/// Prints the table; `cargo xtask incumbents` calls it.
#[test]
fn measure() {
    if std::env::var_os("INCUMBENTS").is_none() {
        return;
    }
    let runtime = |paused| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(paused).build().unwrap()
    };
    let mut cases = runtime(true).block_on(paused::cases());
    cases.extend(runtime(false).block_on(loopback::cases()));
    println!("| case | AG2 1.2.1, once each | here | as wanted |\n|---|---|---|---|");
    for Case {
        what,
        theirs,
        ours,
        measured,
    } in &cases
    {
        let verdict = if measured == ours { "yes" } else { "NO" };
        println!("| {what} | {theirs} | {measured} | {verdict} |");
    }
    let wrong: Vec<_> = cases
        .iter()
        .filter(|case| case.measured != case.ours)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
