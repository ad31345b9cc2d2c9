//! docs/faults.md, made from the table, and the check that each row has a test that runs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::table::{PARTS, Proof, rows};

/// How many rows may have no test.
const VOID: usize = 10;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Whether a function is a test that runs: with an attribute that makes it one, and none that keeps it from running.
fn runs(item: &syn::ItemFn) -> bool {
    let last = |attribute: &syn::Attribute| {
        let path = attribute.path();
        path.segments
            .last()
            .map(|segment| segment.ident.to_string())
    };
    let names: Vec<_> = item.attrs.iter().filter_map(last).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    has("test") && !has("ignore") && !has("cfg") && !has("cfg_attr")
}

/// The file that declares the module of this one, up to the root of a test binary or a crate.
fn is_compiled(file: &Path) -> Result<(), String> {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    if matches!(stem, "main" | "lib") || file == root().join("tests/proofs.rs") {
        return Ok(());
    }
    let mut parents = vec![
        folder.join("main.rs"),
        folder.join("lib.rs"),
        folder.with_extension("rs"),
    ];
    if folder == root().join("tests") {
        parents.push(folder.join("proofs.rs"));
    }
    let declares = |parent: &PathBuf| {
        fs::read_to_string(parent).is_ok_and(|text| {
            let wanted = format!("mod {stem};");
            let declared = |line: &str| line == wanted || line.ends_with(&format!(" {wanted}"));
            text.lines()
                .any(|line| declared(line.trim()) && !line.contains("//"))
        })
    };
    match parents.iter().find(|parent| declares(parent)) {
        Some(parent) => is_compiled(parent),
        None => Err(format!("no file declares the module of {}", file.display())),
    }
}

/// What is wrong with a row's test, if anything.
fn wrong(test: &str) -> Option<String> {
    let check = || -> Result<(), String> {
        let (file, function) = test
            .split_once("::")
            .ok_or("not of the form file.rs::function")?;
        let path = root().join(file);
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let parsed = syn::parse_file(&text).map_err(|error| error.to_string())?;
        let found = parsed.items.iter().any(|item| match item {
            syn::Item::Fn(item) => item.sig.ident == function && runs(item),
            _ => false,
        });
        if !found {
            return Err("there is no test of that name that runs".to_owned());
        }
        is_compiled(&path)
    };
    check().err().map(|error| format!("{test}: {error}"))
}

#[test]
fn every_fault_has_a_test_that_runs() {
    let mut problems = Vec::new();
    for row in rows() {
        match row.proof {
            Proof::Tests([]) => problems.push(format!("{} has no test", row.number)),
            Proof::Tests(tests) => {
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

/// The check must see what it is there for.
#[test]
fn the_check_finds_what_is_wrong() {
    for (test, problem) in [
        ("tests/faults/page.rs", "not of the form"),
        ("tests/faults/none.rs::x", "No such file"),
        ("tests/faults/page.rs::no_such_test", "no test of that name"),
        ("tests/faults/page.rs::wrong", "no test of that name"),
        (
            "tests/integration/baseline.rs::child",
            "no test of that name",
        ),
    ] {
        let said = wrong(test).unwrap_or_default();
        assert!(said.contains(problem), "{test}: {said:?}");
    }
    assert_eq!(
        wrong("tests/faults/page.rs::the_check_finds_what_is_wrong"),
        None
    );
    assert!(is_compiled(&root().join("tests/faults/orphan.rs")).is_err());
}

fn page() -> String {
    let mut page = String::from(
        "# Faults, and what shows that we survive them\n\n\
         Everything that can go wrong between a program and its sandboxes, as far as we could think of it: 91 faults. Each is\n\
         brought about on purpose, and a test shows what must hold all the same. This page is made from the table in\n\
         `tests/faults/table`; a row whose test is missing, ignored or not compiled fails the build. To write it anew:\n\
         `FAULTS_PAGE=write cargo test -p workspace-tests --test proofs page`.\n",
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
