//! docs/faults.md, made from the table, and the check that each row has a test that runs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::table::{PARTS, Proof, rows};
use super::witness::{root, wrong};

/// How many rows may have no test.
const VOID: usize = 10;

#[test]
fn every_fault_has_a_test_that_runs() {
    let mut problems = Vec::new();
    for row in rows() {
        match row.proof {
            Proof::Tests([]) => problems.push(format!("{} has no test", row.number)),
            Proof::Tests(tests) => {
                let once: BTreeSet<_> = tests.iter().collect();
                if once.len() < tests.len() {
                    problems.push(format!("{} names a test twice", row.number));
                }
                problems.extend(
                    tests
                        .iter()
                        .filter_map(|test| wrong(test))
                        .map(|error| format!("{}: {error}", row.number)),
                );
            }
            Proof::NotApplicable("") => problems.push(format!("{} says not why", row.number)),
            Proof::NotApplicable(_) => {}
        }
    }
    let void = rows()
        .filter(|row| matches!(row.proof, Proof::NotApplicable(_)))
        .count();
    assert!(void <= VOID, "{void} rows are said not to apply");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_fault_is_there_once_and_in_order() {
    let mut wanted: Vec<_> = (1..=90).map(|number| number.to_string()).collect();
    wanted.insert(50, "50b".to_owned());
    wanted.insert(89, "88b".to_owned());
    let numbers: Vec<_> = rows().map(|row| row.number).collect();
    assert_eq!(numbers, wanted);
    let names: BTreeSet<_> = rows().map(|row| row.name).collect();
    assert_eq!(names.len(), wanted.len());
}

fn page() -> String {
    let mut page = format!(
        "# Faults, and what shows that we survive them\n\n\
         Everything that can go wrong between a program and its sandboxes, as far as we could think of it: {} faults. Each is\n\
         brought about on purpose, and a test shows what must hold all the same. This page is made from the table in\n\
         `tests/faults/table`; a row whose test is missing, ignored, not compiled, or may end before it has shown anything\n\
         fails the build. To write it anew: `FAULTS_PAGE=write cargo test -p workspace-tests --test proofs page`.\n",
        rows().count()
    );
    for (title, rows) in PARTS {
        write!(page, "\n## {title}\n\n| # | fault | brought about by | what holds | shown by |\n|---|---|---|---|---|\n").unwrap();
        for row in rows {
            let shown = match row.proof {
                Proof::Tests(tests) => tests
                    .iter()
                    .map(|test| link(test))
                    .collect::<Vec<_>>()
                    .join(", "),
                Proof::NotApplicable(why) => format!("not applicable: {why}"),
            };
            writeln!(
                page,
                "| {} | {} | {} | {} | {shown} |",
                row.number, row.name, row.injected, row.holds
            )
            .unwrap();
        }
    }
    page
}

fn link(test: &str) -> String {
    let (file, function) = test.split_once("::").unwrap();
    format!("[`{function}`](../{file})")
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = root().join("docs/faults.md");
    if std::env::var_os("FAULTS_PAGE").is_some_and(|what| what == "write") {
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/faults.md is not current; FAULTS_PAGE=write makes it so"
    );
}
