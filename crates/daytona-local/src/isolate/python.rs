//! Finds a Python that lives outside the folders every sandbox sees.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::process::Command;

use super::probe;

/// The folder of the interpreter behind `python3`, if the system has none of its own. Only that folder, never a home.
pub(crate) async fn prefix() -> Option<PathBuf> {
    if probe::find("python3").is_some() {
        return None;
    }
    let ask = Command::new("python3")
        .args(["-I", "-c", "import sys; print(sys.base_prefix)"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(10), ask)
        .await
        .ok()?
        .ok()?;
    let prefix = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let home = User::from_uid(Uid::current())
        .ok()
        .flatten()
        .map(|user| user.dir);
    let holds_home = home.is_some_and(|home| home.starts_with(&prefix));
    let usable = prefix.is_absolute()
        && !prefix.starts_with("/usr")
        && !holds_home
        && prefix.join("bin/python3").exists();
    usable.then_some(prefix)
}
