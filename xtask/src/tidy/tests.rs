//! Each rule against a workspace with one thing wrong.

use std::fs;

use super::*;

/// The page of a tidy crate.
macro_rules! front {
    () => {
        concat!(
            "//! Docs. The feature `json` does things.\n//!\n//! ```",
            "\n//! ```\n//!\n//! # Concepts\n//! # Features\n//! # Errors\n//! # Cancel safety\n//! # Stability\n"
        )
    };
}

mod shown;

/// A tidy workspace of two crates.
const GOOD: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\n\
         context-vars = { path = \"crates/context-vars\" }\nserde = \"1\"\n",
    ),
    (
        "docs/dependencies.md",
        "| crate | why |\n|---|---|\n| `serde` | data in and out |\n",
    ),
    (
        "crates/context-vars/Cargo.toml",
        "[package]\nname = \"context-vars\"\ndescription = \"d\"\nversion.workspace = true\n\
         edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
         publish.workspace = true\n[lints]\nworkspace = true\n[features]\ndefault = [\"json\"]\njson = []\n\
         [dependencies]\nserde.workspace = true\n",
    ),
    (
        "crates/context-vars/src/lib.rs",
        concat!(front!(), "\npub mod a;\npub use a::A;\n"),
    ),
    ("crates/context-vars/src/a.rs", "//! A.\n"),
    (
        "crates/sandbox-core/Cargo.toml",
        "[package]\nname = \"sandbox-core\"\ndescription = \"d\"\nversion.workspace = true\n\
         edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish = false\n\
         [lints]\nworkspace = true\n[dependencies]\ncontext-vars.workspace = true\n",
    ),
    ("crates/sandbox-core/src/lib.rs", front!()),
];

/// The findings for the tidy workspace with some files put in place of or beside the good ones.
fn with(changes: &[(&str, &str)]) -> Findings {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in GOOD.iter().chain(changes) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(&Tree::read(dir.path()).unwrap()).unwrap()
}

/// One good file with a part replaced.
fn edited(path: &'static str, from: &str, to: &str) -> Findings {
    let (_, text) = GOOD.iter().find(|(good, _)| *good == path).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    with(&[(path, &text.replace(from, to))])
}

#[track_caller]
fn assert_only(findings: &Findings, expected: &str) {
    match findings.errors.as_slice() {
        [only] => assert!(only.contains(expected), "{only}"),
        all => panic!("expected {expected:?} alone, found {all:?}"),
    }
}

const VARS: &str = "crates/context-vars/Cargo.toml";
const CORE: &str = "crates/sandbox-core/Cargo.toml";

#[test]
fn a_tidy_workspace_has_no_findings() {
    let findings = with(&[]);
    assert!(findings.errors.is_empty(), "{:?}", findings.errors);
    assert!(findings.notes.is_empty(), "{:?}", findings.notes);
}

#[test]
fn a_wrong_arrow_is_found() {
    let more = "serde.workspace = true\nsandbox-core.workspace = true\n";
    let findings = edited(VARS, "serde.workspace = true\n", more);
    assert_only(&findings, "context-vars must not depend on sandbox-core");
    let findings = edited(CORE, "name = \"sandbox-core\"", "name = \"sandbox-extra\"");
    assert_only(&findings, "sandbox-extra has no row in the table of arrows");
}

#[test]
fn a_needed_option_is_found() {
    let manifest = GOOD.iter().find(|(path, _)| *path == CORE).unwrap().1;
    let env = manifest
        .replace("sandbox-core", "daytona-env")
        .replace("context-vars.", "daytona-local.");
    let local = manifest
        .replace("sandbox-core", "daytona-local")
        .replace("context-vars.workspace = true", "");
    let changes = [
        ("crates/daytona-env/Cargo.toml", env.as_str()),
        ("crates/daytona-local/Cargo.toml", local.as_str()),
    ];
    assert_only(
        &with(&changes),
        "daytona-env must keep daytona-local optional",
    );
}

#[test]
fn a_foreign_crate_in_the_tree_is_found() {
    let mut findings = Findings::default();
    let tree = "context-vars v0.1.0 (/somewhere)\nhttparse v1\nserde v1\n";
    arrows::judge_tree("context-vars", tree, &["http", "tokio"], &mut findings);
    assert!(findings.errors.is_empty(), "{:?}", findings.errors);
    arrows::judge_tree(
        "context-vars",
        &format!("{tree}tokio v1\ntokio v1 (*)\n"),
        &["http", "tokio"],
        &mut findings,
    );
    assert_only(&findings, "context-vars must not have tokio in its tree");
}

