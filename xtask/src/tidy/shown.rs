//! The manifests on pages: what a reader copies must be what there is, and what a stranger's package was built with.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::Findings;
use super::pages::{Line, is_page, lines};
use super::tree::Tree;

/// The page from which each package in tests/consumers is written.
const CONSUMERS: &[(&str, &str)] = &[
    ("embedded", "docs/testing-offline.md"),
    ("factory", "docs/application-teams.md"),
    ("provider", "docs/writing-a-factory.md"),
    ("tools", "docs/tools-and-mcp.md"),
    ("variables", "docs/variables.md"),
    ("wire", "docs/wire.md"),
];
const FOLDER: &str = "tests/consumers/";
const TABLES: &[&str] = &["dependencies", "dev-dependencies"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) -> Result<()> {
    let known = Known::read(tree)?;
    let mut shown: BTreeMap<&str, Vec<Table>> = BTreeMap::new();
    for (path, text) in tree.files.iter().filter(|(path, _)| is_page(path)) {
        for (number, block) in blocks(text) {
            match block.parse::<Table>() {
                Ok(table) => {
                    known.judge(&format!("{path}:{number}"), &table, findings);
                    shown.entry(path).or_default().push(table);
                }
                Err(error) => findings.error(format!("{path}:{number}: no TOML: {error}")),
            }
        }
    }
    for (path, text) in &tree.files {
        let consumer = path
            .strip_prefix(FOLDER)
            .and_then(|rest| rest.strip_suffix("/Cargo.toml"));
        let Some(consumer) = consumer else { continue };
        let Some((_, page)) = CONSUMERS.iter().find(|(name, _)| *name == consumer) else {
            findings.error(format!(
                "{path}: no page is named for it in xtask/src/tidy/shown.rs"
            ));
            continue;
        };
        let manifest = text.parse().with_context(|| path.clone())?;
        let shown = shown.get(page).map(Vec::as_slice).unwrap_or_default();
        if !shown
            .iter()
            .any(|block| known.differs(block, &manifest).is_none())
        {
            let why = shown.first().map_or_else(
                || "it shows no manifest".to_owned(),
                |block| known.differs(block, &manifest).unwrap_or_default(),
            );
            findings.error(format!("{page}: this is not what {path} needs: {why}"));
        }
    }
    Ok(())
}

/// What there is to depend on.
struct Known {
    /// With their features.
    ours: BTreeMap<String, Vec<String>>,
    /// The part of our version that a requirement says.
    requirement: String,
    /// What the workspace asks of everyone else's.
    foreign: BTreeMap<String, String>,
}

impl Known {
    fn read(tree: &Tree) -> Result<Self> {
        let mut ours = BTreeMap::new();
        for package in tree.packages()? {
            if package.folder.starts_with("crates/") {
                let features = package
                    .entries("features")
                    .map(|(name, _)| name.clone())
                    .collect();
                ours.insert(package.name().to_owned(), features);
            }
        }
        let workspace = tree.workspace()?;
        let workspace = workspace.get("workspace");
        let version = workspace
            .and_then(|workspace| workspace.get("package")?.get("version")?.as_str())
            .unwrap_or_default();
        let dependencies = workspace
            .and_then(|workspace| workspace.get("dependencies")?.as_table())
            .into_iter()
            .flatten();
        Ok(Self {
            ours,
            requirement: requirement(version),
            foreign: dependencies
                .filter_map(|(name, entry)| Some((name.clone(), version_of(entry)?)))
                .collect(),
        })
    }

    fn judge(&self, at: &str, block: &Table, findings: &mut Findings) {
        for (name, entry) in entries(block) {
            let asked = version_of(entry).unwrap_or_default();
            if let Some(features) = self.ours.get(name) {
                if asked != self.requirement {
                    let is = &self.requirement;
                    findings.error(format!(
                        "{at}: {name} is at \"{is}\", the page says \"{asked}\""
                    ));
                }
                for feature in features_of(entry) {
                    if !features.contains(&feature) {
                        findings.error(format!("{at}: {name} has no feature `{feature}`"));
                    }
                }
                continue;
            }
            match self.foreign.get(name) {
                None => findings.error(format!("{at}: {name} is no dependency of the workspace")),
                Some(ours) if !is_begun_by(ours, &asked) => findings.error(format!(
                    "{at}: {name} is used at \"{ours}\", the page says \"{asked}\""
                )),
                Some(_) => {}
            }
        }
    }

