//! From a sandbox onto this machine.

use std::path::{Path, PathBuf};

use sandbox_core::Sandbox;

use super::relative;
use crate::args::Transfer;
use crate::error::Failure;

/// Deeper than any tree that is meant; a sandbox could answer for ever.
const MAX_DEPTH: usize = 64;

/// Copies a file or a directory with all that is in it.
pub(crate) async fn download<S: Sandbox>(sandbox: &S, transfer: &Transfer) -> Result<(), Failure> {
    let failed = |error| Failure::of(format!("cannot download {}", transfer.from), error);
    let path = relative(sandbox.workdir(), &transfer.from).trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let whole = matches!(path, "." | "");
    let is_dir = whole || {
        let entries = sandbox.list(parent).await.map_err(failed)?;
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => entry.is_dir,
            None => {
                return Err(Failure::new(format!(
                    "cannot download {}: it does not exist in the sandbox",
                    transfer.from
                )));
            }
        }
    };
    let default = if whole { "workspace" } else { name };
    let mut dest = PathBuf::from(transfer.to.as_deref().unwrap_or(default));
    if transfer.to.is_some() && dest.is_dir() && !whole {
        dest.push(local_name(name)?);
    }
    if is_dir {
        tree(sandbox, path, &dest).await
    } else {
        file(sandbox, path, &dest).await
    }
}

async fn tree<S: Sandbox>(sandbox: &S, path: &str, dest: &Path) -> Result<(), Failure> {
    let mut dirs = vec![(path.to_owned(), dest.to_owned(), 0_usize)];
    while let Some((path, dest, depth)) = dirs.pop() {
        tokio::fs::create_dir_all(&dest).await.map_err(|error| {
            Failure::new(format!("cannot make {}", dest.display())).because(error)
        })?;
        let listed = if path.is_empty() { "." } else { path.as_str() };
        let entries = sandbox
            .list(listed)
            .await
            .map_err(|error| Failure::of(format!("cannot download {listed}"), error))?;
        for entry in entries {
            let local = dest.join(local_name(&entry.name)?);
            let inner = if matches!(listed, ".") {
                entry.name.clone()
            } else {
                format!("{listed}/{}", entry.name)
            };
            if !entry.is_dir {
                file(sandbox, &inner, &local).await?;
            } else if depth < MAX_DEPTH {
                dirs.push((inner, local, depth + 1));
            } else {
                return Err(Failure::new(format!(
                    "cannot download {inner}: directories are nested too deeply"
                )));
            }
        }
    }
    Ok(())
}

async fn file<S: Sandbox>(sandbox: &S, path: &str, dest: &Path) -> Result<(), Failure> {
    let content = sandbox
        .get(path)
        .await
        .map_err(|error| Failure::of(format!("cannot download {path}"), error))?;
    let write = async {
        if let Some(folder) = dest.parent().filter(|folder| *folder != Path::new("")) {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(dest, &content).await
    };
    write
        .await
        .map_err(|error| Failure::new(format!("cannot write {}", dest.display())).because(error))
}

/// A name that a sandbox gave, if it is one that stays in the directory it is put in.
fn local_name(name: &str) -> Result<&str, Failure> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(Failure::new(
            "the sandbox lists a file under a name that would lead out of the destination",
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_name_cannot_lead_out() {
        for bad in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0"] {
            assert!(local_name(bad).is_err(), "{bad:?}");
        }
        assert!(local_name("..a").is_ok());
    }
}
