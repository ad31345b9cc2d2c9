//! What an upload consists of, found out before anything is created.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use crate::args::Transfer;
use crate::error::Failure;

/// Directories, files and links to make, in an order in which they can be made.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) dirs: Vec<String>,
    pub(crate) files: Vec<File>,
    pub(crate) links: Vec<Link>,
}

/// A file to upload.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) source: PathBuf,
    pub(crate) dest: String,
    pub(crate) executable: bool,
}

/// A symbolic link to make.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) dest: String,
    pub(crate) target: String,
}

/// Looks at everything that is to be uploaded.
pub(crate) fn plan(uploads: &[Transfer]) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    for upload in uploads {
        let source = upload.source();
        let failed =
            |error| Failure::new(format!("cannot upload {}", source.display())).because(error);
        let dest = match &upload.to {
            Some(to) => to.trim_end_matches('/').to_owned(),
            // `.` and `..` have a base name only once they are resolved
            None => base_name(&source.canonicalize().map_err(failed)?)?,
        };
        // what was named may be a link; what it leads to may not lead out again
        let root = source.canonicalize().map_err(failed)?;
        let kind = fs::metadata(&root).map_err(failed)?;
        if kind.is_dir() {
            plan.dirs.push(dest.clone());
            plan.walk(&root, &root, &dest)?;
        } else {
            plan.add_file(root, dest, &kind)?;
        }
    }
    Ok(plan)
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.dirs.is_empty() && self.files.is_empty()
    }

    fn walk(&mut self, root: &Path, dir: &Path, dest: &str) -> Result<(), Failure> {
        let failed = |path: &Path, error| {
            Failure::new(format!("cannot upload {}", path.display())).because(error)
        };
        let mut entries: Vec<_> = fs::read_dir(dir)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .map_err(|error| failed(dir, error))?;
        entries.sort();
        for path in entries {
            let dest = format!("{dest}/{}", base_name(&path)?);
            let kind = fs::symlink_metadata(&path).map_err(|error| failed(&path, error))?;
            if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(|error| failed(&path, error))?;
                self.add_link(root, &path, &target, dest)?;
            } else if kind.is_dir() {
                self.dirs.push(dest.clone());
                self.walk(root, &path, &dest)?;
            } else {
                self.add_file(path, dest, &kind)?;
            }
        }
        Ok(())
    }

    /// A pipe would block and a device would not end.
    fn add_file(&mut self, source: PathBuf, dest: String, kind: &Metadata) -> Result<(), Failure> {
        if !kind.is_file() {
            return Err(Failure::new(format!(
                "cannot upload {}: it is neither a file nor a directory",
                source.display()
            )));
        }
        // open now, so that what cannot be read is told before anything is created
        fs::File::open(&source).map_err(|error| {
            Failure::new(format!("cannot upload {}", source.display())).because(error)
        })?;
        self.files.push(File {
            source,
            dest,
            executable: kind.permissions().mode() & 0o100 != 0,
        });
        Ok(())
    }

    /// A link stays a link if it leads to somewhere in the tree; one that leads out would bring along what nobody named.
    fn add_link(
        &mut self,
        root: &Path,
        path: &Path,
        target: &Path,
        dest: String,
    ) -> Result<(), Failure> {
        let parent = path.parent().unwrap_or(root);
        let inside = target.is_relative() && inside(root, parent, target);
        match target.to_str() {
            Some(target) if inside => {
                self.links.push(Link {
                    dest,
                    target: target.to_owned(),
                });
                Ok(())
            }
            _ => Err(Failure::new(format!(
                "cannot upload {}: it is a link that leads out of the directory",
                path.display()
            ))
            .hint("replace the link by what it leads to, or upload that by itself")),
        }
    }
}

/// Whether `target`, seen from `dir`, stays in `root`; by its text, since it is the text that is taken along.
fn inside(root: &Path, dir: &Path, target: &Path) -> bool {
    let mut depth = dir
        .strip_prefix(root)
        .map_or(0, |below| below.components().count());
    for part in target.components() {
        match part {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn base_name(path: &Path) -> Result<String, Failure> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::new(format!(
                "cannot upload {}: it has no name in UTF-8",
                path.display()
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_not_lead_out() {
        let check =
            |dir: &str, target: &str| inside(Path::new("/r"), Path::new(dir), Path::new(target));
        assert!(check("/r", "a") && check("/r/d", "../a") && check("/r/d", "./x/../y"));
        assert!(
            !check("/r", "../a")
                && !check("/r/d", "../../etc")
                && !check("/r", "/etc")
                && !check("/r", "a/../../b")
        );
    }
}
