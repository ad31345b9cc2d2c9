//! How many crates come along with each of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::Release;
use super::features::sets;

/// The most that each may bring, by `crate` and set of features.
const FILE: &str = "budget.toml";

type Budget = BTreeMap<String, BTreeMap<String, usize>>;

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let mut found = Budget::new();
    for member in &release.members.0 {
        for set in sets(member) {
            let (package, flags) = (&member.name, &set.flags);
            let tree = cmd!(
                release.sh,
                "cargo tree --locked --edges normal,build --prefix none --package {package} {flags...}"
            );
            let count = count(&tree.quiet().read()?);
            found
                .entry(package.clone())
                .or_default()
                .insert(set.name, count);
        }
    }
    if release.bless {
        release.hold(FILE, &print(&found))?;
    }
    let held = std::fs::read_to_string(release.held(FILE)).unwrap_or_default();
    judge(
        &held.parse::<toml::Table>()?.try_into().context(FILE)?,
        &found,
    )?;
    let all = found
        .values()
        .filter_map(|sets| sets.get("default").or_else(|| sets.get("none")));
    Ok(format!(
        "{} crates; the largest brings {}",
        found.len(),
        all.max().copied().unwrap_or_default()
    ))
}

/// Different crates in the output of `cargo tree`, the first one apart.
pub(super) fn count(tree: &str) -> usize {
    let mut lines = tree.lines().filter(|line| !line.trim().is_empty());
    let own = lines.next().map(name_and_version);
    let others: BTreeSet<_> = lines
        .map(name_and_version)
        .filter(|line| Some(*line) != own)
        .collect();
    others.len()
}

fn name_and_version(line: &str) -> (&str, &str) {
    let mut words = line.split_whitespace();
    (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    )
}

/// Fewer than allowed is fine; more, or something without a budget, is not.
pub(super) fn judge(held: &Budget, found: &Budget) -> Result<()> {
    let mut wrong = String::new();
    for (package, sets) in found {
        for (set, count) in sets {
            match held.get(package).and_then(|sets| sets.get(set)) {
                Some(most) if count <= most => {}
                Some(most) => writeln!(
                    wrong,
                    "  {package} ({set}) brings {count} crates, {most} are allowed"
                )?,
                None => writeln!(
                    wrong,
                    "  {package} ({set}) brings {count} crates and has no budget"
                )?,
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{wrong}  drop a dependency, or raise xtask/release/{FILE} and say why in the commit")
}

fn print(budget: &Budget) -> String {
    let mut text = String::from(
        "# The most crates that each of ours may bring along, by its features. Held by `cargo xtask release check`.\n",
    );
    for (package, sets) in budget {
        let _ = writeln!(text, "\n[{package}]");
        for (set, count) in sets {
            let _ = writeln!(text, "{set} = {count}");
        }
    }
    text
}
