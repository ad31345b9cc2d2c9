//! Diagrams of what the code has already: the arrows between the crates, and the states of a slot.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use crate::tidy::tree::Tree;

/// Written by the test that walks through all states.
pub(super) const TRANSITIONS: &str = "crates/sandbox-core/src/cache/slot/tests/snapshots/sandbox_core__cache__slot__tests__walk__transitions.snap";

/// The page with its diagrams as the code has them.
pub(super) fn draw(tree: &Tree, page: &str) -> Result<String> {
    let mut missing = BTreeSet::from(["crates", "slot"]);
    let drawn = super::replace(page, |what, _| {
        missing.remove(what);
        let lines = match what {
            "crates" => crates(tree)?,
            "slot" => slot(tree)?,
            other => bail!("nothing draws `{other}`"),
        };
        Ok(format!("\n```mermaid\n{lines}```\n\n"))
    })?;
    if let Some(what) = missing.first() {
        bail!("there is no `<!-- begin {what} -->`");
    }
    Ok(drawn)
}

/// What each crate is built on. What only a feature brings is dotted; what only tests use is left out.
fn crates(tree: &Tree) -> Result<String> {
    let packages = tree.packages()?;
    let ours = || {
        packages
            .iter()
            .filter(|package| package.folder.starts_with("crates/"))
    };
    let mut text = String::from("flowchart LR\n");
    for package in ours() {
        for (used, entry) in package.entries("dependencies") {
            if !ours().any(|other| other.name() == used) {
                continue;
            }
            let optional = entry.get("optional").and_then(toml::Value::as_bool) == Some(true);
            let arrow = if optional { "-.->" } else { "-->" };
            let _ = writeln!(text, "    {} {arrow} {used}", package.name());
        }
    }
    Ok(text)
}

/// One arrow per line of the snapshot, `From -> To: event`.
fn slot(tree: &Tree) -> Result<String> {
    let snapshot = tree
        .get(TRANSITIONS)
        .with_context(|| format!("there is no {TRANSITIONS}"))?;
    let (_, body) = snapshot
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("---\n"))
        .context("the snapshot of the slot's transitions has no body")?;
    let mut text = String::from("stateDiagram-v2\n    [*] --> Vacant\n");
    for line in body.lines() {
        let (from, rest) = line
            .split_once(" -> ")
            .with_context(|| format!("`{line}` is no transition"))?;
        let _ = writeln!(text, "    {from} --> {rest}");
    }
    Ok(text)
}
