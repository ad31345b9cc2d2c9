//! Every feature alone, none, and all.

use anyhow::{Result, bail};
use xshell::cmd;

use super::Release;
use super::members::Member;

/// A choice of features.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) flags: Vec<String>,
}

/// The default, none, each alone, and all, without repeating one.
pub(super) fn sets(member: &Member) -> Vec<Set> {
    let set = |name: &str, flags: &[&str]| Set {
        name: name.to_owned(),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    if member.features.is_empty() {
        return vec![set("default", &[])];
    }
    let mut sets = vec![set("default", &[]), set("none", &["--no-default-features"])];
    if member.features.len() > 1 {
        for feature in &member.features {
            sets.push(set(
                feature,
                &["--no-default-features", "--features", feature],
            ));
        }
    }
    sets.push(set("all", &["--all-features"]));
    sets
}

/// Each crate by itself as most use it: in a build of the workspace it can live on features that its neighbours ask for.
pub(super) fn alone(release: &Release<'_>) -> Result<String> {
    each(release, |set| {
        matches!(set.name.as_str(), "default" | "none")
    })
}

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    each(release, |_| true)
}

fn each(release: &Release<'_>, wanted: impl Fn(&Set) -> bool) -> Result<String> {
    let target = release.target_dir();
    let mut failed = Vec::new();
    let mut count = 0;
    for member in &release.members.0 {
        for set in sets(member).into_iter().filter(&wanted) {
            let (package, flags) = (&member.name, &set.flags);
            let check = cmd!(
                release.sh,
                "cargo check --quiet --locked --target-dir {target} --package {package} {flags...}"
            );
            // Unused code under a lonely feature is an error too: it would warn a consumer's maintainers.
            if check.env("RUSTFLAGS", "-D warnings").quiet().run().is_err() {
                failed.push(format!("{package} with {}", set.name));
            }
            count += 1;
        }
    }
    if failed.is_empty() {
        return Ok(format!("{count} combinations"));
    }
    bail!("these do not compile alone: {}", failed.join(", "))
}
