//! Who may depend on whom.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::Findings;
use super::tree::Tree;

/// Which of our crates each of our crates may use, tests included.
const OURS: &[(&str, &[&str])] = &[
    ("context-vars", &["context-vars-derive"]),
    ("context-vars-derive", &[]),
    ("daytona-api", &[]),
    (
        "daytona-env",
        &[
            "context-vars",
            "daytona-api",
            "daytona-local",
            "sandbox-core",
        ],
    ),
    (
        "daytona-env-cli",
        &[
            "context-vars",
            "daytona-api",
            "daytona-env",
            "daytona-local",
            "sandbox-core",
            "sandbox-tools",
        ],
    ),
    ("daytona-local", &["daytona-api"]),
    ("sandbox-core", &["context-vars"]),
    ("sandbox-tools", &["context-vars", "sandbox-core"]),
    // In its tests alone the tools; see FOREIGN.
    (
        "third-party-factory",
        &["context-vars", "sandbox-core", "sandbox-tools"],
    ),
    (
        "workspace-tests",
        &[
            "context-vars",
            "daytona-api",
            "daytona-env",
            "daytona-env-cli",
            "daytona-local",
            "sandbox-core",
            "sandbox-tools",
            "third-party-factory",
        ],
    ),
    ("xtask", &[]),
];

/// Ours that must stay optional in the crate that uses them.
const OPTIONAL: &[(&str, &str)] = &[("daytona-env", "daytona-local")];

/// What must not be in a crate's tree: package, flags that choose features, crates.
const FOREIGN: &[(&str, &[&str], &[&str])] = &[
    (
        "context-vars",
        &["--all-features"],
        &["tokio", "hyper", "http", "futures-core", "async-trait"],
    ),
    (
        "sandbox-core",
        &["--all-features"],
        &["hyper", "http", "daytona-api", "daytona-env"],
    ),
    (
        "daytona-api",
        &["--no-default-features"],
        &["tokio", "hyper", "http", "rustls"],
    ),
    (
        "daytona-local",
        &["--all-features"],
        &["rustls", "sandbox-core", "daytona-env"],
    ),
    (
        "sandbox-tools",
        &["--all-features"],
        &["daytona-api", "daytona-env", "daytona-local"],
    ),
    (
        "third-party-factory",
        &["--all-features"],
        &[
            "sandbox-tools",
            "daytona-api",
            "daytona-env",
            "daytona-local",
            "hyper",
            "http",
        ],
    ),
];

/// The arrows between our crates, from the manifests.
pub(crate) fn ours(tree: &Tree, findings: &mut Findings) -> Result<()> {
    let packages = tree.packages()?;
    let names: Vec<&str> = packages.iter().map(|package| package.name()).collect();
    for package in &packages {
        let name = package.name();
        let Some((_, allowed)) = OURS.iter().find(|(from, _)| *from == name) else {
            findings.error(format!(
                "{name} has no row in the table of arrows (xtask/src/tidy/arrows.rs)"
            ));
            continue;
        };
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (used, entry) in package.entries(table) {
                if !names.contains(&used.as_str()) {
                    continue;
                }
                if !allowed.contains(&used.as_str()) {
                    findings.error(format!("{name} must not depend on {used}"));
                }
                let optional = entry.get("optional").and_then(toml::Value::as_bool) == Some(true);
                if table == "dependencies" && OPTIONAL.contains(&(name, used)) && !optional {
                    findings.error(format!("{name} must keep {used} optional"));
                }
            }
        }
    }
    Ok(())
}

/// The forbidden foreign crates, from cargo's resolved tree.
pub(crate) fn foreign(root: &Path, findings: &mut Findings) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    for (package, flags, forbidden) in FOREIGN {
        let exists = |folder: &str| root.join(folder).join(package).exists();
        if !exists("crates") && !exists("examples") {
            continue;
        }
        let flags = flags.iter();
        let tree = cmd!(
            shell,
            "cargo tree --locked --edges normal --prefix none --package {package} {flags...}"
        );
        judge_tree(package, &tree.quiet().read()?, forbidden, findings);
    }
    Ok(())
}

/// `tree` has one `name version ..` per line.
pub(crate) fn judge_tree(package: &str, tree: &str, forbidden: &[&str], findings: &mut Findings) {
    let mut found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    found.sort_unstable();
    found.dedup();
    for name in found {
        if forbidden.contains(&name) {
            findings.error(format!("{package} must not have {name} in its tree"));
        }
    }
}
