//! Walks a folder without following links.

use std::ffi::OsString;

use cap_std::fs::Dir;

use super::info::join;
use crate::isolate::cell::Cell;

const MAX_DEPTH: u32 = 256;

/// As [`walk`], and the volumes that are shown below `path` too, each after all that lies beside it.
pub(super) fn walk_all(
    cell: &Cell,
    folder: &Dir,
    path: &str,
    visit: &mut dyn FnMut(&Dir, &OsString, &str, bool),
) {
    walk(folder, path, visit);
    for (place, volume) in cell.mounts_below(path) {
        walk(&volume, &join(path, &place), visit);
    }
}

/// Calls `visit` with each entry below `folder`: the folder it is in, its name, its path, whether it is a folder.
fn walk(folder: &Dir, prefix: &str, visit: &mut dyn FnMut(&Dir, &OsString, &str, bool)) {
    below(folder, prefix, visit, 0);
}

fn below(
    folder: &Dir,
    prefix: &str,
    visit: &mut dyn FnMut(&Dir, &OsString, &str, bool),
    depth: u32,
) {
    let Ok(entries) = folder.entries() else {
        return;
    };
    let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let Ok(metadata) = folder.symlink_metadata(&name) else {
            continue;
        };
        let path = join(prefix, &name.to_string_lossy());
        visit(folder, &name, &path, metadata.is_dir());
        if metadata.is_dir()
            && depth < MAX_DEPTH
            && let Ok(inner) = folder.open_dir(&name)
        {
            below(&inner, &path, visit, depth + 1);
        }
    }
}
