//! A local folder as an archive, in the order of its names.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::names::{is_inside, refused, shown};
use super::{FolderLimits, FolderTransfer, local, too_large};
use crate::error::{Error, ErrorKind};
use crate::wire::archive::{self, Sink, broken};

/// How long the archive of `root` will be, and what is in it. Its files are not opened.
pub(super) fn measure(root: &Path, limits: &FolderLimits) -> Result<(FolderTransfer, u64), Error> {
    let mut walk = Walk::new(root, limits, archive::measured());
    let measured = walk.all();
    // nothing was sent yet
    measured.map_err(|error| error.with_reached(false))?;
    Ok((walk.done, archive::length(walk.builder)?))
}

/// The archive of `root`, piece by piece.
pub(super) fn pack(
    root: &Path,
    limits: &FolderLimits,
    pieces: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Error> {
    archive::pack(pieces, |builder| {
        let mut walk = Walk::new(root, limits, builder);
        walk.all()?;
        Ok(walk.builder)
    })
}

struct Walk<'a, W: Sink> {
    root: &'a Path,
    limits: &'a FolderLimits,
    builder: Builder<W>,
    done: FolderTransfer,
}

impl<'a, W: Sink> Walk<'a, W> {
    fn new(root: &'a Path, limits: &'a FolderLimits, builder: Builder<W>) -> Self {
        Self {
            root,
            limits,
            builder,
            done: FolderTransfer::default(),
        }
    }

    fn all(&mut self) -> Result<(), Error> {
        self.folder(Path::new(""), 0)
    }

    fn folder(&mut self, inner: &Path, depth: usize) -> Result<(), Error> {
        let unreadable = |error| local(format!("the folder {} cannot be read", show(inner)), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(inner)).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
            if names.len() as u64 > self.limits.entries {
                return Err(self.too_many());
            }
        }
        names.sort_unstable();
        for name in names {
            self.entry(&inner.join(name), depth + 1)?;
        }
        Ok(())
    }

    fn entry(&mut self, inner: &Path, depth: usize) -> Result<(), Error> {
        if depth > self.limits.depth {
            let what = format!(
                "{} is nested deeper than {}",
                show(inner),
                self.limits.depth
            );
            return Err(too_large(what));
        }
        self.done.entries += 1;
        if self.done.entries > self.limits.entries {
            return Err(self.too_many());
        }
        let path = self.root.join(inner);
        let unreadable = |error| local(format!("{} cannot be read", show(inner)), error);
        let about = fs::symlink_metadata(&path).map_err(unreadable)?;
        let kind = about.file_type();
        let mut header = Header::new_gnu();
        header.set_mtime(u64::try_from(about.mtime()).unwrap_or_default());
        header.set_mode(if kind.is_dir() || about.mode() & 0o100 != 0 {
            0o755
        } else {
            0o644
        });
        header.set_size(0);
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            self.append(&mut header, inner, io::empty())?;
            self.folder(inner, depth)
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(unreadable)?;
            if !is_inside(inner, &target) {
                let name = inner.as_os_str().as_bytes();
                return Err(refused(
                    name,
                    "it is a link that may lead out of the folder",
                ));
            }
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            self.builder
                .append_link(&mut header, inner, target)
                .map_err(broken)
        } else if kind.is_file() {
            self.file(header, inner, &path, &about)
        } else {
            let name = inner.as_os_str().as_bytes();
            Err(refused(
                name,
                "it is neither a file nor a folder nor a link",
            ))
        }
    }

    fn file(
        &mut self,
        mut header: Header,
        inner: &Path,
        path: &PathBuf,
        about: &Metadata,
    ) -> Result<(), Error> {
        let size = about.len();
        self.done.bytes = self.done.bytes.saturating_add(size);
        if self.done.bytes > self.limits.bytes {
            let what = format!("the folder holds more than {} bytes", self.limits.bytes);
            return Err(too_large(what));
        }
        header.set_entry_type(EntryType::Regular);
        header.set_size(size);
        if !W::CONTENT {
            self.append(&mut header, inner, io::empty())?;
            self.builder.get_mut().skip(size);
            return Ok(());
        }
        let unreadable = |error| local(format!("{} cannot be read", show(inner)), error);
        let file = File::open(path).map_err(unreadable)?;
        let opened = file.metadata().map_err(unreadable)?;
        if !opened.is_file() || (opened.dev(), opened.ino()) != (about.dev(), about.ino()) {
            let what = format!("{} was replaced while it was read", show(inner));
            return Err(Error::new(ErrorKind::Local, what));
        }
        let mut content = file.take(size);
        self.append(&mut header, inner, &mut content)?;
        if content.limit() > 0 {
            let what = format!("{} became shorter while it was read", show(inner));
            return Err(Error::new(ErrorKind::Local, what));
        }
        Ok(())
    }

    fn append(&mut self, header: &mut Header, inner: &Path, data: impl Read) -> Result<(), Error> {
        self.builder
            .append_data(header, inner, data)
            .map_err(broken)
    }

    fn too_many(&self) -> Error {
        let what = format!("the folder holds more than {} entries", self.limits.entries);
        too_large(what)
    }
}

fn show(path: &Path) -> String {
    shown(path.as_os_str().as_bytes())
}
