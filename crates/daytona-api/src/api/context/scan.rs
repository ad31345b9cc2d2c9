//! What a file or folder is, in the order in which the official clients hash it.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::node::{self, Entry, Print, Tree};
use super::{Local, changed, local};
use crate::error::Error;

#[derive(Clone)]
pub(super) struct Scanned {
    /// As the official clients make it; of no use where no content was read.
    pub(super) md5: String,
    pub(super) digest: Print,
    pub(super) stamp: Print,
    /// When the youngest of it was changed.
    pub(super) newest: SystemTime,
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

struct Scan {
    tree: Tree,
    content: bool,
    md5: Md5,
    stamp: Sha256,
    newest: SystemTime,
    buffer: Vec<u8>,
}

/// Looks at all of it, and reads it if `content` is wanted.
pub(super) fn scan(what: &Local, content: bool) -> Result<Scanned, Error> {
    let (tree, about) = Tree::open(what)?;
    let mut scan = Scan {
        tree,
        content,
        md5: Md5::new(),
        stamp: Sha256::new(),
        newest: UNIX_EPOCH,
        buffer: vec![0; 64 << 10],
    };
    scan.md5.update(&what.archive);
    let digest = if about.is_dir() {
        scan.folder(Path::new(""), &about, 0)?
    } else {
        scan.tree.entries += 1;
        scan.file(Path::new(""), &about)?
    };
    Ok(Scanned {
        md5: node::hex(&scan.md5.finalize()),
        digest,
        stamp: scan.stamp.finalize().into(),
        newest: scan.newest,
        entries: scan.tree.entries,
        bytes: scan.tree.bytes,
    })
}

impl Scan {
    /// What is in a folder: first all that are no folders, in the folder's own order, then what is in each folder.
    fn folder(&mut self, inner: &Path, about: &Metadata, depth: usize) -> Result<Print, Error> {
        self.note(about);
        let names = self.tree.names(inner)?;
        if names.is_empty() {
            let own = if inner.as_os_str().is_empty() {
                b"."
            } else {
                inner.as_os_str().as_bytes()
            };
            self.md5.update(own);
        }
        let mut inside = Vec::with_capacity(names.len());
        let mut folders = Vec::new();
        for name in names {
            let path = inner.join(&name);
            let print = match self.tree.entry(&path, depth + 1)? {
                Entry::Folder(about) => {
                    folders.push((name, path, about));
                    continue;
                }
                Entry::File(about) => {
                    self.md5.update(path.as_os_str().as_bytes());
                    self.file(&path, &about)?
                }
                Entry::Link(target, file, about) => {
                    self.note(&about);
                    if let Some(file) = file {
                        self.md5.update(path.as_os_str().as_bytes());
                        self.linked(&file)?;
                    }
                    node::of_link(&target)
                }
            };
            inside.push((name, print));
        }
        for (name, path, about) in folders {
            let print = self.folder(&path, &about, depth + 1)?;
            inside.push((name, print));
        }
        Ok(node::of_folder(about, inside))
    }

    fn file(&mut self, inner: &Path, about: &Metadata) -> Result<Print, Error> {
        self.note(about);
        self.tree.count(about.len())?;
        let mut hash = node::of_file(about);
        if self.content {
            let path = self.tree.path(inner);
            self.read(&path, about, Some(&mut hash))?;
        }
        Ok(hash.finalize().into())
    }

    /// The content of a file by way of a link: it is part of the official hash, and no part of the folder again.
    fn linked(&mut self, path: &Path) -> Result<(), Error> {
        if !self.content {
            return Ok(());
        }
        let about = std::fs::symlink_metadata(path)
            .map_err(|error| local(format!("{} cannot be read", node::shown(path)), error))?;
        self.read(path, &about, None)
    }

    fn read(
        &mut self,
        path: &Path,
        about: &Metadata,
        mut hash: Option<&mut Sha256>,
    ) -> Result<(), Error> {
        let mut file = node::open(path, about)?;
        let mut left = about.len();
        loop {
            let read = file
                .read(&mut self.buffer)
                .map_err(|error| local(format!("{} cannot be read", node::shown(path)), error))?;
            if read == 0 {
                break;
            }
            left = left.checked_sub(read as u64).ok_or_else(|| changed(path))?;
            let piece = self.buffer.get(..read).unwrap_or_default();
            self.md5.update(piece);
            if let Some(hash) = &mut hash {
                hash.update(piece);
            }
        }
        if left > 0 {
            return Err(changed(path));
        }
        node::check(path, &file, about)
    }

    fn note(&mut self, about: &Metadata) {
        self.stamp.update(node::stamp(about));
        let seconds = u64::try_from(about.ctime()).unwrap_or_default();
        let changed = UNIX_EPOCH + Duration::from_secs(seconds);
        self.newest = self.newest.max(changed);
    }
}
