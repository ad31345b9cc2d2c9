//! Paths of files in a sandbox: relative, and inside the working directory.
//!
//! The check is lexical: it decides what is sent. Whether a symbolic link in the sandbox leads
//! elsewhere is for the side that opens the file.

use crate::{Error, ErrorKind};

/// Checks `path` and brings it into its shortest form, without `.`, `..` and doubled slashes. The
/// empty text is the working directory itself.
///
/// # Errors
///
/// [`ErrorKind::PathEscape`] for an absolute path, one that climbs out with `..`, or one with a
/// NUL.
///
/// ```
/// use sandbox_core::path;
///
/// assert_eq!(path::normalize("a//./b/../c.txt")?, "a/c.txt");
/// assert!(path::normalize("a/../../etc/passwd").is_err());
/// assert!(path::normalize("/etc/passwd").is_err());
/// # Ok::<(), sandbox_core::Error>(())
/// ```
pub fn normalize(path: &str) -> Result<String, Error> {
    if path.contains('\0') {
        return Err(refused("the path holds a NUL"));
    }
    if path.starts_with('/') {
        return Err(refused(
            "the path is absolute; give it relative to the working directory",
        ));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(refused("the path leaves the working directory"));
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Checks `path` as [`normalize`] does and joins it to `workdir`.
///
/// # Errors
///
/// Those of [`normalize`].
///
/// ```
/// use sandbox_core::path;
///
/// assert_eq!(path::confine("/workspace", "src/main.py")?, "/workspace/src/main.py");
/// assert_eq!(path::confine("/workspace/", ".")?, "/workspace");
/// assert!(path::confine("/workspace", "../other").is_err());
/// # Ok::<(), sandbox_core::Error>(())
/// ```
pub fn confine(workdir: &str, path: &str) -> Result<String, Error> {
    let inside = normalize(path)?;
    let base = workdir.trim_end_matches('/');
    Ok(match (base, inside.as_str()) {
        ("", inside) => format!("/{inside}"),
        (base, "") => base.to_owned(),
        (base, inside) => format!("{base}/{inside}"),
    })
}

/// As [`confine`], and the working directory itself is refused: for what writes or removes.
///
/// # Errors
///
/// Those of [`normalize`], and [`ErrorKind::InvalidInput`] for the working directory itself.
pub fn confine_entry(workdir: &str, path: &str) -> Result<String, Error> {
    if normalize(path)?.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "the path names the working directory itself",
        ));
    }
    confine(workdir, path)
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::PathEscape, message)
}
