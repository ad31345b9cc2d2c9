//! Small packages outside the workspace, each standing on one crate as a stranger's would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::{Release, quietly};

const FOLDER: &str = "tests/consumers";
/// Which of our crates each consumer gets, all of them named.
const FILE: &str = "consumers.toml";

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let held = fs::read_to_string(release.held(FILE)).unwrap_or_default();
    let expected: BTreeMap<String, BTreeSet<String>> =
        held.parse::<toml::Table>()?.try_into().context(FILE)?;
    let folder = release.root.join(FOLDER);
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            found.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let named: BTreeSet<String> = expected.keys().cloned().collect();
    if named != found {
        bail!("{FOLDER} holds {found:?}, xtask/release/{FILE} names {named:?}");
    }
    let ours: BTreeSet<&str> = release
        .members
        .0
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    let target = release.target_dir();
    for (consumer, allowed) in &expected {
        let manifest = folder.join(consumer).join("Cargo.toml");
        let sh = &release.sh;
        let tree = cmd!(
            sh,
            "cargo tree --edges normal,build,dev --prefix none --manifest-path {manifest}"
        )
        .quiet()
        .read()?;
        judge(consumer, &tree, &ours, allowed)?;
        let tests = cmd!(
            sh,
            "cargo test --quiet --manifest-path {manifest} --target-dir {target}"
        );
        quietly(
            tests.env("RUSTFLAGS", "-D warnings"),
            &format!("{FOLDER}/{consumer}"),
        )?;
    }
    Ok(format!("{} built and run", expected.len()))
}

/// Exactly the crates of ours that are named must be in the tree.
pub(super) fn judge(
    consumer: &str,
    tree: &str,
    ours: &BTreeSet<&str>,
    allowed: &BTreeSet<String>,
) -> Result<()> {
    let found: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| ours.contains(name))
        .collect();
    let allowed: BTreeSet<&str> = allowed.iter().map(String::as_str).collect();
    if found != allowed {
        bail!(
            "{FOLDER}/{consumer} has {found:?} of ours in its tree, {allowed:?} are named in xtask/release/{FILE}"
        );
    }
    Ok(())
}
