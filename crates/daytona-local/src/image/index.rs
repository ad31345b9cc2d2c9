//! What is in the archives of build contexts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Component;

use super::LONGEST_PATH;
use crate::storage::Object;

/// More than any client brings.
const MOST: usize = 500_000;

/// Paths of all archives, normal, and whether each is a folder; and the archive it is in, by its place.
pub(super) struct Index {
    pub(super) archives: Vec<Object>,
    pub(super) entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) archive: usize,
    pub(super) folder: bool,
}

/// A path of an archive without `.` and doubled slashes; `None` for one that leads out of it.
pub(super) fn path(path: &std::path::Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir | Component::RootDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

pub(super) fn read(contexts: &[(String, Object)]) -> Result<Index, String> {
    let mut index = Index {
        archives: Vec::with_capacity(contexts.len()),
        entries: BTreeMap::new(),
    };
    for (hash, object) in contexts {
        let unreadable = |_| format!("the build context {hash} is no archive that can be read");
        let file = File::open(object.file.path()).map_err(unreadable)?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let place = index.archives.len();
        for entry in archive.entries().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.path().map_err(unreadable)?;
            let Some(name) = path(&name).filter(|name| name.len() <= LONGEST_PATH) else {
                return Err(format!(
                    "the build context {hash} holds a path that leads out, is too long or is no UTF-8"
                ));
            };
            let folder = entry.header().entry_type().is_dir();
            let mut above = name.as_str();
            while let Some((parent, _)) = above.rsplit_once('/') {
                if index.entries.contains_key(parent) {
                    // and so are those above it
                    break;
                }
                let entry = Entry {
                    archive: place,
                    folder: true,
                };
                index.entries.insert(parent.to_owned(), entry);
                above = parent;
            }
            let entry = Entry {
                archive: place,
                folder,
            };
            index.entries.insert(name, entry);
            if index.entries.len() > MOST {
                return Err(format!(
                    "the build contexts hold more than {MOST} entries, which this embedded server does not take"
                ));
            }
        }
        index.archives.push(object.clone());
    }
    Ok(index)
}
