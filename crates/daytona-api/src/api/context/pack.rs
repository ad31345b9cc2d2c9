//! A file or folder as an archive, held against what it was when it was hashed.

use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::node::{self, Entry, Print, Tree};
use super::{Local, changed};
use crate::error::Error;
use crate::wire::archive::{self, Sink, broken};

/// How long the archive will be. No file is opened.
pub(super) fn measure(what: &Local) -> Result<u64, Error> {
    let mut pack = Pack::begin(what, archive::measured())?;
    pack.all()?;
    archive::length(pack.builder)
}

/// The archive, piece by piece. Its end comes only if everything in it is what `wanted` says.
pub(super) fn pack(
    what: &Local,
    wanted: &Print,
    pieces: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Error> {
    archive::pack(pieces, |builder| {
        let mut pack = Pack::begin(what, builder)?;
        if pack.all()? != *wanted {
            return Err(changed(&what.source));
        }
        Ok(pack.builder)
    })
}

struct Pack<'a, W: Sink> {
    tree: Tree,
    about: Metadata,
    /// Where it is in the archive.
    prefix: &'a Path,
    builder: Builder<W>,
}

impl<'a, W: Sink> Pack<'a, W> {
    fn begin(what: &'a Local, builder: Builder<W>) -> Result<Self, Error> {
        let (tree, about) = Tree::open(what)?;
        Ok(Self {
            tree,
            about,
            prefix: Path::new(what.archive.trim_start_matches('/')),
            builder,
        })
    }

    fn all(&mut self) -> Result<Print, Error> {
        let about = self.about.clone();
        if about.is_dir() {
            self.folder(Path::new(""), &about, 0)
        } else {
            self.file(Path::new(""), &about)
        }
    }

    fn header(about: &Metadata, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_mtime(u64::try_from(about.mtime()).unwrap_or_default());
        header.set_mode(node::mode(about));
        header.set_entry_type(kind);
        header.set_size(size);
        header
    }

    fn name(&self, inner: &Path) -> std::path::PathBuf {
        if inner.as_os_str().is_empty() {
            self.prefix.to_owned()
        } else {
            self.prefix.join(inner)
        }
    }

    fn append(&mut self, mut header: Header, inner: &Path, data: impl Read) -> Result<(), Error> {
        let name = self.name(inner);
        self.builder
            .append_data(&mut header, name, data)
            .map_err(broken)
    }

    /// In the order of the names.
    fn folder(&mut self, inner: &Path, about: &Metadata, depth: usize) -> Result<Print, Error> {
        let header = Self::header(about, EntryType::Directory, 0);
        self.append(header, inner, io::empty())?;
        let mut names = self.tree.names(inner)?;
        names.sort_unstable();
        let mut inside = Vec::with_capacity(names.len());
        for name in names {
            let path = inner.join(&name);
            let print = match self.tree.entry(&path, depth + 1)? {
                Entry::Folder(about) => self.folder(&path, &about, depth + 1)?,
                Entry::File(about) => self.file(&path, &about)?,
                Entry::Link(target, _, about) => {
                    let mut header = Self::header(&about, EntryType::Symlink, 0);
                    let name = self.name(&path);
                    self.builder
                        .append_link(&mut header, name, &target)
                        .map_err(broken)?;
                    node::of_link(&target)
                }
            };
            inside.push((name, print));
        }
        Ok(node::of_folder(about, inside))
    }

    fn file(&mut self, inner: &Path, about: &Metadata) -> Result<Print, Error> {
        let size = about.len();
        self.tree.count(size)?;
        let header = Self::header(about, EntryType::Regular, size);
        if !W::CONTENT {
            self.append(header, inner, io::empty())?;
            self.builder.get_mut().skip(size);
            return Ok(Print::default());
        }
        let path = self.tree.path(inner);
        let file = node::open(&path, about)?;
        let mut content = Hashed {
            file: (&file).take(size),
            hash: node::of_file(about),
            broken: false,
        };
        let appended = self.append(header, inner, &mut content);
        if content.broken || content.file.limit() > 0 && appended.is_ok() {
            return Err(changed(&path));
        }
        appended?;
        let print = content.hash.finalize().into();
        node::check(&path, &file, about)?;
        Ok(print)
    }
}

struct Hashed<R> {
    file: R,
    hash: Sha256,
    broken: bool,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into).inspect_err(|_| self.broken = true)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}
