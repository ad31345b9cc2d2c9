//! Names that an archive may hold, and where its entries go.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{FolderLimits, local, too_large};
use crate::error::{Error, ErrorKind};

/// The most of a name that an error shows, in characters.
const SHOWN: usize = 100;

/// A name for an error: without what a terminal obeys.
pub(super) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push_str("..");
    }
    format!("{short:?}")
}

pub(super) fn refused(name: &[u8], why: &str) -> Error {
    let what = format!("the entry {} is not taken over: {why}", shown(name));
    Error::new(ErrorKind::Archive, what)
}

/// The path of an entry below the folder; empty for the folder itself.
pub(super) fn place(name: &[u8], limits: &FolderLimits) -> Result<PathBuf, Error> {
    if name.is_empty() || name.contains(&0) {
        return Err(refused(name, "it has no name"));
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for component in Path::new(OsStr::from_bytes(name)).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => {
                path.push(part);
                depth += 1;
            }
            Component::ParentDir => return Err(refused(name, "its name holds `..`")),
            _ => return Err(refused(name, "its name is absolute")),
        }
    }
    if depth > limits.depth {
        let what = format!("{} is nested deeper than {}", shown(name), limits.depth);
        return Err(too_large(what));
    }
    Ok(path)
}

/// Whether a link at `at` stays inside of the folder.
///
/// Its parent is a folder and no link. So `..` at the beginning leads up by real folders, and what follows leads down
/// only, by folders or by links of which the same is true.
pub(super) fn is_inside(at: &Path, target: &Path) -> bool {
    let mut room = at.components().count().saturating_sub(1);
    let mut down = false;
    for component in target.components() {
        match component {
            Component::ParentDir if !down && room > 0 => room -= 1,
            Component::CurDir => {}
            Component::Normal(_) => down = true,
            _ => return false,
        }
    }
    !target.as_os_str().is_empty()
}

/// Where the folder is to be, which must be free: its parent, and its name.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) parent: PathBuf,
    pub(super) whole: PathBuf,
}

pub(super) fn destination(path: &Path) -> Result<Destination, Error> {
    let wrong = |what: &'static str| Error::build(what);
    let name = path
        .file_name()
        .ok_or_else(|| wrong("the destination has no name"))?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(local("the destination cannot be looked at", error)),
        Ok(_) => {
            let what = "something is at the destination already";
            return Err(Error::new(ErrorKind::Local, what).with_reached(false));
        }
    }
    let whole = parent.join(name);
    Ok(Destination { parent, whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_may_lead_out_are_told() {
        let check = |at: &str, target: &str, wanted| {
            let got = is_inside(Path::new(at), Path::new(target));
            assert_eq!(got, wanted, "{at} -> {target}");
        };
        check("a", "b", true);
        check("a", "b/c", true);
        check("a", "./b", true);
        check("a", ".", true);
        check("d/a", "../b", true);
        check("d/e/a", "../../b/c", true);
        check("a", "", false);
        check("a", "..", false);
        check("a", "../b", false);
        check("d/a", "../../b", false);
        check("a", "/b", false);
        // by way of a link to `.`, this is the parent of the folder
        check("a", "b/..", false);
        check("d/a", "x/../../b", false);
    }

    #[test]
    fn names_stay_below() {
        let limits = FolderLimits::default();
        let at = |name: &str| place(name.as_bytes(), &limits);
        assert_eq!(at("./a//b/./c").unwrap(), Path::new("a/b/c"));
        assert_eq!(at("./").unwrap(), Path::new(""));
        for bad in ["", "/a", "a/../b", "..", "a/..", "a\0b"] {
            assert_eq!(at(bad).unwrap_err().kind(), ErrorKind::Archive, "{bad:?}");
        }
        let deep = "a/".repeat(65);
        assert_eq!(at(&deep).unwrap_err().kind(), ErrorKind::TooLarge);
        let error = at("../\u{1b}[31m").unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }
}
