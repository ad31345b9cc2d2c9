//! The volumes of one sandbox: folders outside of its own, shown at a place inside.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::IsolationMode;
use super::cell::Cell;
use super::host::Host;

/// What a sandbox is to show of a volume. Checked: both paths are without `.`, `..` and doubled slashes.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) volume: String,
    /// What of it, relative; empty for all.
    pub(crate) subpath: String,
    /// Where, as the client names it.
    pub(crate) at: String,
}

/// A volume that is shown.
#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) dir: Arc<Dir>,
    /// Where, as programs in the sandbox name it.
    pub(crate) at: String,
    /// The folder of the volume, and what of it is shown.
    pub(crate) volume: PathBuf,
    pub(crate) subpath: String,
}

impl Mounted {
    fn open(host: &Host, root: &Path, mount: &Mount) -> io::Result<Self> {
        let volume = host.make_volume(&mount.volume)?;
        let mut dir = Dir::open_ambient_dir(&volume, ambient_authority())?;
        for part in mount.subpath.split('/').filter(|part| !part.is_empty()) {
            dir = enter(&dir, part)?;
        }
        let at = mount.at.trim_end_matches('/');
        let at = match host.mode() {
            IsolationMode::Namespaces => at.to_owned(),
            IsolationMode::None => format!("{}{at}", root.to_string_lossy()),
        };
        Ok(Self {
            dir: Arc::new(dir),
            at,
            volume,
            subpath: mount.subpath.clone(),
        })
    }

    fn source(&self) -> PathBuf {
        match self.subpath.trim_end_matches('/') {
            "" => self.volume.clone(),
            part => self.volume.join(part),
        }
    }

    /// The rest of a path at or below it.
    pub(crate) fn rest<'a>(&self, absolute: &'a str) -> Option<&'a str> {
        let rest = absolute.strip_prefix(self.at.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

/// Opens a folder, made if it is missing. A link is no folder: who may write in a volume must not choose what another
/// sandbox sees of it.
fn enter(dir: &Dir, name: &str) -> io::Result<Dir> {
    match dir.create_dir(name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !dir.symlink_metadata(name)?.is_dir() {
        let message = format!("subpath of a volume: {name} is no folder");
        return Err(io::Error::other(message));
    }
    dir.open_dir(name)
}

/// Opens all of them, those that others lie in first, and prepares their places.
pub(super) fn mount_all(
    host: &Host,
    root: &Path,
    files: &Dir,
    mounts: &[Mount],
) -> io::Result<Vec<Mounted>> {
    let mut mounts: Vec<_> = mounts.iter().collect();
    mounts.sort_by_key(|mount| mount.at.trim_end_matches('/').len());
    let mut all: Vec<Mounted> = Vec::with_capacity(mounts.len());
    for mount in mounts {
        let mounted = Mounted::open(host, root, mount)?;
        match host.mode() {
            IsolationMode::Namespaces => {
                let outer = all.iter().rev().find_map(|outer| {
                    let rest = outer.rest(&mounted.at)?;
                    Some((outer.dir.as_ref(), rest))
                });
                let (dir, place) = outer.unwrap_or((files, &mounted.at));
                dir.create_dir_all(place.trim_start_matches('/'))?;
            }
            IsolationMode::None => link(files, root, &mounted)?,
        }
        all.push(mounted);
    }
    Ok(all)
}

fn link(files: &Dir, root: &Path, mounted: &Mounted) -> io::Result<()> {
    let place = Path::new(&mounted.at)
        .strip_prefix(root)
        .map_err(io::Error::other)?;
    if let Some(parent) = place.parent() {
        files.create_dir_all(parent)?;
    }
    files.symlink_contents(mounted.source(), place)
}

impl Cell {
    /// The volume that a path lies in, and the rest of the path.
    pub(super) fn mounted<'a>(&self, absolute: &'a str) -> Option<(&Mounted, &'a str)> {
        // the innermost: those that others lie in come first
        let mut inner = self.mounts.iter().rev();
        inner.find_map(|mounted| Some((mounted, mounted.rest(absolute)?)))
    }

    /// The links by which volumes are shown, relative to the root; only without isolation there are any.
    pub(super) fn links(&self) -> Vec<PathBuf> {
        let links = self.mounts.iter().filter_map(|mounted| {
            let place = Path::new(&mounted.at).strip_prefix(&self.root).ok()?;
            (self.host.mode() == IsolationMode::None).then(|| place.to_owned())
        });
        links.collect()
    }

    /// The volumes whose places are below a folder: where each is, relative to it.
    pub(crate) fn mounts_below(&self, path: &str) -> Vec<(String, Arc<Dir>)> {
        let folder = self.absolute(path);
        let folder = folder.trim_end_matches('/');
        let below = self.mounts.iter().filter_map(|mounted| {
            let rest = mounted.at.strip_prefix(folder)?.strip_prefix('/')?;
            Some((rest.to_owned(), Arc::clone(&mounted.dir)))
        });
        below.collect()
    }
}
