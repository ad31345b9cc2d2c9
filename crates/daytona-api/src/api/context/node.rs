//! What a file, a folder and a link are, as bytes to hash, and how each is looked at and opened.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Kind, Local, MAX_DEPTH, MAX_ENTRIES, changed, local};
use crate::error::{Error, ErrorKind};

/// The most of a path that an error shows, in characters from its end.
const SHOWN: usize = 100;

pub(super) type Print = [u8; 32];

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path for an error: without what a terminal obeys.
pub(super) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let cut = text.chars().count().saturating_sub(SHOWN);
    let end: String = text.chars().skip(cut).collect();
    format!("{:?}", if cut > 0 { format!("..{end}") } else { end })
}

/// Permissions, without the kind.
pub(super) fn mode(about: &Metadata) -> u32 {
    about.mode() & 0o777
}

/// A file, before its content.
pub(super) fn of_file(about: &Metadata) -> Sha256 {
    let mut hash = Sha256::new();
    hash.update(b"file");
    hash.update(mode(about).to_le_bytes());
    hash.update(about.len().to_le_bytes());
    hash
}

pub(super) fn of_link(target: &Path) -> Print {
    let mut hash = Sha256::new();
    hash.update(b"link");
    hash.update(target.as_os_str().as_bytes());
    hash.finalize().into()
}

/// A folder with all that is in it, in any order.
pub(super) fn of_folder(about: &Metadata, mut inside: Vec<(OsString, Print)>) -> Print {
    inside.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(b"folder");
    hash.update(mode(about).to_le_bytes());
    hash.update((inside.len() as u64).to_le_bytes());
    for (name, print) in inside {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(print);
    }
    hash.finalize().into()
}

/// What changes with a file, whatever else does not.
pub(super) fn stamp(about: &Metadata) -> Print {
    let mut hash = Sha256::new();
    for number in [about.dev(), about.ino(), about.len()] {
        hash.update(number.to_le_bytes());
    }
    hash.update(about.mode().to_le_bytes());
    for number in [
        about.mtime(),
        about.mtime_nsec(),
        about.ctime(),
        about.ctime_nsec(),
    ] {
        hash.update(number.to_le_bytes());
    }
    hash.finalize().into()
}

/// One entry of a folder, and what it is.
pub(super) enum Entry {
    File(Metadata),
    Folder(Metadata),
    /// A link with its target; it leads to a file of the folder if there is one here.
    Link(PathBuf, Option<PathBuf>, Metadata),
}

/// A root that is looked at, and how much of it so far.
pub(super) struct Tree {
    /// Without links.
    pub(super) root: PathBuf,
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

impl Tree {
    /// The file or folder itself; a link to it is followed.
    pub(super) fn open(what: &Local) -> Result<(Self, Metadata), Error> {
        let path = &what.source;
        let unreadable = |error| local(format!("{} cannot be read", shown(path)), error);
        let root = fs::canonicalize(path).map_err(unreadable)?;
        if what.root.as_ref().is_some_and(|top| !root.starts_with(top)) {
            return Err(refused(path, "it leads out of the build context"));
        }
        let about = fs::symlink_metadata(&root).map_err(unreadable)?;
        let fits = match what.kind {
            Kind::File => about.is_file(),
            Kind::Folder => about.is_dir(),
            Kind::Any => about.is_file() || about.is_dir(),
        };
        if !fits {
            let why = match what.kind {
                Kind::File => "it is no regular file",
                Kind::Folder => "it is no folder",
                Kind::Any => "it is neither a file nor a folder",
            };
            return Err(refused(path, why));
        }
        let tree = Self {
            root,
            entries: 0,
            bytes: 0,
        };
        Ok((tree, about))
    }

    pub(super) fn path(&self, inner: &Path) -> PathBuf {
        if inner.as_os_str().is_empty() {
            self.root.clone()
        } else {
            self.root.join(inner)
        }
    }

    /// The names in a folder, in its own order.
    pub(super) fn names(&self, inner: &Path) -> Result<Vec<OsString>, Error> {
        let path = self.path(inner);
        let unreadable = |error| local(format!("{} cannot be read", shown(&path)), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
            if names.len() as u64 > MAX_ENTRIES {
                return Err(too_many());
            }
        }
        Ok(names)
    }

    pub(super) fn entry(&mut self, inner: &Path, depth: usize) -> Result<Entry, Error> {
        let path = self.path(inner);
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(too_many());
        }
        if depth > MAX_DEPTH {
            let what = format!("{} is nested deeper than {MAX_DEPTH}", shown(&path));
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        let unreadable = |error| local(format!("{} cannot be read", shown(&path)), error);
        let about = fs::symlink_metadata(&path).map_err(unreadable)?;
        if about.is_dir() {
            return Ok(Entry::Folder(about));
        }
        if about.is_file() {
            return Ok(Entry::File(about));
        }
        if !about.is_symlink() {
            return Err(refused(
                &path,
                "it is neither a file nor a folder nor a link",
            ));
        }
        let target = fs::read_link(&path).map_err(unreadable)?;
        let real = fs::canonicalize(&path).map_err(unreadable)?;
        if target.is_absolute() || !real.starts_with(&self.root) {
            return Err(refused(&path, "it is a link that leads out of the folder"));
        }
        let there = fs::symlink_metadata(&real).map_err(unreadable)?;
        if !there.is_file() && !there.is_dir() {
            return Err(refused(
                &path,
                "it is a link to something that is neither a file nor a folder",
            ));
        }
        let file = there.is_file().then_some(real);
        Ok(Entry::Link(target, file, about))
    }

    pub(super) fn count(&mut self, bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > super::MAX_BYTES {
            let what = format!(
                "what one step of an image copies is larger than {} bytes",
                super::MAX_BYTES
            );
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        Ok(())
    }
}

/// The file that `about` is about; another one at its place is an error.
pub(super) fn open(path: &Path, about: &Metadata) -> Result<File, Error> {
    let unreadable = |error| local(format!("{} cannot be read", shown(path)), error);
    let file = File::open(path).map_err(unreadable)?;
    let opened = file.metadata().map_err(unreadable)?;
    if !opened.is_file() || stamp(&opened) != stamp(about) {
        return Err(changed(path));
    }
    Ok(file)
}

/// Whether a file is still as it was when it was opened.
pub(super) fn check(path: &Path, file: &File, about: &Metadata) -> Result<(), Error> {
    match file.metadata() {
        Ok(now) if stamp(&now) == stamp(about) => Ok(()),
        _ => Err(changed(path)),
    }
}

pub(super) fn refused(path: &Path, why: &str) -> Error {
    let what = format!("{} is not taken over: {why}", shown(path));
    Error::new(ErrorKind::Archive, what)
}

fn too_many() -> Error {
    let what = format!("what one step of an image copies holds more than {MAX_ENTRIES} entries");
    Error::new(ErrorKind::TooLarge, what)
}
