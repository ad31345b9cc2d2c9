//! The files of a sandbox, set aside: what its snapshot gives to other sandboxes.

use std::fs::FileTimes;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{
    Dir, DirBuilder, DirBuilderExt, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt,
    Permissions, PermissionsExt,
};

use super::cell::{Cell, remove};
use super::host::Host;

/// How deep folders may lie in each other.
const MAX_DEPTH: u32 = 256;
/// How many files, folders and links a snapshot may have.
const MAX_ENTRIES: u64 = 1_000_000;
/// What at the root of a sandbox is not its own: the machine's, the kernel's, and what its start makes.
const NOT_OWN: [&str; 13] = [
    "usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "dev", "proc", "sys", ".old",
    ".volumes",
];

/// A copy of files. Removed with its last owner.
#[derive(Debug)]
pub(crate) struct Frozen(PathBuf);

impl Drop for Frozen {
    fn drop(&mut self) {
        let folder = std::mem::take(&mut self.0);
        // the last owner may be a request that must not wait; if it fails the folder goes with the server's
        std::thread::spawn(move || drop(remove(&folder)));
    }
}

impl Frozen {
    /// Copies the own files of a sandbox, without its volumes. Programs may go on meanwhile: what they change may be in
    /// the copy or not. At most `limit` bytes.
    pub(crate) fn of(cell: &Cell, id: &str, limit: u64) -> io::Result<Self> {
        let frozen = Self(cell.host.make_frozen(id)?);
        let to = Dir::open_ambient_dir(&frozen.0, ambient_authority())?;
        let mut copy = Copy::new(limit);
        for name in names(&cell.files)? {
            let own = !NOT_OWN.iter().any(|other| name == Path::new(other));
            if own {
                copy.entry(&cell.files, &to, &name, 0)?;
            }
        }
        // without isolation volumes are links, which would lead a sandbox to what it was not given
        for place in cell.links() {
            match to.remove_file(place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(frozen)
    }

    /// Copies all of it into a new sandbox.
    pub(super) fn thaw(&self, files: &Dir) -> io::Result<()> {
        let from = Dir::open_ambient_dir(&self.0, ambient_authority())?;
        let mut copy = Copy::new(u64::MAX);
        for name in names(&from)? {
            copy.entry(&from, files, &name, 0)?;
        }
        Ok(())
    }
}

impl Host {
    fn make_frozen(&self, id: &str) -> io::Result<PathBuf> {
        let folder = self.base().join("snapshots").join(id);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn names(dir: &Dir) -> io::Result<Vec<PathBuf>> {
    let names = dir.entries()?;
    names
        .map(|entry| Ok(PathBuf::from(entry?.file_name())))
        .collect()
}

struct Copy {
    bytes: u64,
    entries: u64,
}

impl Copy {
    fn new(bytes: u64) -> Self {
        Self {
            bytes,
            entries: MAX_ENTRIES,
        }
    }

    /// One entry of a folder and what is below it. What vanishes meanwhile is left out, and so are pipes and sockets.
    fn entry(&mut self, from: &Dir, to: &Dir, name: &Path, depth: u32) -> io::Result<()> {
        match self.try_entry(from, to, name, depth) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn try_entry(&mut self, from: &Dir, to: &Dir, name: &Path, depth: u32) -> io::Result<()> {
        self.entries = self.entries.checked_sub(1).ok_or_else(|| {
            io::Error::other(format!("there are more than {MAX_ENTRIES} files in it"))
        })?;
        let metadata = from.symlink_metadata(name)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            if depth == MAX_DEPTH {
                let message = format!("folders lie more than {MAX_DEPTH} deep in it");
                return Err(io::Error::other(message));
            }
            return self.folder(from, to, name, &metadata, depth);
        }
        if !kind.is_file() && !kind.is_symlink() {
            return Ok(());
        }
        // the folders that every sandbox has are there already
        if to.symlink_metadata(name).is_ok_and(|there| there.is_dir()) {
            to.remove_dir_all(name)?;
        }
        if kind.is_symlink() {
            let target = from.read_link_contents(name)?;
            return to.symlink_contents(target, name);
        }
        self.file(from, to, name)
    }

    fn folder(
        &mut self,
        from: &Dir,
        to: &Dir,
        name: &Path,
        metadata: &Metadata,
        depth: u32,
    ) -> io::Result<()> {
        let source = from.open_dir(name)?;
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        match to.create_dir_with(name, &builder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let target = to.open_dir(name)?;
        for name in names(&source)? {
            self.entry(&source, &target, &name, depth + 1)?;
        }
        let mode = Permissions::from_mode(metadata.mode() & 0o7777);
        target.set_permissions(".", mode)
    }

    fn file(&mut self, from: &Dir, to: &Dir, name: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true);
        options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
        let source = from.open_with(name, &options)?;
        let metadata = source.metadata()?;
        if !metadata.is_file() {
            return Ok(());
        }
        let too_large = || io::Error::other("its files are larger than its disk");
        if metadata.len() > self.bytes {
            return Err(too_large());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let target = to.open_with(name, &options)?;
        let (source, target) = (source.into_std(), target.into_std());
        // one byte more than there may be shows that there is more
        let mut bounded = io::Read::take(&source, self.bytes.saturating_add(1));
        let copied = io::copy(&mut bounded, &mut &target)?;
        self.bytes = self.bytes.checked_sub(copied).ok_or_else(too_large)?;
        if let Ok(modified) = metadata.modified() {
            target.set_times(FileTimes::new().set_modified(modified.into_std()))?;
        }
        let mode = Permissions::from_mode(metadata.mode() & 0o7777);
        File::from_std(target).set_permissions(mode)
    }
}
