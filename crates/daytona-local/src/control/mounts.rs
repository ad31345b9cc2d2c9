//! The volumes that a create asks for, checked.

use serde_json::Value;

use super::volumes::{Attached, QUOTA};
use crate::isolate::IsolationMode;
use crate::isolate::host::Host;
use crate::web::reply::Failure;

/// Folders of the system, over which the service mounts nothing.
const SYSTEM: [&str; 9] = [
    "/proc", "/sys", "/dev", "/boot", "/etc", "/bin", "/sbin", "/lib", "/lib64",
];
/// More of them, which are the machine's own here and read-only.
const OURS: [&str; 3] = ["/usr", "/lib32", "/libx32"];
/// The longest path, in bytes.
const MAX_PATH: usize = 1024;
const HOME: &str = "/home/daytona";

/// What `volumes` of a create says. `host` is `None` where nothing is ever mounted.
pub(crate) fn asked(
    volumes: Option<&Value>,
    host: Option<&Host>,
) -> Result<Vec<Attached>, Failure> {
    let list = match volumes {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Failure::bad("volumes must be an array")),
    };
    if list.len() > QUOTA {
        let message = format!("volumes must contain no more than {QUOTA} elements");
        return Err(Failure::bad(message));
    }
    let mut all: Vec<Attached> = Vec::with_capacity(list.len());
    for (place, value) in list.iter().enumerate() {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let needed = |name: &str| {
            let wrong = || Failure::bad(format!("volumes.{place}.{name} must be a string"));
            text(name).map(str::to_owned).ok_or_else(wrong)
        };
        let subpath = match value.get("subpath") {
            None | Some(Value::Null) => None,
            Some(_) => Some(needed("subpath")?),
        };
        let one = Attached {
            volume: needed("volumeId")?,
            mount_path: needed("mountPath")?,
            subpath: subpath.filter(|path| !path.is_empty()),
        };
        check_mount_path(&one.mount_path)?;
        if let Some(subpath) = &one.subpath {
            check_subpath(subpath)?;
        }
        if let Some(host) = host {
            check_place(&one.mount_path, host)?;
        }
        all.push(one);
    }
    check_together(&all, host)?;
    Ok(all)
}

fn invalid(what: &str, path: &str, why: &str) -> Failure {
    Failure::bad(format!("Invalid {what} '{path}': {why}"))
}

fn common(what: &str, path: &str) -> Result<(), Failure> {
    if path.len() > MAX_PATH {
        let shown: String = path.chars().take(40).collect();
        let why = format!("it is longer than {MAX_PATH} bytes");
        return Err(invalid(what, &format!("{shown}..."), &why));
    }
    if path.chars().any(char::is_control) {
        return Err(invalid(what, "...", "it has control characters"));
    }
    if path.contains("//") {
        return Err(invalid(what, path, "it has consecutive slashes"));
    }
    if path.split('/').any(|part| part == "." || part == "..") {
        return Err(invalid(what, path, "it has . or .. in it"));
    }
    Ok(())
}

fn check_mount_path(path: &str) -> Result<(), Failure> {
    const WHAT: &str = "mount path";
    if !path.starts_with('/') {
        return Err(invalid(WHAT, path, "it must be absolute"));
    }
    if path == "/" {
        return Err(invalid(WHAT, path, "the root cannot be mounted over"));
    }
    common(WHAT, path)?;
    if SYSTEM.iter().any(|folder| within(path, folder)) {
        return Err(invalid(WHAT, path, "it is a folder of the system"));
    }
    Ok(())
}

fn check_subpath(path: &str) -> Result<(), Failure> {
    const WHAT: &str = "volume subpath";
    if path.starts_with('/') {
        return Err(invalid(WHAT, path, "it must not begin with a slash"));
    }
    common(WHAT, path)
}

/// What this machine cannot do, though the service may.
fn check_place(path: &str, host: &Host) -> Result<(), Failure> {
    const WHAT: &str = "mount path";
    let tidy = path.trim_end_matches('/');
    if host.mode() == IsolationMode::None {
        if within(tidy, HOME) && tidy != HOME {
            return Ok(());
        }
        let why = "without isolation this embedded server shows volumes below /home/daytona only, \
                   where programs reach them from their home folder; start it with isolation for other paths";
        return Err(invalid(WHAT, path, why));
    }
    let binds = host.binds().iter().map(|bind| bind.to_string_lossy());
    let shown = binds.chain(OURS.into_iter().map(Into::into));
    for folder in shown {
        if within(tidy, &folder) || within(&folder, tidy) {
            let why = format!("{folder} is the machine's own in this embedded server");
            return Err(invalid(WHAT, path, &why));
        }
    }
    Ok(())
}

fn check_together(all: &[Attached], host: Option<&Host>) -> Result<(), Failure> {
    let links = host.is_some_and(|host| host.mode() == IsolationMode::None);
    for (place, one) in all.iter().enumerate() {
        let path = one.mount_path.trim_end_matches('/');
        for (_, other) in all.iter().enumerate().filter(|(at, _)| *at != place) {
            let other = other.mount_path.trim_end_matches('/');
            if path == other {
                return Err(invalid("mount path", path, "it is given twice"));
            }
            if links && within(path, other) {
                let why = "without isolation none can be below another one";
                return Err(invalid("mount path", path, why));
            }
        }
    }
    Ok(())
}

/// Whether `path` is `folder` or below it.
fn within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
