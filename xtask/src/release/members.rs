//! The crates that are handed out, from `cargo metadata`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::Release;

/// One crate that is handed out.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Without `default`.
    pub(super) features: Vec<String>,
    /// True for a library that others link to: it has a public API.
    pub(super) is_library: bool,
    /// The Rust it says it needs.
    pub(super) rust_version: String,
}

/// All of them, each after what it depends on.
#[derive(Debug)]
pub(super) struct Members(pub(super) Vec<Member>);

/// Ours, and for no one else.
const PRIVATE: &[&str] = &["third-party-factory", "workspace-tests", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    features: BTreeMap<String, Vec<String>>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Members {
    pub(super) fn read(sh: &Shell) -> Result<Self> {
        let text = cmd!(sh, "cargo metadata --format-version 1 --no-deps --locked")
            .quiet()
            .read()?;
        Self::parse(&text)
    }

    pub(super) fn parse(metadata: &str) -> Result<Self> {
        let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata")?;
        let mut open: Vec<Package> = metadata
            .packages
            .into_iter()
            .filter(|package| !PRIVATE.contains(&package.name.as_str()))
            .collect();
        let mut sorted: Vec<Member> = Vec::new();
        while !open.is_empty() {
            let waits = |package: &Package| {
                let mut needs = package
                    .dependencies
                    .iter()
                    .filter(|used| used.kind.as_deref() != Some("dev"));
                needs.any(|used| open.iter().any(|other| other.name == used.name))
            };
            let Some(next) = open.iter().position(|package| !waits(package)) else {
                bail!("the crates depend on each other in a circle");
            };
            sorted.push(member(open.remove(next))?);
        }
        Ok(Self(sorted))
    }

    pub(super) fn libraries(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().filter(|member| member.is_library)
    }
}

fn member(package: Package) -> Result<Member> {
    let has = |kind: &str| {
        package
            .targets
            .iter()
            .any(|target| target.kind.iter().any(|found| found == kind))
    };
    Ok(Member {
        features: package
            .features
            .into_keys()
            .filter(|feature| feature != "default")
            .collect(),
        is_library: has("lib"),
        rust_version: package
            .rust_version
            .with_context(|| format!("{} has no rust-version", package.name))?,
        name: package.name,
    })
}

/// Whether what this toolchain builds is what the manifests promise.
pub(super) fn toolchain(release: &Release<'_>) -> Result<String> {
    let found = cmd!(release.sh, "rustc --version").quiet().read()?;
    let found = found
        .split_whitespace()
        .nth(1)
        .context("rustc tells no version")?
        .to_owned();
    for member in &release.members.0 {
        judge(&member.name, &member.rust_version, &found)?;
    }
    Ok(format!("rustc {found}"))
}

/// Only a toolchain of the promised version shows that the promise holds; lints look for newer items.
pub(super) fn judge(name: &str, promised: &str, found: &str) -> Result<()> {
    let minor = |version: &str| -> Option<(u32, u32)> {
        let mut parts = version.split('.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??))
    };
    let (Some(promised), Some(found)) = (minor(promised), minor(found)) else {
        bail!("{name}: {promised} and {found} cannot be compared");
    };
    if promised > found {
        bail!(
            "{name} promises Rust {}.{}, this is {}.{}",
            promised.0,
            promised.1,
            found.0,
            found.1
        );
    }
    Ok(())
}
