//! The folder that a local sandbox works in.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

/// The folder that a local sandbox works in.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    text: String,
    remove: bool,
}

impl Folder {
    /// A new folder among the temporary ones, only for this user, to be removed at the end.
    pub(super) fn temporary() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("sandbox-")
            .tempdir()
            .map_err(cannot_make)?;
        Self::at(&folder.keep(), true)
    }

    /// A folder of the user's choice, made if it is not there.
    pub(super) fn given(path: &str, remove: bool) -> Result<Self, Error> {
        if path.is_empty() || path.contains('\0') {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the working directory is empty or holds a NUL",
            ));
        }
        fs::create_dir_all(path).map_err(cannot_make)?;
        Self::at(Path::new(path), remove)
    }

    /// Symbolic links are followed once, here, so that `pwd` in the sandbox tells the same path.
    fn at(path: &Path, remove: bool) -> Result<Self, Error> {
        let path = fs::canonicalize(path).map_err(cannot_make)?;
        let Some(text) = path.to_str().map(str::to_owned) else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the path of the working directory is not UTF-8",
            ));
        };
        if remove && path.parent().is_none() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the root directory is no working directory to be removed",
            ));
        }
        Ok(Self { path, text, remove })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// False once it is known not to be there any more.
    pub(super) fn exists(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(metadata) => metadata.is_dir(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Removes it if it is ours to remove.
    pub(super) fn remove(&self) -> io::Result<()> {
        if self.remove {
            remove_tree(&self.path)?;
        }
        Ok(())
    }
}

/// Removes a folder and all in it, also what a command has made unreadable for its own user.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes the folders of a tree writable for their owner. Links are not followed.
fn unlock(path: &Path) {
    let mut todo = vec![path.to_owned()];
    while let Some(folder) = todo.pop() {
        // What cannot be changed shows up when it cannot be removed.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        todo.extend(
            entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
}

fn cannot_make(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Provider,
        "the working directory cannot be made on this host",
    )
    .with_source(error)
}
