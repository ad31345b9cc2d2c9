//! From a path a client names to a folder the kernel confines it to.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::IsolationMode;
use super::cell::Cell;

/// Where a path lies: every access goes through `dir`, which nothing below it leads out of.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) dir: Arc<Dir>,
    /// Relative to `dir`; `.` for the folder itself.
    pub(crate) path: PathBuf,
    pub(crate) writable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a path at all: empty or with a NUL.
    Invalid,
    /// Not in the sandbox.
    Outside,
}

const SYSTEM: [&str; 8] = [
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc",
];
/// As many links in one path as Linux follows.
const MAX_LINKS: u32 = 40;
const KERNEL: [&str; 3] = ["dev", "proc", "sys"];

impl Cell {
    /// The absolute path of `path`, as programs in the sandbox name it.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.is_empty() || path == "." {
            self.home.clone()
        } else if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.home)
        }
    }

    /// What a path leads to. Opens folders, so it belongs on a thread that may block.
    pub(crate) fn place(&self, path: &str) -> Result<Place, Refusal> {
        self.look_up(path, true)
    }

    /// The same, but for the name itself where that is a link.
    pub(crate) fn place_itself(&self, path: &str) -> Result<Place, Refusal> {
        self.look_up(path, false)
    }

    fn look_up(&self, path: &str, follow: bool) -> Result<Place, Refusal> {
        if path.contains('\0') {
            return Err(Refusal::Invalid);
        }
        let absolute = self.absolute(path);
        let absolute = if self.host.mode() == IsolationMode::None {
            absolute
        } else {
            self.resolve(&absolute, follow)?
        };
        let mine = |path: PathBuf| Place {
            dir: Arc::clone(&self.files),
            path,
            writable: true,
        };
        if self.host.mode() == IsolationMode::None {
            let path = Path::new(&absolute);
            if let Some(place) = self.in_volume(&absolute) {
                return Ok(place);
            }
            return match path.strip_prefix(&self.root) {
                Ok(rest) => Ok(mine(tidy(rest))),
                // The folders everybody expects are those of the sandbox, as `TMPDIR` says.
                Err(_) => Err(Refusal::Outside),
            };
        }
        if let Some(place) = self.in_volume(&absolute) {
            return Ok(place);
        }
        for bind in self.host.binds() {
            if let Ok(rest) = Path::new(&absolute).strip_prefix(bind) {
                return open(bind, rest);
            }
        }
        let relative = tidy(Path::new(absolute.trim_start_matches('/')));
        let first = relative.components().next();
        let Some(Component::Normal(name)) = first else {
            return Ok(mine(relative));
        };
        let name = name.to_string_lossy();
        if KERNEL.contains(&name.as_ref()) {
            return Err(Refusal::Outside);
        }
        if SYSTEM.contains(&name.as_ref()) {
            let rest = relative
                .strip_prefix(name.as_ref())
                .map_err(|_| Refusal::Outside)?;
            let host = match name.as_ref() {
                "etc" => self.host.etc(),
                name => Path::new("/").join(name),
            };
            return open(&host, rest);
        }
        Ok(mine(relative))
    }
}

fn open(folder: &Path, rest: &Path) -> Result<Place, Refusal> {
    let dir = Dir::open_ambient_dir(folder, ambient_authority()).map_err(|_| Refusal::Outside)?;
    Ok(Place {
        dir: Arc::new(dir),
        path: tidy(rest),
        writable: false,
    })
}

impl Cell {
    fn in_volume(&self, absolute: &str) -> Option<Place> {
        let (mounted, rest) = self.mounted(absolute)?;
        Some(Place {
            dir: Arc::clone(&mounted.dir),
            path: tidy(Path::new(rest)),
            writable: true,
        })
    }

    /// What a link says, if there is one at this path from the root.
    fn link_at(&self, path: &str) -> Option<String> {
        let absolute = format!("/{path}");
        let target = match self.mounted(&absolute) {
            Some((_, "")) => return None,
            Some((mounted, rest)) => mounted.dir.read_link_contents(&rest[1..]),
            None => self.files.read_link_contents(path),
        };
        Some(target.ok()?.to_string_lossy().into_owned())
    }

    /// Follows links whose targets are absolute, which mean the sandbox's own root and which the kernel would refuse
    /// to follow from there. This only finds a name: the access itself is confined whatever comes out.
    fn resolve(&self, path: &str, follow: bool) -> Result<String, Refusal> {
        let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    // The root's parent is the root.
                    done.pop();
                    continue;
                }
                _ => done.push(part),
            }
            let last = left.iter().all(|part| part.is_empty() || part == ".");
            let first = done.first().map(String::as_str).unwrap_or_default();
            if (last && !follow) || SYSTEM.contains(&first) || KERNEL.contains(&first) {
                continue;
            }
            let Some(target) = self.link_at(&done.join("/")) else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(Refusal::Outside);
            }
            if target.starts_with('/') {
                done.clear();
            } else {
                done.pop();
            }
            left.extend(target.split('/').rev().map(str::to_owned));
        }
        Ok(format!("/{}", done.join("/")))
    }
}

/// Without `.` and doubled slashes. `..` stays: what it leads to depends on links, so the kernel decides.
fn tidy(path: &Path) -> PathBuf {
    let parts = path
        .components()
        .filter(|part| !matches!(part, Component::CurDir | Component::RootDir));
    let tidy: PathBuf = parts.collect();
    if tidy.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        tidy
    }
}

impl Cell {
    /// Whether a program can be started in this folder. A folder that is not the sandbox's own counts if it is there:
    /// where it may be used is for the kernel to say.
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        match self.place(path) {
            Ok(place) => place
                .dir
                .metadata(&place.path)
                .is_ok_and(|metadata| metadata.is_dir()),
            Err(Refusal::Invalid) => false,
            Err(Refusal::Outside) => Path::new(path).is_dir(),
        }
    }
}