    /// The first thing that a package lacks if it takes its dependencies from the block.
    fn differs(&self, block: &Table, manifest: &Table) -> Option<String> {
        for table in TABLES {
            let get = |from: &Table| -> BTreeMap<String, Value> {
                let entries = from.get(*table).and_then(Value::as_table);
                let entries = entries.into_iter().flatten();
                entries
                    .map(|(name, entry)| (name.clone(), self.plain(name, entry)))
                    .collect()
            };
            let (shown, needed) = (get(block), get(manifest));
            for (name, entry) in &needed {
                match shown.get(name) {
                    None => return Some(format!("{name} is not under [{table}]")),
                    Some(other) if other != entry => {
                        return Some(format!("{name} under [{table}] is {other}, not {entry}"));
                    }
                    Some(_) => {}
                }
            }
            let more =
                |name: &&String| self.ours.contains_key(*name) && !needed.contains_key(*name);
            if let Some(name) = shown.keys().find(more) {
                return Some(format!("{name} under [{table}] is not used"));
            }
        }
        None
    }

    /// An entry as a table, where ours is found left out.
    fn plain(&self, name: &str, entry: &Value) -> Value {
        let mut table = match entry {
            Value::Table(table) => table.clone(),
            other => Table::from_iter([("version".to_owned(), other.clone())]),
        };
        if self.ours.contains_key(name) {
            table.remove("version");
            table.remove("path");
        }
        Value::Table(table)
    }
}

/// The page with requirements of our crates as they are once the workspace has this version.
pub(crate) fn bump(page: &str, ours: &[&str], version: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for line in page.split_inclusive('\n') {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            inside = !inside && info.trim() == "toml";
        }
        let is_ours = || {
            let name = line.split_once(" = ").map(|(name, _)| name);
            name.is_some_and(|name| ours.contains(&name))
        };
        match version_in(line).filter(|_| inside && is_ours()) {
            Some((before, after)) => {
                text.push_str(&format!("{before}{}{after}", requirement(version)));
            }
            None => text.push_str(line),
        }
    }
    text
}

/// What stands before and behind the version in an entry of one line.
fn version_in(line: &str) -> Option<(&str, &str)> {
    let at = match line.find("version = \"") {
        Some(at) => at + "version = \"".len(),
        None => line.find(" = \"")? + " = \"".len(),
    };
    let (before, rest) = line.split_at_checked(at)?;
    Some((before, rest.get(rest.find('"')?..)?))
}

/// `0.1` of `0.1.2`, `1` of `1.2.3`.
fn requirement(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some("0"), Some(minor)) => format!("0.{minor}"),
        (Some(major), _) => major.to_owned(),
        (None, _) => String::new(),
    }
}

fn is_begun_by(whole: &str, asked: &str) -> bool {
    let whole = whole.trim_start_matches('=');
    !asked.is_empty()
        && whole
            .strip_prefix(asked)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn version_of(entry: &Value) -> Option<String> {
    let version = entry.as_str().or_else(|| entry.get("version")?.as_str());
    version.map(str::to_owned)
}

fn features_of(entry: &Value) -> Vec<String> {
    let features = entry.get("features").and_then(Value::as_array);
    let names = features.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn entries(block: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let tables = TABLES
        .iter()
        .filter_map(|table| block.get(*table)?.as_table());
    tables.flatten()
}

/// The line and the text of each TOML block.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for line in lines(page) {
        match line {
            Line::Opens(number, info) => {
                inside = info == "toml";
                if inside {
                    found.push((number, String::new()));
                }
            }
            Line::Code(_, line) if inside => {
                if let Some((_, text)) = found.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            Line::Code(..) | Line::Prose(..) => {}
        }
    }
    found
}
