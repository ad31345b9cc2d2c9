//! The files of the workspace, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use toml::Table;

/// Folders nobody writes by hand.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__"];
const KINDS: &[&str] = &[
    "rs", "toml", "md", "sh", "py", "svg", "yml", "yaml", "txt", "snap", "json",
];

/// Text files by path from the root, with `/` between the parts.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    /// All files and folders, those that hold no text too.
    paths: BTreeSet<String>,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package<'a> {
    /// Its folder from the root.
    pub(crate) folder: &'a str,
    pub(crate) manifest: Table,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let path = entry?.path();
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                if SKIPPED.contains(&name) {
                    continue;
                }
                tree.paths.insert(relative(root, &path)?);
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let kind = path
                    .extension()
                    .and_then(|kind| kind.to_str())
                    .unwrap_or_default();
                let is_script = path
                    .parent()
                    .is_some_and(|parent| parent.file_name().is_some_and(|name| name == ".ci"));
                if KINDS.contains(&kind) || is_script {
                    // A file that is not text has no lines to judge.
                    if let Ok(text) = fs::read_to_string(&path) {
                        tree.files.insert(relative(root, &path)?, text);
                    }
                }
            }
        }
        Ok(tree)
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Rust files written by hand.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(|(path, _)| path.ends_with(".rs") && !is_generated(path))
    }

    pub(crate) fn workspace(&self) -> Result<Table> {
        parse(
            "Cargo.toml",
            self.get("Cargo.toml")
                .context("there is no root Cargo.toml")?,
        )
    }

    pub(crate) fn packages(&self) -> Result<Vec<Package<'_>>> {
        let manifests = self.files.iter().filter_map(|(path, text)| {
            let folder = path.strip_suffix("/Cargo.toml")?;
            // Packages of strangers, outside the workspace.
            let ours = !folder.starts_with("tests/consumers/");
            ours.then_some((folder, path, text))
        });
        let mut packages = Vec::new();
        for (folder, path, text) in manifests {
            packages.push(Package {
                folder,
                manifest: parse(path, text)?,
            });
        }
        Ok(packages)
    }
}

impl Package<'_> {
    pub(crate) fn name(&self) -> &str {
        let package = self
            .manifest
            .get("package")
            .and_then(|package| package.get("name"));
        package.and_then(toml::Value::as_str).unwrap_or(self.folder)
    }

    /// Name and value of each entry in one of the manifest's tables.
    pub(crate) fn entries<'a>(
        &'a self,
        table: &str,
    ) -> impl Iterator<Item = (&'a String, &'a toml::Value)> {
        self.manifest
            .get(table)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
    }
}

pub(crate) fn is_generated(path: &str) -> bool {
    path.contains("/src/generated/")
}

fn parse(path: &str, text: &str) -> Result<Table> {
    text.parse()
        .with_context(|| format!("{path} does not parse"))
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let parts = path
        .strip_prefix(root)?
        .iter()
        .map(|part| part.to_string_lossy());
    Ok(parts.collect::<Vec<_>>().join("/"))
}
