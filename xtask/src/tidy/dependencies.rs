//! docs/dependencies.md: a row for each dependency, none for those that went.

use anyhow::Result;
use toml::Value;

use super::Findings;
use super::tree::Tree;

const FILE: &str = "docs/dependencies.md";

pub(crate) fn check(tree: &Tree, findings: &mut Findings) -> Result<()> {
    let workspace = tree.workspace()?;
    let table = workspace
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    let mut wanted = Vec::new();
    for (name, entry) in table.and_then(Value::as_table).into_iter().flatten() {
        if entry.get("path").is_none() {
            wanted.push(name.as_str());
        }
    }
    let rows = rows(tree.get(FILE).unwrap_or_default());
    for name in &wanted {
        match rows.iter().find(|(row, _)| row == name) {
            Some((_, why)) if !why.is_empty() => {}
            Some(_) => findings.error(format!("{FILE}: {name} is there without a reason")),
            None => findings.error(format!("{FILE}: there is no row for {name}")),
        }
    }
    for (row, _) in rows {
        if !wanted.contains(&row) {
            findings.error(format!("{FILE}: {row} is no dependency of the workspace"));
        }
    }
    Ok(())
}

/// Name and reason of each table row that begins with a name in code style.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let row = |line: &'_ str| -> Option<(usize, usize)> {
        let rest = line.strip_prefix("| `")?;
        let end = rest.find("` |")?;
        Some((3, 3 + end))
    };
    text.lines()
        .filter_map(|line| {
            let (start, end) = row(line)?;
            let why = line.get(end + 3..)?.trim().trim_end_matches('|').trim();
            Some((line.get(start..end)?, why))
        })
        .collect()
}
