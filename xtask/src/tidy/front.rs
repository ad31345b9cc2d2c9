//! The page of each library: what it is for, an example that runs, then the same headings in the same order.

use anyhow::Result;

use super::Findings;
use super::tree::Tree;

/// Others may stand between them.
const HEADINGS: &[&str] = &[
    "# Concepts",
    "# Features",
    "# Errors",
    "# Cancel safety",
    "# Stability",
];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) -> Result<()> {
    for package in tree.packages()? {
        let path = format!("{}/src/lib.rs", package.folder);
        let is_macro = package
            .entries("lib")
            .any(|(key, value)| key == "proc-macro" && value.as_bool() == Some(true));
        let Some(text) = tree
            .get(&path)
            .filter(|_| package.folder.starts_with("crates/") && !is_macro)
        else {
            continue;
        };
        let page: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        for problem in judge(&page) {
            findings.error(format!("{path}: {problem}"));
        }
    }
    Ok(())
}

fn judge(page: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut inside = false;
    let mut example = None;
    let mut headings = Vec::new();
    for (at, line) in page.iter().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            if !inside && headings.is_empty() && example.is_none() {
                example = Some((at, info));
            }
            inside = !inside;
        } else if !inside && line.starts_with("# ") {
            headings.push(*line);
        }
    }
    match example {
        None => problems.push("there is no example before the first heading".to_owned()),
        Some((0, _)) => problems.push("say in a sentence what it is for, then show it".to_owned()),
        Some((_, info)) if !matches!(info, "" | "rust") => {
            problems.push(format!("its first example does not run: {info}"));
        }
        Some(_) => {}
    }
    let mut wanted = HEADINGS.iter().peekable();
    for heading in &headings {
        wanted.next_if(|next| *next == heading);
    }
    if let Some(missing) = wanted.next() {
        problems.push(format!(
            "`{missing}` is missing or not in its place; the order: {}",
            HEADINGS.join(", ")
        ));
    }
    problems
}
