//! What a manifest must inherit and document.

use anyhow::Result;
use toml::Value;

use super::Findings;
use super::tree::{Package, Tree};

const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) -> Result<()> {
    for package in tree.packages()? {
        inherits(&package, findings);
        uses_workspace_versions(&package, findings);
        documents_features(tree, &package, findings);
    }
    Ok(())
}

fn inherits(package: &Package<'_>, findings: &mut Findings) {
    let name = package.name();
    let from_workspace = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    let table = package.manifest.get("package");
    let get = |key: &str| table.and_then(|table| table.get(key));
    for key in INHERITED {
        if !from_workspace(get(key)) {
            findings.error(format!("{name}: {key} must come from the workspace"));
        }
    }
    if !from_workspace(get("publish")) && get("publish").and_then(Value::as_bool) != Some(false) {
        findings.error(format!(
            "{name}: publish must come from the workspace or be false"
        ));
    }
    if get("description")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        findings.error(format!("{name}: there is no description"));
    }
    if !from_workspace(package.manifest.get("lints")) {
        findings.error(format!("{name}: lints must come from the workspace"));
    }
}

fn uses_workspace_versions(package: &Package<'_>, findings: &mut Findings) {
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (used, entry) in package.entries(table) {
            if entry.get("workspace").and_then(Value::as_bool) != Some(true) {
                findings.error(format!(
                    "{}: {used} must come from the workspace",
                    package.name()
                ));
            }
        }
    }
    if package.manifest.contains_key("target") {
        findings.error(format!(
            "{}: dependencies per target are not checked here",
            package.name()
        ));
    }
}

/// Every feature is named in the crate's own documentation.
fn documents_features(tree: &Tree, package: &Package<'_>, findings: &mut Findings) {
    let root = ["lib.rs", "main.rs"];
    let source = root
        .iter()
        .find_map(|file| tree.get(&format!("{}/src/{file}", package.folder)));
    let docs: String = source
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    for (feature, _) in package.entries("features") {
        if feature != "default" && !docs.contains(&format!("`{feature}`")) {
            findings.error(format!(
                "{}: lib.rs does not mention the feature `{feature}`",
                package.name()
            ));
        }
    }
}