#[test]
fn layout_rules_fire() {
    assert_only(
        &with(&[("crates/context-vars/src/b/mod.rs", "//! B.\n")]),
        "not mod.rs",
    );
    let lib = concat!(front!(), "\npub fn f() {}\n");
    assert_only(
        &with(&[("crates/context-vars/src/lib.rs", lib)]),
        "holds more than docs",
    );
    let lib = concat!(front!(), "\nmod a { }\n");
    assert_only(
        &with(&[("crates/context-vars/src/lib.rs", lib)]),
        "holds more than docs",
    );
    let entry = concat!(
        front!(),
        "\n#[proc_macro_derive(R)]\npub fn r(i: T) -> T { i }\n"
    );
    assert!(
        with(&[("crates/context-vars/src/lib.rs", entry)])
            .errors
            .is_empty()
    );
}

#[test]
fn long_files_are_noted_and_very_long_ones_refused() {
    let lines = |count: usize| "// line\n".repeat(count);
    let long = with(&[("crates/context-vars/src/a.rs", &lines(401))]);
    assert!(long.errors.is_empty());
    assert!(
        long.notes
            .iter()
            .any(|note| note.contains("a.rs has 401 lines")),
        "{:?}",
        long.notes
    );
    assert_only(
        &with(&[("crates/context-vars/src/a.rs", &lines(801))]),
        "801 lines, more than 800",
    );
    let generated = with(&[("crates/context-vars/src/generated/a.rs", &lines(801))]);
    assert!(generated.errors.is_empty() && generated.notes.is_empty());
}

#[test]
fn manifest_rules_fire() {
    let findings = edited(VARS, "serde.workspace = true", "serde = \"1\"");
    assert_only(
        &findings,
        "context-vars: serde must come from the workspace",
    );
    assert_only(
        &edited(VARS, "edition.workspace = true", "edition = \"2024\""),
        "edition must come",
    );
    assert_only(
        &edited(VARS, "publish.workspace = true", ""),
        "publish must come",
    );
    assert_only(
        &edited(VARS, "[lints]\nworkspace = true", "[lints.rust]"),
        "lints must come",
    );
    assert_only(
        &edited(VARS, "description = \"d\"", ""),
        "there is no description",
    );
    assert_only(
        &edited(VARS, "json = []", "json = []\nxml = []"),
        "does not mention the feature `xml`",
    );
    let target = "[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[dependencies]";
    assert_only(
        &edited(VARS, "[dependencies]", target),
        "dependencies per target",
    );
}

#[test]
fn the_list_of_dependencies_is_kept() {
    const FILE: &str = "docs/dependencies.md";
    assert_only(
        &edited(FILE, "| `serde` | data in and out |\n", ""),
        "there is no row for serde",
    );
    assert_only(
        &edited(FILE, "data in and out", ""),
        "serde is there without a reason",
    );
    let stale = "data in and out |\n| `openssl` | old |";
    assert_only(
        &edited(FILE, "data in and out |", stale),
        "openssl is no dependency",
    );
}

#[test]
fn text_rules_fire() {
    let a = |text: &str| with(&[("crates/context-vars/src/a.rs", text)]);
    assert_only(&a("//! A. \n"), "a.rs:1: there is space at the end");
    let ignored = concat!("//! A.\n\n/// ```", "ignore\n/// f();\n/// ```\n");
    assert_only(&a(ignored), "a.rs:3: a doc example that is never compiled");
    assert!(a("//! ```no_run\n//! ```\n").errors.is_empty());
    assert_only(&a(concat!("#[", "ignore]\nfn f() {}\n")), "say why");
    assert!(
        a(concat!("#[", "ignore = \"slow\"]\nfn f() {}\n"))
            .errors
            .is_empty()
    );
}

#[test]
fn a_path_of_one_machine_is_found() {
    for bad in [
        concat!("see /wo", "rk/notes"),
        concat!("(/ro", "ot/.cargo)"),
        concat!("HOME=/ro", "ot/x"),
    ] {
        assert_only(
            &with(&[("README.md", bad)]),
            "README.md:1: there is a path of one machine",
        );
        assert_only(
            &with(&[(".ci/run", bad)]),
            ".ci/run:1: there is a path of one machine",
        );
    }
    for good in [
        "/workspace/x",
        "a/work/b",
        "https://x.io/root/y",
        "$HOME/work/z/root/",
    ] {
        assert!(with(&[("README.md", good)]).errors.is_empty(), "{good}");
    }
}

