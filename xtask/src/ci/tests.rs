//! The steps against a package in which somebody broke what they guard.

use std::fs;

use super::*;

const README: &str = "# One\n\n```rust\nassert_eq!(one::one(), 1);\n```\n";

#[test]
fn a_stale_block_of_the_readme_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    write(
        "Cargo.toml",
        "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    write(
        "src/lib.rs",
        "//! One.\n/// One.\npub fn one() -> u32 { 1 }\n#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]\nstruct Readme;\n",
    );
    write("README.md", README);
    let sh = Shell::new().unwrap();
    sh.change_dir(folder.path());
    cmd!(sh, "cargo generate-lockfile --offline --quiet")
        .quiet()
        .run()
        .unwrap();
    doc_tests(&sh).unwrap();
    // The function has another name now, and the page was forgotten.
    write("README.md", &README.replace("one::one()", "one::first()"));
    doc_tests(&sh).unwrap_err();
    write("README.md", &README.replace("1);", "2);"));
    doc_tests(&sh).unwrap_err();
}

#[test]
fn a_lane_that_is_not_there_is_refused() {
    let error = Options::parse(&["slow".to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "ci does not know slow");
    assert_eq!(
        Options::parse(&["full".to_owned()]).unwrap().lane,
        Lane::Full
    );
}
