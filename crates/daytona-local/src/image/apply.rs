//! Puts the files of an image into a sandbox. Every access goes through a folder handle that the kernel confines, so
//! nothing is written outside of the sandbox, whatever links are in an archive or in the way.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use cap_std::fs::{OpenOptions, OpenOptionsExt, PermissionsExt};
use tar::EntryType;

use super::{Copy, Plan, Step, index};
use crate::isolate::IsolationMode;
use crate::isolate::cell::Cell;
use crate::isolate::place::Place;

impl Plan {
    /// Blocks until all of it is there.
    pub(crate) fn apply(&self, cell: &Cell) -> io::Result<()> {
        for step in &self.steps {
            match step {
                Step::Folder(path) => {
                    let spot = spot(cell, path)?;
                    spot.dir.create_dir_all(&spot.path)?;
                }
                Step::Copy(copy) => apply(cell, copy)?,
            }
        }
        Ok(())
    }
}

/// Where a path of the image is in the sandbox.
fn spot(cell: &Cell, path: &str) -> io::Result<Place> {
    let own = match cell.host.mode() {
        IsolationMode::Namespaces => path.to_owned(),
        IsolationMode::None => format!("{}{path}", cell.root.display()),
    };
    let spot = cell.place(&own).ok().filter(|spot| spot.writable);
    spot.ok_or_else(|| {
        let kind = io::ErrorKind::PermissionDenied;
        io::Error::new(kind, format!("{path} is not the sandbox's own"))
    })
}

fn open(copy: &Copy) -> io::Result<tar::Archive<BufReader<File>>> {
    let file = File::open(copy.archive.file.path())?;
    Ok(tar::Archive::new(BufReader::new(file)))
}

fn apply(cell: &Cell, copy: &Copy) -> io::Result<()> {
    let mut archive = open(copy)?;
    let top = spot(cell, &copy.to)?;
    let is_folder = top
        .dir
        .metadata(&top.path)
        .is_ok_and(|about| about.is_dir());
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(name) = index::path(&entry.path()?) else {
            continue;
        };
        let Some(rest) = below(&name, &copy.from) else {
            continue;
        };
        let kind = entry.header().entry_type();
        let to = if !rest.is_empty() {
            join(&top.path, rest)
        } else if kind.is_dir() {
            top.path.clone()
        } else if copy.into || is_folder {
            join(&top.path, name.rsplit('/').next().unwrap_or(&name))
        } else {
            top.path.clone()
        };
        if kind.is_hard_link() {
            put_linked(&top, &to, &entry, copy)?;
        } else {
            put(&top, &to, &mut entry, kind, copy.mode)?;
        }
    }
    Ok(())
}

/// Puts the file that an entry is another name of: it is in the archive once.
fn put_linked(
    top: &Place,
    to: &Path,
    link: &tar::Entry<'_, BufReader<File>>,
    copy: &Copy,
) -> io::Result<()> {
    let target = link.link_name()?.and_then(|target| index::path(&target));
    let mut archive = open(copy)?;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_file() && target.is_some() && index::path(&entry.path()?) == target {
            return put(top, to, &mut entry, kind, copy.mode);
        }
    }
    let message = "a build context holds a link to a file that is not in it";
    Err(io::Error::other(message))
}

/// What of `name` is below `from`; empty for `from` itself.
fn below<'a>(name: &'a str, from: &str) -> Option<&'a str> {
    if from.is_empty() {
        return Some(name);
    }
    let rest = name.strip_prefix(from)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

fn join(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}

fn put(
    spot: &Place,
    to: &Path,
    entry: &mut tar::Entry<'_, BufReader<File>>,
    kind: EntryType,
    mode: Option<u32>,
) -> io::Result<()> {
    let dir = &spot.dir;
    if kind.is_dir() {
        return dir.create_dir_all(to);
    }
    if let Some(parent) = to.parent().filter(|parent| *parent != Path::new("")) {
        dir.create_dir_all(parent)?;
    }
    if kind.is_symlink() {
        let Some(target) = entry.link_name()? else {
            return Ok(());
        };
        drop(dir.remove_file(to));
        return dir.symlink_contents(target, to);
    }
    if !kind.is_file() {
        // devices and the like: no client brings them
        return Ok(());
    }
    let mode = mode.map_or_else(|| entry.header().mode(), Ok)? & 0o777;
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    // a link that is in the way is replaced, not followed
    if dir
        .symlink_metadata(to)
        .is_ok_and(|about| about.is_symlink())
    {
        dir.remove_file(to)?;
    }
    let mut file = dir.open_with(to, &options)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("something that is no file is in the way"));
    }
    let size = entry.size();
    let copied = io::copy(&mut entry.take(size), &mut file)?;
    if copied != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // whatever the umask, and for one that was there already
    file.set_permissions(cap_std::fs::Permissions::from_mode(mode))
}
