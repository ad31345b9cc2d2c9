//! cargo-deny over deny.toml.

use anyhow::{Context as _, Result};
use xshell::cmd;

use super::Release;

pub(super) const TOOL: &str = "cargo-deny";

/// Advisories are apart: their database may be out of reach, and a new one is no fault of a change.
pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    release.install(TOOL)?;
    cmd!(sh, "cargo deny --all-features --locked --log-level error check --hide-inclusion-graph licenses bans sources")
        .quiet()
        .run()
        .context("see deny.toml")?;
    let version = cmd!(sh, "cargo deny --version").quiet().read()?;
    Ok(version)
}
