//! Whether the version number tells of what changed since the last tag.

use anyhow::Result;
use xshell::cmd;

use super::Release;

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    let tags = cmd!(
        sh,
        "git tag --list v* --sort=-version:refname --merged HEAD"
    )
    .quiet()
    .read()?;
    let Some(last) = tags.lines().next() else {
        return Ok("there is no tag: a first release has nothing to be compared with".to_owned());
    };
    if cmd!(sh, "cargo semver-checks --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        cmd!(sh, "cargo install --quiet --locked cargo-semver-checks")
            .quiet()
            .run()?;
    }
    let mut packages = Vec::new();
    for member in release.members.libraries() {
        packages.extend(["--package".to_owned(), member.name.clone()]);
    }
    cmd!(
        sh,
        "cargo semver-checks --baseline-rev {last} {packages...}"
    )
    .quiet()
    .run()?;
    Ok(format!("against {last}"))
}
