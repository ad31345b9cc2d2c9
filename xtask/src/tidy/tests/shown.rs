//! Pages that show what is not there, and crate pages out of order.

use super::*;
use crate::tidy::shown;

const PAGE: &str = "docs/wire.md";

/// A workspace with a page and the package that is written from it.
fn shows(block: &str, consumer: &str) -> Findings {
    let (_, manifest) = GOOD[0];
    let manifest = manifest.replace(
        "[workspace.dependencies]",
        "[workspace.package]\nversion = \"0.3.1\"\n[workspace.dependencies]",
    );
    let page = format!("# A\n\n{0}toml\n{block}{0}\n", "```");
    with(&[
        ("Cargo.toml", &manifest),
        (PAGE, &page),
        (
            "docs/SUMMARY.md",
            "* [A](wire.md)\n* [D](dependencies.md)\n",
        ),
        ("tests/consumers/wire/Cargo.toml", consumer),
    ])
}

const SHOWN: &str =
    "[dependencies]\ncontext-vars = { version = \"0.3\", features = [\"json\"] }\nserde = \"1\"\n";
const NEEDED: &str =
    "[workspace]\n[dependencies]\ncontext-vars = { path = \"x\", features = [\"json\"] }\n";

#[test]
fn a_manifest_on_a_page_is_what_a_stranger_needs() {
    let findings = shows(SHOWN, NEEDED);
    assert!(findings.errors.is_empty(), "{:?}", findings.errors);
    let more = format!("{NEEDED}serde = \"1\"\n");
    assert!(shows(SHOWN, &more).errors.is_empty());
    let dev = format!("{NEEDED}[dev-dependencies]\nserde = \"1\"\n");
    assert_only(
        &shows(SHOWN, &dev),
        "docs/wire.md: this is not what tests/consumers/wire/Cargo.toml needs: serde is not under [dev-dependencies]",
    );
    let plain = NEEDED.replace(", features = [\"json\"]", "");
    assert_only(
        &shows(SHOWN, &plain),
        "context-vars under [dependencies] is { features = [\"json\"] }, not {}",
    );
    let core = format!("{SHOWN}sandbox-core = \"0.3\"\n");
    assert_only(
        &shows(&core, NEEDED),
        "sandbox-core under [dependencies] is not used",
    );
    assert_only(
        &shows("", NEEDED),
        "context-vars is not under [dependencies]",
    );
}

#[test]
fn a_version_or_a_feature_that_is_not_there_is_found() {
    let edited = |from: &str, to: &str| {
        assert!(SHOWN.contains(from));
        shows(&SHOWN.replace(from, to), "[workspace]\n[dependencies]\n")
            .errors
            .first()
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        edited("\"0.3\"", "\"0.2\""),
        "docs/wire.md:3: context-vars is at \"0.3\", the page says \"0.2\""
    );
    assert_eq!(
        edited("json", "xml"),
        "docs/wire.md:3: context-vars has no feature `xml`"
    );
    assert_eq!(
        edited("serde = \"1\"", "serde = \"2\""),
        "docs/wire.md:3: serde is used at \"1\", the page says \"2\""
    );
    assert_eq!(
        edited("serde =", "serd ="),
        "docs/wire.md:3: serd is no dependency of the workspace"
    );
    assert!(edited("serde = \"1\"", "serde = \"1").contains("docs/wire.md:3: no TOML"));
}

#[test]
fn a_package_without_a_page_is_found() {
    assert_only(
        &with(&[("tests/consumers/other/Cargo.toml", "[workspace]\n")]),
        "tests/consumers/other/Cargo.toml: no page is named for it",
    );
    assert_only(
        &with(&[("tests/consumers/wire/Cargo.toml", "[workspace]\n")]),
        "docs/wire.md: this is not what tests/consumers/wire/Cargo.toml needs: it shows no manifest",
    );
}

#[test]
fn a_release_takes_the_pages_along() {
    let page = |version: &str| {
        format!(
            "alpha = \"0.1\"\n\n{0}toml\nalpha = \"{version}\"\nbeta = {{ version = \"{version}\", features = [\"a\"] }}\n\
             serde = \"0.1\"\n{0}\n\n{0}text\nalpha = \"0.1\"\n{0}\n",
            "```"
        )
    };
    let ours = ["alpha", "beta"];
    assert_eq!(shown::bump(&page("0.1"), &ours, "0.2.0"), page("0.2"));
    assert_eq!(shown::bump(&page("0.1"), &ours, "1.2.0"), page("1"));
    assert_eq!(shown::bump(&page("0.1"), &ours, "0.1.7"), page("0.1"));
}

#[test]
fn a_crate_page_out_of_order_is_found() {
    const LIB: &str = "crates/sandbox-core/src/lib.rs";
    let edited = |from: &str, to: &str| {
        let page = front!();
        assert!(page.contains(from));
        with(&[(LIB, &page.replace(from, to))])
    };
    assert_only(
        &edited("//! # Errors\n", ""),
        "`# Errors` is missing or not in its place",
    );
    assert_only(
        &edited("# Features\n//! # Errors", "# Errors\n//! # Features"),
        "`# Errors` is missing or not in its place",
    );
    let more = edited("//! # Errors", "//! # Tracing\n//! # Errors");
    assert!(more.errors.is_empty(), "{:?}", more.errors);
    let no_run = edited(concat!("``", "`\n//! ``"), concat!("``", "`no_run\n//! ``"));
    assert_only(&no_run, "its first example does not run: no_run");
    let none = edited(concat!("//! ``", "`\n//! ``", "`\n"), "");
    assert_only(&none, "there is no example before the first heading");
    let bare = edited("//! Docs. The feature `json` does things.\n//!\n", "");
    assert_only(&bare, "say in a sentence what it is for");
}

#[test]
fn a_snapshot_that_a_release_would_break_is_found() {
    let shown = |version: &str| {
        let (path, manifest) = GOOD[0];
        let manifest = format!("{manifest}[workspace.package]\nversion = \"0.3.1\"\n");
        let snapshot = format!("---\n---\nagent/{version}\n");
        with(&[
            (path, &manifest),
            ("tests/snapshots/a.snap", snapshot.as_str()),
        ])
    };
    assert_only(
        &shown("0.3.1"),
        "tests/snapshots/a.snap:3: a snapshot with our version",
    );
    assert!(shown("0.3.0").errors.is_empty());
}
