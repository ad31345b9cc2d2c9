//! cargo-deny over deny.toml.

use anyhow::{Context as _, Result};
use xshell::cmd;

use super::Release;

/// Advisories are apart: their database may be out of reach, and a new one is no fault of a change.
pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    if cmd!(sh, "cargo deny --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        release.install("cargo-deny")?;
    }
    cmd!(sh, "cargo deny --all-features --locked --log-level error check --hide-inclusion-graph licenses bans sources")
        .quiet()
        .run()
        .context("see deny.toml")?;
    let version = cmd!(sh, "cargo deny --version").quiet().read()?;
    Ok(version)
}
