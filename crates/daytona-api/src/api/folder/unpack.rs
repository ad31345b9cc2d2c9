//! An archive that is not trusted, taken apart.
//!
//! It is unpacked in a folder that nobody else may enter, in which no link exists until all files are written, and is
//! moved to its place as a whole.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::names::{Destination, is_inside, place, refused};
use super::scratch::Scratch;
use super::{FolderLimits, FolderTransfer, local, too_large};
use crate::error::{Error, ErrorKind};

/// The longest long name or set of extended attributes, in bytes.
const LONGEST_NOTE: u64 = 64 << 10;

/// Unpacks all that comes, and moves it to `destination`.
pub(super) fn unpack(
    reader: impl Read,
    destination: &Destination,
    random: &str,
    limits: &FolderLimits,
) -> Result<FolderTransfer, Error> {
    let unwritable = |error| local("the destination cannot be written", error);
    let name = format!(".daytona-{random}");
    let scratch = Scratch::new(&destination.parent, &name).map_err(unwritable)?;
    let root = scratch.path().join("folder");
    DirBuilder::new().create(&root).map_err(unwritable)?;
    let mut work = Work {
        root: &root,
        limits,
        links: Vec::new(),
        done: FolderTransfer::default(),
        notes: Notes::default(),
    };
    let mut archive = Archive::new(reader);
    for entry in archive.entries().map_err(malformed)?.raw(true) {
        work.entry(entry.map_err(malformed)?)?;
    }
    if !work.notes.is_empty() {
        return Err(cut());
    }
    // the end of the transfer, which tells whether all has come
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(malformed)?;
    for (at, target) in &work.links {
        symlink(target, root.join(at)).map_err(|error| conflict(at, error))?;
    }
    if fs::symlink_metadata(&destination.whole).is_ok() {
        let what = "something has come to be at the destination meanwhile";
        return Err(Error::new(ErrorKind::Local, what));
    }
    fs::rename(&root, &destination.whole).map_err(unwritable)?;
    Ok(work.done)
}

fn malformed(error: io::Error) -> Error {
    Error::new(ErrorKind::Archive, "the archive is malformed").with_source(error)
}

fn cut() -> Error {
    Error::new(ErrorKind::Archive, "the archive is cut off")
}

/// Two entries want the same place, or the disk does not take one.
fn conflict(at: &Path, error: io::Error) -> Error {
    let name = at.as_os_str().as_bytes();
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            refused(name, "another entry is at its place")
        }
        _ => local(
            format!("{} cannot be written", super::names::shown(name)),
            error,
        ),
    }
}

/// What entries say about the one behind them.
#[derive(Default)]
struct Notes {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Notes {
    fn is_empty(&self) -> bool {
        self.path.is_none() && self.link.is_none() && self.size.is_none()
    }
}

struct Work<'a> {
    root: &'a Path,
    limits: &'a FolderLimits,
    links: Vec<(PathBuf, PathBuf)>,
    done: FolderTransfer,
    notes: Notes,
}

