//! Each guard against a workspace in which somebody broke what it guards.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A workspace of two crates without dependencies of others, so that it builds in a moment and without a network.
const GOOD: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"alpha\", \"beta\"]\n",
    ),
    (
        "alpha/Cargo.toml",
        "[package]\nname = \"alpha\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.85\"\n\
         license = \"MIT\"\n[features]\nloud = []\nlouder = []\n[dependencies]\nbeta = { path = \"../beta\", version = \"0.1.0\" }\n",
    ),
    (
        "alpha/src/lib.rs",
        "//! Alpha.\n#[cfg(feature = \"loud\")]\npub mod loud;\n/// Speaks.\npub fn speak() -> u32 { 1 }\n",
    ),
    (
        "alpha/src/loud.rs",
        "//! Loud.\n/// Shouts.\npub fn shout() {}\n",
    ),
    (
        "beta/Cargo.toml",
        "[package]\nname = \"beta\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.85\"\nlicense = \"MIT\"\n",
    ),
    (
        "beta/src/lib.rs",
        "//! Beta.\n/// A type of somebody else.\npub struct Foreign;\n",
    ),
];

struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        for (path, text) in GOOD {
            fixture.write(path, text);
        }
        fixture.lock();
        fixture
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
        self.lock();
    }

    fn lock(&self) {
        let sh = Shell::new().unwrap();
        sh.change_dir(self.root());
        xshell::cmd!(sh, "cargo generate-lockfile --offline --quiet")
            .quiet()
            .run()
            .unwrap();
    }

    fn release(&self, bless: bool) -> Release<'_> {
        Release::of(self.root(), bless).unwrap()
    }

    fn run(&self, step: &str, bless: bool) -> Result<String> {
        let (.., step) = STEPS.iter().find(|(name, ..)| *name == step).unwrap();
        step(&self.release(bless))
    }

    /// Passes as it is, once what is there is held.
    fn held(step: &str) -> Self {
        let fixture = Self::new();
        fixture.run(step, true).unwrap();
        fixture.run(step, false).unwrap();
        fixture
    }

    #[track_caller]
    fn caught(&self, step: &str, expected: &[&str]) {
        let error = format!("{:#}", self.run(step, false).unwrap_err());
        for expected in expected {
            assert!(error.contains(expected), "{expected} is not in: {error}");
        }
    }
}

#[test]
fn a_renamed_public_function_is_caught() {
    let fixture = Fixture::held("api");
    fixture.edit("alpha/src/lib.rs", "pub fn speak", "pub fn talk");
    fixture.caught(
        "api",
        &[
            "alpha.txt changed",
            "- pub fn alpha::speak() -> u32",
            "+ pub fn alpha::talk() -> u32",
            "--bless",
        ],
    );
}

#[test]
fn an_exposed_foreign_type_is_caught_until_it_is_allowed() {
    let fixture = Fixture::held("api");
    fixture.edit(
        "alpha/src/lib.rs",
        "-> u32 { 1 }",
        "-> beta::Foreign { beta::Foreign }",
    );
    fixture.run("api", true).unwrap_err();
    fixture.caught("api", &["alpha shows types of beta"]);
    fixture.write("xtask/release/foreign.toml", "alpha = [\"beta\"]\n");
    fixture.run("api", false).unwrap();
}

#[test]
fn a_path_names_its_first_crate_only() {
    let api = "pub fn own::a(http::uri::Uri, &core::fmt::Formatter<'_>) -> own::R<bytes::Bytes>\n\
               impl<T: own::T> serde_core::Serialize for own::Kind::A\npub own::Kind::B::x: <P as own::T>::Out";
    let found: Vec<_> = api::foreign(api, "own").into_iter().collect();
    assert_eq!(found, ["bytes", "http", "serde_core"]);
}

#[test]
fn a_feature_that_does_not_compile_alone_is_caught() {
    let fixture = Fixture::new();
    fixture.run("features", false).unwrap();
    fixture.edit(
        "alpha/src/lib.rs",
        "//! Alpha.\n",
        "//! Alpha.\n#[cfg(feature = \"louder\")]\npub use loud::shout;\n",
    );
    fixture.caught("features", &["alpha with louder"]);
}

