//! Whether this machine can isolate, tried once when the server starts.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

/// The programs isolation is made of, all of util-linux.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) unshare: PathBuf,
    pub(crate) nsenter: PathBuf,
    pub(crate) setpriv: PathBuf,
}

/// The folders that programs are taken from, whatever the `PATH` of the process is.
const FOLDERS: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

pub(crate) const PLAIN_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

pub(crate) fn find(program: &str) -> Option<PathBuf> {
    FOLDERS
        .iter()
        .map(|folder| PathBuf::from(folder).join(program))
        .find(|path| path.is_file())
}

/// The flags of every `unshare`: the namespaces of a sandbox, but for the network's.
pub(crate) const NAMESPACES: [&str; 8] = [
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--ipc",
    "--uts",
];

/// The tools, or what is missing.
pub(crate) async fn probe() -> Result<Tools, String> {
    let tool = |name: &str| find(name).ok_or_else(|| format!("`{name}` of util-linux is missing"));
    let tools = Tools {
        unshare: tool("unshare")?,
        nsenter: tool("nsenter")?,
        setpriv: tool("setpriv")?,
    };
    for name in ["mount", "umount", "pivot_root"] {
        tool(name)?;
    }
    let output = Command::new(&tools.unshare)
        .args(NAMESPACES)
        .args([
            "sh",
            "-c",
            "mount -t tmpfs tmpfs /tmp && mount -t proc proc /proc",
        ])
        .env_clear()
        .env("PATH", PLAIN_PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("`unshare` did not start: {error}"))?;
    if output.status.success() {
        return Ok(tools);
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    let reason = reason.lines().next().unwrap_or("no reason given").trim();
    Err(format!("user namespaces cannot be made here ({reason})"))
}
