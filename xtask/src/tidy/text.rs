//! What no line may hold.

use anyhow::Result;

use super::Findings;
use super::tree::{Tree, is_generated};

/// Folders of the machine something was written on. In two parts: this file is checked too.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) -> Result<()> {
    let version = version(tree)?;
    for (path, text) in &tree.files {
        let is_rust = path.ends_with(".rs");
        let is_snapshot = path.ends_with(".snap");
        let is_data = is_snapshot || is_generated(path);
        for (number, line) in text.lines().enumerate() {
            let at = format!("{path}:{}", number + 1);
            if line.ends_with([' ', '\t']) && !is_data {
                findings.error(format!("{at}: there is space at the end of the line"));
            }
            if names_machine(line) {
                findings.error(format!("{at}: there is a path of one machine"));
            }
            if is_snapshot
                && version
                    .as_deref()
                    .is_some_and(|version| line.contains(version))
            {
                findings.error(format!(
                    "{at}: a snapshot with our version in it fails at the next release"
                ));
            }
            if is_rust {
                rust_line(&at, line.trim_start(), findings);
            }
        }
    }
    Ok(())
}

/// The version that all crates share.
fn version(tree: &Tree) -> Result<Option<String>> {
    let workspace = tree.workspace()?;
    let version = workspace
        .get("workspace")
        .and_then(|table| table.get("package")?.get("version")?.as_str());
    Ok(version.map(str::to_owned))
}

fn rust_line(at: &str, line: &str, findings: &mut Findings) {
    let fence = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"));
    if let Some(info) = fence.and_then(|doc| doc.trim_start().strip_prefix("```"))
        && info.split(',').any(|word| word.trim() == "ignore")
    {
        findings.error(format!("{at}: a doc example that is never compiled"));
    }
    if line.starts_with(concat!("#[", "ignore]")) {
        findings.error(format!("{at}: say why the test is ignored"));
    }
}

/// Whether an absolute path into one of those folders stands in the line.
fn names_machine(line: &str) -> bool {
    MACHINE.iter().any(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            // Preceded by more path it is a relative one, or a URL's.
            !before.is_some_and(|c| {
                c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '*' | '~' | '/')
            })
        })
    })
}