#[test]
fn a_crate_that_lives_on_its_neighbours_features_is_caught() {
    let fixture = Fixture::new();
    alone(fixture.root()).unwrap();
    // Whatever is built with alpha gets it; beta alone does not.
    fixture.edit(
        "beta/Cargo.toml",
        "license = \"MIT\"\n",
        "license = \"MIT\"\n[features]\nmore = []\n",
    );
    fixture.edit(
        "beta/src/lib.rs",
        "pub struct Foreign;\n",
        "pub struct Foreign;\n#[cfg(feature = \"more\")]\nmod more { pub(crate) const MORE: u32 = 1; }\n\
         /// More.\n#[must_use]\npub fn more() -> u32 { more::MORE }\n",
    );
    fixture.edit(
        "alpha/Cargo.toml",
        "path = \"../beta\"",
        "path = \"../beta\", features = [\"more\"]",
    );
    let sh = fixture.release(false).sh;
    xshell::cmd!(sh, "cargo check --quiet --workspace")
        .quiet()
        .run()
        .unwrap();
    let error = format!("{:#}", alone(fixture.root()).unwrap_err());
    assert!(
        error.contains("beta with default, beta with none"),
        "{error}"
    );
    assert!(!error.contains("alpha"), "{error}");
}

#[test]
fn a_dependency_too_many_is_caught() {
    let fixture = Fixture::held("budget");
    fixture.write("gamma/Cargo.toml", &GOOD[4].1.replace("beta", "gamma"));
    fixture.write("gamma/src/lib.rs", "//! Gamma.\n");
    fixture.edit("Cargo.toml", "\"beta\"]", "\"beta\", \"gamma\"]");
    fixture.edit(
        "beta/Cargo.toml",
        "license = \"MIT\"\n",
        "license = \"MIT\"\n[dependencies]\ngamma = { path = \"../gamma\" }\n",
    );
    fixture.caught(
        "budget",
        &[
            "alpha (default) brings 2 crates, 1 are allowed",
            "gamma (default) brings 0 crates and has no budget",
        ],
    );
}

#[test]
fn a_file_that_slips_into_a_package_is_caught() {
    let fixture = Fixture::held("files");
    fixture.write("alpha/notes.txt", "private\n");
    fixture.caught("files", &["alpha.txt changed (1 lines)", "+ notes.txt"]);
}

#[test]
fn a_newer_rust_than_this_one_is_caught() {
    let fixture = Fixture::new();
    fixture.run("toolchain", false).unwrap();
    fixture.edit(
        "beta/Cargo.toml",
        "rust-version = \"1.85\"",
        "rust-version = \"1.999\"",
    );
    fixture.caught("toolchain", &["beta promises Rust 1.999"]);
}

#[test]
fn a_forbidden_licence_is_caught() {
    let fixture = Fixture::new();
    if !fixture.release(false).has(deny::TOOL) {
        println!("SKIPPED: cargo-deny is not installed; `cargo xtask release check` installs it");
        return;
    }
    fixture.write("deny.toml", include_str!("../../../deny.toml"));
    fixture.run("deny", false).unwrap();
    fixture.edit(
        "beta/Cargo.toml",
        "license = \"MIT\"",
        "license = \"GPL-3.0-only\"",
    );
    fixture.caught("deny", &["deny.toml"]);
}

#[test]
fn a_book_that_does_not_build_is_caught() {
    let fixture = Fixture::new();
    if !fixture.release(false).has(book::TOOL) {
        println!("SKIPPED: mdbook is not installed; `cargo xtask release check` installs it");
        return;
    }
    fixture.write("book.toml", include_str!("../../../book.toml"));
    fixture.write("docs/SUMMARY.md", "# Summary\n\n* [One](one.md)\n");
    fixture.write("docs/one.md", "# One\n");
    fixture.run("book", false).unwrap();
    fixture.write("docs/one.md", "# One\n\n<div>\n\nnever closed\n");
    fixture.caught("book", &["unclosed HTML tag"]);
    fixture.write("docs/one.md", "# One\n");
    fixture.write("book.toml", "[book]\nsrc = \"nowhere\"\n");
    fixture.caught("book", &["mdbook"]);
}

