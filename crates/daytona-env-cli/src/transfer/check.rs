//! What is wrong with the places of a transfer, told before anything is created.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use sandbox_core::path;

use super::relative;
use crate::args::Transfer;
use crate::error::Failure;

/// Refuses what cannot succeed: paths of the sandbox that lead out of its working directory, as far as that is known,
/// and places of this machine that nothing can be written to.
pub(crate) fn check(
    uploads: &[Transfer],
    downloads: &[Transfer],
    workdir: Option<&str>,
) -> Result<(), Failure> {
    for upload in uploads {
        if let Some(dest) = &upload.to {
            inside("--upload", upload, dest, workdir)?;
        }
    }
    for download in downloads {
        inside("--download", download, &download.from, workdir)?;
        let Some(dest) = &download.to else { continue };
        let failed = |error: io::Error| {
            Failure::new(format!(
                "{} cannot be written to",
                shown("--download", download)
            ))
            .because(error)
            .hint("DEST is on this machine: a directory, or a file to make in one")
        };
        writable(Path::new(dest)).map_err(failed)?;
    }
    Ok(())
}

fn shown(option: &str, transfer: &Transfer) -> String {
    match &transfer.to {
        Some(to) => format!("{option} {}:{to}", transfer.from),
        None => format!("{option} {}", transfer.from),
    }
}

fn inside(
    option: &str,
    transfer: &Transfer,
    place: &str,
    workdir: Option<&str>,
) -> Result<(), Failure> {
    // where an absolute one leads is known with the working directory only
    let known = match workdir {
        Some(workdir) => relative(workdir, place),
        None => place.trim_start_matches('/'),
    };
    path::normalize(known).map(drop).map_err(|error| {
        Failure::new(shown(option, transfer))
            .because(error)
            .hint("give a path below the sandbox's working directory, relative to it")
    })
}

/// Whether something can be put there. The folders that lack are made later.
fn writable(dest: &Path) -> io::Result<()> {
    let mut folder = PathBuf::from(dest);
    let is_there = loop {
        match fs::metadata(&folder) {
            Ok(found) => break found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !folder.pop() || folder.as_os_str().is_empty() {
                    folder = PathBuf::from(".");
                }
            }
            Err(error) => return Err(error),
        }
    };
    if is_there.is_dir() {
        return Ok(access(&folder, Access::WRITE_OK | Access::EXEC_OK)?);
    }
    if folder == dest {
        return fs::OpenOptions::new().write(true).open(dest).map(drop);
    }
    Err(io::Error::from(io::ErrorKind::NotADirectory))
}