#[test]
fn every_code_block_is_compiled_or_says_what_it_is() {
    const PAGE: &str = "docs/page.md";
    let page = |text: &str| with(&[(PAGE, text)]);
    assert!(page("```text\n```\n\n```sh\n```\n").errors.is_empty());
    assert_only(
        &page("# A\n\n```\nf()\n```\n"),
        "docs/page.md:3: a code block without a language",
    );
    assert_only(&page("```perl\n```\n"), "perl is no language");
    let rust = concat!("```", "rust\nf()\n```\n");
    assert_only(
        &page(rust),
        "docs/page.md: nothing compiles its code blocks",
    );
    let module = (
        "tests/src/page.rs",
        "//! P.\n#[doc = include_str!(\"../../docs/page.md\")]\nstruct P;\n",
    );
    assert_only(
        &with(&[(PAGE, rust), module]),
        "nothing compiles its code blocks",
    );
    let root = ("tests/src/lib.rs", "//! T.\n#[cfg(doctest)]\nmod page;\n");
    let compiled = with(&[(PAGE, rust), module, root]);
    assert!(compiled.errors.is_empty(), "{:?}", compiled.errors);
    let ignored = concat!("```", "rust,ignore\n```\n");
    assert_only(
        &with(&[(PAGE, ignored), module, root]),
        "docs/page.md:1: a code block that is never compiled",
    );
}

#[test]
fn a_line_that_only_rustdoc_hides_is_found_in_a_readme() {
    let module = (
        "tests/src/page.rs",
        "//! P.\n#[doc = include_str!(\"../../README.md\")]\nstruct P;\n",
    );
    let root = ("tests/src/lib.rs", "//! T.\n#[cfg(doctest)]\nmod page;\n");
    let page = |text: &str| with(&[("README.md", text), module, root]);
    for bad in ["# f();", "#", "    # f();"] {
        let text = format!("# A\n\n{}rust\n{bad}\n```\n", "```");
        assert_only(&page(&text), "README.md:4: a line that rustdoc alone hides");
    }
    let good = concat!(
        "# A\n\n```",
        "rust\n#[test]\nfn f() {}\n```\n\n```sh\n# a comment\n```\n"
    );
    assert!(page(good).errors.is_empty(), "{:?}", page(good).errors);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = |text: &str| {
        with(&[
            ("docs/page.md", text),
            (
                "docs/other.md",
                "# Some `thing`, here\n\n## Twice\n\n## Twice\n",
            ),
        ])
    };
    for good in [
        "[a](other.md)",
        "[a](other.md#some-thing-here) [`b`](../crates/context-vars/src/a.rs)",
        "[a](other.md#twice-1)",
        "# Top\n[a](#top) [c](../crates/context-vars)",
        "[a](https://nowhere.invalid/x.md)",
        "`[a](gone.md)`",
        "```text\n[a](gone.md)\n```",
    ] {
        let findings = page(good);
        assert!(findings.errors.is_empty(), "{good}: {:?}", findings.errors);
    }
    assert_only(
        &page("x\n[a](gone.md)"),
        "docs/page.md:2: gone.md: there is no docs/gone.md",
    );
    assert_only(&page("[`a`](../gone.rs)"), "there is no gone.rs");
    assert_only(
        &page("[a](other.md#nothing)"),
        "docs/other.md has no heading for #nothing",
    );
    assert_only(&page("[a](#top)"), "docs/page.md has no heading for #top");
    assert_only(&page("[a](../../out.md)"), "out of the repository");
}

#[test]
fn a_page_that_the_book_lacks_is_found() {
    let book = |summary: &str| with(&[("docs/page.md", "# P\n"), ("docs/SUMMARY.md", summary)]);
    let both = "* [D](dependencies.md)\n* [P](page.md)\n";
    assert!(book(both).errors.is_empty());
    assert_only(
        &book("* [D](dependencies.md)\n"),
        "docs/SUMMARY.md: page.md is missing",
    );
    assert_only(
        &book(&format!("{both}* [Q](q.md)\n")),
        "there is no docs/q.md",
    );
}

#[test]
fn a_claim_needs_a_test_that_runs() {
    const PAGE: &str = "docs/leak-proofing.md";
    let tests = (
        "crates/context-vars/src/a.rs",
        concat!(
            "//! A.\n#[test]\nfn good() {}\nfn helper() {}\n#[test]\n#[",
            "ignore = \"x\"]\nfn asleep() {}\n"
        ),
    );
    let page = |row: &str| with(&[tests, (PAGE, row)]);
    let row = |test: &str, file: &str| {
        format!("| case | left | by |\n|---|---|---|\n| a | b | [`{test}`]({file}) |\n")
    };
    let a = "../crates/context-vars/src/a.rs";
    assert!(page(&row("good", a)).errors.is_empty());
    assert_only(&page(&row("missing", a)), "no test missing that runs");
    assert_only(&page(&row("helper", a)), "no test helper that runs");
    assert_only(&page(&row("asleep", a)), "no test asleep that runs");
    assert_only(&page(&row("good", "../b.rs")), "there is no b.rs");
    assert_only(&page("| a | b | trust us |\n"), "a claim without a test");
}