#[test]
fn a_tool_that_is_not_there_is_said_to_be_missing() {
    let fixture = Fixture::new();
    let step: fn(&Release<'_>) -> Result<String> = |_| Ok("done".to_owned());
    let said = where_installed(fixture.root(), "cargo-none-of-that-name", step).unwrap();
    assert!(
        said.starts_with("SKIPPED: cargo-none-of-that-name is not installed"),
        "{said}"
    );
    assert_eq!(
        where_installed(fixture.root(), "cargo", step).unwrap(),
        "done"
    );
}

#[test]
fn without_a_tag_there_is_nothing_to_compare_with() {
    let fixture = Fixture::new();
    let sh = fixture.release(false).sh;
    xshell::cmd!(sh, "git init --quiet").quiet().run().unwrap();
    xshell::cmd!(
        sh,
        "git -c user.name=a -c user.email=a@b commit --quiet --allow-empty -m first"
    )
    .quiet()
    .run()
    .unwrap();
    assert!(
        fixture
            .run("semver", false)
            .unwrap()
            .contains("first release")
    );
}

#[test]
fn crates_come_after_what_they_stand_on() {
    let fixture = Fixture::new();
    let names: Vec<_> = fixture
        .release(false)
        .members
        .0
        .into_iter()
        .map(|member| member.name)
        .collect();
    assert_eq!(names, ["beta", "alpha"]);
}

#[test]
fn a_step_that_is_not_there_is_named() {
    let error = Options::parse(&["--only".to_owned(), "licences".to_owned()]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("there is no step licences; there are toolchain, budget"),
        "{error}"
    );
}

#[test]
fn a_consumer_that_gets_more_than_its_crate_is_caught() {
    let fixture = Fixture::new();
    fixture.write(
        "tests/consumers/one/Cargo.toml",
        "[workspace]\n[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\nalpha = { path = \"../../../alpha\" }\n",
    );
    fixture.write(
        "tests/consumers/one/src/lib.rs",
        "#[test]\nfn speaks() { assert_eq!(alpha::speak(), 1) }\n",
    );
    fixture.caught("consumers", &["holds {\"one\"}", "names {}"]);
    fixture.write("xtask/release/consumers.toml", "one = [\"alpha\"]\n");
    fixture.caught(
        "consumers",
        &["has {\"alpha\", \"beta\"} of ours in its tree"],
    );
    fixture.write(
        "xtask/release/consumers.toml",
        "one = [\"alpha\", \"beta\"]\n",
    );
    fixture.run("consumers", false).unwrap();
    fixture.write(
        "tests/consumers/one/src/lib.rs",
        "#[test]\nfn speaks() { assert_eq!(alpha::speak(), 2) }\n",
    );
    fixture.caught("consumers", &["tests/consumers/one", "left: 1", "right: 2"]);
}

#[test]
fn a_package_whose_test_fails_says_what_the_test_said() {
    let fixture = Fixture::new();
    let test = |name: &str| {
        let release = fixture.release(false);
        package::test(&release.sh, name, &release.target_dir())
    };
    test("beta").unwrap();
    fixture.write(
        "beta/tests/it.rs",
        "#[test]\nfn fails() { println!(\"first of all\"); assert_eq!(3 + 4, 8, \"badly added\"); }\n",
    );
    let error = format!("{:#}", test("beta").unwrap_err());
    for said in [
        "beta, built from its package alone",
        "first of all",
        "badly added",
        "left: 7",
    ] {
        assert!(error.contains(said), "{said} is not in: {error}");
    }
    fixture.write("beta/tests/it.rs", "fn broken( {}\n");
    let error = format!("{:#}", test("beta").unwrap_err());
    assert!(error.contains("tests/it.rs:1"), "{error}");
}
