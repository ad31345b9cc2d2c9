//! `cargo xtask tidy`: the rules of this workspace that no compiler checks.

mod arrows;
mod dependencies;
mod front;
mod layout;
mod manifests;
mod pages;
mod proofs;
pub(crate) mod shown;
mod text;
pub(crate) mod tree;

use std::path::Path;

use anyhow::{Result, bail};

use self::tree::Tree;
use crate::pages as drawn;

/// What the rules found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Broken rules.
    pub(crate) errors: Vec<String>,
    /// Worth a look, no more.
    pub(crate) notes: Vec<String>,
}

impl Findings {
    fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// Checks every rule; the summary to print, or all broken rules.
pub(crate) fn run(root: &Path) -> Result<String> {
    let tree = Tree::read(root)?;
    let mut findings = check(&tree)?;
    arrows::foreign(root, &mut findings)?;
    for note in &findings.notes {
        println!("note: {note}");
    }
    if findings.errors.is_empty() {
        return Ok(format!("{} files are tidy", tree.files.len()));
    }
    for error in &findings.errors {
        println!("error: {error}");
    }
    bail!("{} rules are broken", findings.errors.len());
}

/// The rules that need nothing but the files.
fn check(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::default();
    arrows::ours(tree, &mut findings)?;
    dependencies::check(tree, &mut findings)?;
    front::check(tree, &mut findings)?;
    layout::check(tree, &mut findings);
    manifests::check(tree, &mut findings)?;
    pages::check(tree, &mut findings);
    for problem in drawn::check(tree) {
        findings.error(problem);
    }
    proofs::check(tree, &mut findings);
    shown::check(tree, &mut findings)?;
    text::check(tree, &mut findings)?;
    Ok(findings)
}

#[cfg(test)]
mod tests;
