//! No build script fetches anything: everything is built again where there is no network.

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::Release;

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    let target = release.target_dir().join("offline");
    sh.remove_path(&target)?;
    cmd!(sh, "cargo fetch --quiet --locked").quiet().run()?;
    if cmd!(sh, "unshare --map-root-user --net true")
        .quiet()
        .ignore_stderr()
        .run()
        .is_err()
    {
        bail!("this machine has no network namespaces (`unshare --map-root-user --net`)");
    }
    cmd!(
        sh,
        "unshare --map-root-user --net cargo build --quiet --offline --locked --workspace --all-features
         --target-dir {target}"
    )
    .quiet()
    .run()
    .context("something needs a network while it is built")?;
    sh.remove_path(&target)?;
    Ok("built without a network".to_owned())
}