impl Work<'_> {
    fn entry<R: Read>(&mut self, mut entry: Entry<'_, R>) -> Result<(), Error> {
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName => {
                self.notes.path = Some(text(note(&mut entry)?));
                return Ok(());
            }
            EntryType::GNULongLink => {
                self.notes.link = Some(text(note(&mut entry)?));
                return Ok(());
            }
            EntryType::XHeader => return self.attributes(&note(&mut entry)?),
            // about all entries: times and a comment, or what we do not know
            EntryType::XGlobalHeader => return note(&mut entry).map(drop),
            _ => {}
        }
        let notes = std::mem::take(&mut self.notes);
        let name = match notes.path {
            Some(path) => path,
            None => entry.path_bytes().into_owned(),
        };
        if notes.size.is_some_and(|size| size != entry.size()) {
            return Err(refused(&name, "it is longer than its head can say"));
        }
        let at = place(&name, self.limits)?;
        if at == Path::new("") {
            return match kind {
                EntryType::Directory => Ok(()),
                _ => Err(refused(&name, "it has no name")),
            };
        }
        self.done.entries += 1;
        if self.done.entries > self.limits.entries {
            let what = format!(
                "the archive holds more than {} entries",
                self.limits.entries
            );
            return Err(too_large(what));
        }
        match kind {
            EntryType::Directory => self.folder(&at),
            // before folders had a kind of their own
            EntryType::Regular if name.ends_with(b"/") => self.folder(&at),
            EntryType::Regular | EntryType::Continuous => self.file(&mut entry, &at),
            EntryType::Symlink => {
                let target = match notes.link {
                    Some(link) => link,
                    None => {
                        let link = entry.link_name_bytes();
                        link.map(|link| link.into_owned()).unwrap_or_default()
                    }
                };
                self.link(&name, at, &target)
            }
            EntryType::Link => Err(refused(&name, "it is a hard link")),
            EntryType::Char | EntryType::Block => Err(refused(&name, "it is a device")),
            EntryType::Fifo => Err(refused(&name, "it is a pipe")),
            EntryType::GNUSparse => Err(refused(&name, "it is a sparse file")),
            _ => Err(refused(&name, "its kind is not known")),
        }
    }

    fn attributes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for attribute in PaxExtensions::new(bytes) {
            let attribute = attribute.map_err(malformed)?;
            let value = attribute.value_bytes();
            match attribute.key_bytes() {
                b"path" => self.notes.path = Some(value.to_vec()),
                b"linkpath" => self.notes.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok();
                    self.notes.size =
                        Some(size.and_then(|size| size.parse().ok()).ok_or_else(cut)?);
                }
                key if key.starts_with(b"GNU.sparse") => {
                    let name = self.notes.path.take().unwrap_or_default();
                    return Err(refused(&name, "it is a sparse file"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn folder(&mut self, at: &Path) -> Result<(), Error> {
        fs::create_dir_all(self.root.join(at)).map_err(|error| conflict(at, error))
    }

    fn above(&mut self, at: &Path) -> Result<(), Error> {
        match at.parent() {
            Some(parent) if parent != Path::new("") => self.folder(parent),
            _ => Ok(()),
        }
    }

    fn file<R: Read>(&mut self, entry: &mut Entry<'_, R>, at: &Path) -> Result<(), Error> {
        let size = entry.size();
        self.done.bytes = self.done.bytes.saturating_add(size);
        if self.done.bytes > self.limits.bytes {
            let what = format!("the archive holds more than {} bytes", self.limits.bytes);
            return Err(too_large(what));
        }
        self.above(at)?;
        let mode = entry.header().mode().unwrap_or_default();
        let mode = if mode & 0o100 != 0 { 0o777 } else { 0o666 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.root.join(at))
            .map_err(|error| conflict(at, error))?;
        let mut source = Source {
            inner: entry,
            failed: false,
        };
        let written = match io::copy(&mut source, &mut file) {
            Ok(written) => written,
            Err(error) if source.failed => return Err(malformed(error)),
            Err(error) => return Err(conflict(at, error)),
        };
        if written == size { Ok(()) } else { Err(cut()) }
    }

    fn link(&mut self, name: &[u8], at: PathBuf, target: &[u8]) -> Result<(), Error> {
        let target = PathBuf::from(std::ffi::OsStr::from_bytes(target));
        if target.as_os_str().as_bytes().contains(&0) || !is_inside(&at, &target) {
            return Err(refused(
                name,
                "it is a link that may lead out of the folder",
            ));
        }
        // now, since later it might be made by way of a link
        self.above(&at)?;
        self.links.push((at, target));
        Ok(())
    }
}

/// Tells trouble with the archive from trouble with the disk.
struct Source<'a, R> {
    inner: &'a mut R,
    failed: bool,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into);
        self.failed |= read.is_err();
        read
    }
}

/// The content of an entry that is about another.
fn note<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Error> {
    let size = entry.size();
    if size > LONGEST_NOTE {
        let what = format!("an entry of the archive has a name longer than {LONGEST_NOTE} bytes");
        return Err(too_large(what));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(malformed)?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(cut())
    }
}

/// Without the NUL at its end.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}
