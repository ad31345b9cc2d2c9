//! Files of a local sandbox, below its folder and nowhere else.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};

use crate::{Error, ErrorKind, FileEntry, path};

/// Files below one folder. The kernel resolves the paths and lets none out, whatever links a
/// command may have made.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    max_size: u64,
}

impl Files {
    pub(super) fn new(folder: PathBuf, max_size: u64) -> Self {
        Self { folder, max_size }
    }

    pub(super) fn put(&self, path: &str, content: &[u8]) -> Result<(), Error> {
        let path = entry(path)?;
        let root = self.root()?;
        if let Some((above, _)) = path.rsplit_once('/') {
            make_dirs(&root, above)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let mut file = open(&root, &path, &mut options)?;
        file.set_len(0).map_err(failed)?;
        file.write_all(content).map_err(failed)
    }

    pub(super) fn get(&self, path: &str) -> Result<Bytes, Error> {
        let path = entry(path)?;
        let file = open(&self.root()?, &path, OpenOptions::new().read(true))?;
        let too_large = || Error::new(ErrorKind::TooLarge, "the file is larger than the limit");
        if file.metadata().map_err(failed)?.len() > self.max_size {
            return Err(too_large());
        }
        let mut content = Vec::new();
        // It may grow while it is read.
        let mut bounded = file.take(self.max_size + 1);
        bounded.read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > self.max_size {
            return Err(too_large());
        }
        Ok(content.into())
    }

    pub(super) fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        let path = path::normalize(path)?;
        let root = self.root()?;
        let entries = if path.is_empty() {
            root.entries()
        } else {
            root.read_dir(&path)
        };
        let mut listed = Vec::new();
        for entry in entries.map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = match path.as_str() {
                "" => name,
                above => format!("{above}/{name}"),
            };
            match entry.metadata() {
                Ok(metadata) => listed.push(described(path, &metadata)),
                // Removed since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    pub(super) fn remove(&self, path: &str) -> Result<(), Error> {
        let path = entry(path)?;
        let root = self.root()?;
        // A link is removed itself, not what it leads to.
        let removed = root.symlink_metadata(&path).and_then(|metadata| {
            if metadata.is_dir() {
                root.remove_dir_all(&path)
            } else {
                root.remove_file(&path)
            }
        });
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed),
        }
    }

    pub(super) fn make_dir(&self, path: &str) -> Result<(), Error> {
        let path = path::normalize(path)?;
        if path.is_empty() {
            return Ok(());
        }
        make_dirs(&self.root()?, &path)
    }

    fn root(&self) -> Result<Dir, Error> {
        Dir::open_ambient_dir(&self.folder, ambient_authority()).map_err(failed)
    }
}

/// A path other than the folder's own.
fn entry(path: &str) -> Result<String, Error> {
    let path = path::normalize(path)?;
    if path.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "the path names the working directory itself",
        ));
    }
    Ok(path)
}

fn make_dirs(root: &Dir, path: &str) -> Result<(), Error> {
    let Err(error) = root.create_dir_all(path) else {
        return Ok(());
    };
    // A link that leads out counts there as something that is in the way.
    match root.metadata(path) {
        Err(refused) if is_escape(&refused) => Err(failed(refused)),
        _ => Err(failed(error)),
    }
}

/// Opens a regular file. Without blocking, since a named pipe would wait for its other end.
fn open(root: &Dir, path: &str, options: &mut OpenOptions) -> Result<File, Error> {
    options.custom_flags(nix::libc::O_NONBLOCK);
    let file = root.open_with(path, options).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_file() {
        return Ok(file);
    }
    Err(not_a_file())
}

fn not_a_file() -> Error {
    Error::new(ErrorKind::InvalidInput, "the path is not of a regular file")
}

fn described(path: String, metadata: &Metadata) -> FileEntry {
    let entry = if metadata.is_dir() {
        FileEntry::dir(path)
    } else {
        FileEntry::file(path, metadata.len())
    };
    let entry = entry.with_mode(metadata.mode() & 0o7777);
    match metadata.modified() {
        Ok(modified) => entry.with_modified(modified.into_std()),
        Err(_) => entry,
    }
}

/// True if no system call failed: it is the confinement that refused.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        _ if is_escape(&error) => Error::new(
            ErrorKind::PathEscape,
            "a link leads out of the working directory",
        ),
        io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "there is nothing of that name"),
        io::ErrorKind::IsADirectory => not_a_file(),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Error::new(
            ErrorKind::InvalidInput,
            "a file is where a directory should be",
        ),
        _ => Error::new(ErrorKind::Provider, "the file system refused").with_source(error),
    }
}
