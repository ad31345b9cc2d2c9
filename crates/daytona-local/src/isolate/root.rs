//! The folders of a private root, and the `/etc` that all sandboxes of a server share.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// What of the host's `/etc` a program may need. Only what everybody on the host may read is taken.
const ETC: [&str; 30] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "inputrc",
    "java-17-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki",
    "profile",
    "protocols",
    "resolv.conf",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

const PASSWD: &str = "root:x:0:0:root:/home/daytona:/bin/bash\n\
    daytona:x:0:0:daytona:/home/daytona:/bin/bash\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ndaytona:x:0:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost\n";

/// Fills the shared `/etc`.
pub(crate) fn prepare_etc(etc: &Path) -> io::Result<()> {
    fs::create_dir(etc)?;
    fs::create_dir(etc.join("ssl"))?;
    for name in ETC {
        copy(&Path::new("/etc").join(name), &etc.join(name), 0)?;
    }
    fs::write(etc.join("passwd"), PASSWD)?;
    fs::write(etc.join("group"), GROUP)?;
    fs::write(etc.join("hosts"), HOSTS)?;
    fs::write(etc.join("hostname"), "sandbox\n")?;
    Ok(())
}

/// Copies what everybody may read; what cannot be read is left out.
fn copy(from: &Path, to: &Path, depth: u32) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(from) else {
        return Ok(());
    };
    if metadata.is_symlink() {
        let Ok(target) = fs::read_link(from) else {
            return Ok(());
        };
        let outside = !target.starts_with("/etc") && !target.starts_with("/usr");
        // A link out of what the sandbox sees (resolv.conf to /run, for one) is replaced by what it points to.
        if depth == 0 && (target.is_absolute() && outside || target.starts_with("..")) {
            if let Ok(content) = fs::read(from) {
                fs::write(to, content)?;
            }
            return Ok(());
        }
        return link(&target, to);
    }
    let open_to_all = metadata.permissions().mode() & 0o004 != 0;
    if !open_to_all || depth > 4 {
        return Ok(());
    }
    if metadata.is_file() {
        if let Ok(content) = fs::read(from) {
            fs::write(to, content)?;
        }
    } else if metadata.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)?.flatten() {
            copy(&entry.path(), &to.join(entry.file_name()), depth + 1)?;
        }
    }
    Ok(())
}

/// One that is there already is left: two first requests may prepare one sandbox at the same time.
fn link(target: &Path, at: &Path) -> io::Result<()> {
    match std::os::unix::fs::symlink(target, at) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// The folders of one sandbox. `isolated` adds the places that get mounted over.
pub(crate) fn prepare_root(root: &Path, isolated: bool) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(root)?;
    for folder in ["home/daytona", "tmp"] {
        fs::create_dir_all(root.join(folder))?;
    }
    if !isolated {
        return Ok(());
    }
    for folder in [
        "workspace",
        "usr",
        "etc",
        "proc",
        "dev/pts",
        "dev/shm",
        "var/tmp",
        "var/log",
        "run",
        "opt",
        "root",
        "mnt",
        "srv",
    ] {
        fs::create_dir_all(root.join(folder))?;
    }
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
            link(&target, &root.join(name))?;
        }
    }
    for node in ["null", "zero", "full", "random", "urandom", "tty"] {
        fs::write(root.join("dev").join(node), "")?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        link(Path::new(target), &root.join("dev").join(name))?;
    }
    Ok(())
}
