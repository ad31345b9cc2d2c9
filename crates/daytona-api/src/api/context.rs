//! The files of this machine that an image copies: found, hashed, and brought to the server's object storage.
//!
//! The hashes are those of the official clients, so that one need not upload again what another did. They are no
//! promise about content: names and contents follow each other without a mark between them, in the order of the
//! folders' own entries, and modes are left out. So there is a digest of ours beside them, over all that an image
//! would get; what goes over the wire is held against it to its last byte.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::Image;
use crate::client::Daytona;
use crate::error::{Error, ErrorKind};
use crate::models::CreateBuildInfo;

mod node;
mod pack;
mod scan;
mod store;

/// The most that one entry of a context may hold.
const MAX_ENTRIES: u64 = 100_000;
/// What one request to an object storage can carry.
const MAX_BYTES: u64 = 5 << 30;
const MAX_DEPTH: usize = 64;
/// As coarse as the time of a file may be.
const GRAIN: Duration = Duration::from_secs(2);

/// A file or folder that an image copies.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Local {
    /// Where it is; absolute.
    pub(crate) source: PathBuf,
    /// Its name in the archive, as it is hashed.
    pub(crate) archive: String,
    pub(crate) kind: Kind,
    /// The folder that it must be in, with no link in the path.
    pub(crate) root: Option<PathBuf>,
}

/// What it has to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    File,
    Folder,
    Any,
}

/// What the local files of an [`Image`] are: from [`Image::context`].
///
/// Debug shows hashes and sizes, no path and no content.
#[derive(Clone)]
pub struct Context {
    parts: Vec<Part>,
    digest: String,
    stamp: [u8; 32],
    settled: bool,
}

#[derive(Clone)]
struct Part {
    local: Local,
    scanned: scan::Scanned,
}

impl Context {
    pub(crate) async fn read(locals: &[Local]) -> Result<Self, Error> {
        let locals = locals.to_vec();
        let work = spawn_blocking(move || Self::scan(locals, true));
        let read = work.await.map_err(died)?;
        // nothing was sent
        read.map_err(|error| error.with_reached(false))
    }

    /// This one, if the files look as they did then: by their sizes, times and numbers. `None` where they do not, or
    /// where they were so young then that a change since may not show.
    pub(crate) async fn if_unchanged(&self) -> Option<Self> {
        if !self.settled {
            return None;
        }
        let locals = self.parts.iter().map(|part| part.local.clone()).collect();
        let now = spawn_blocking(move || Self::scan(locals, false))
            .await
            .ok()?
            .ok()?;
        (now.stamp == self.stamp).then(|| self.clone())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "held against the times of files, which are of this clock"
    )]
    fn scan(locals: Vec<Local>, content: bool) -> Result<Self, Error> {
        let begun = SystemTime::now();
        let mut parts = Vec::with_capacity(locals.len());
        let mut digest = Sha256::new();
        let mut stamp = Sha256::new();
        let mut settled = true;
        for local in locals {
            let scanned = scan::scan(&local, content)?;
            digest.update((local.archive.len() as u64).to_le_bytes());
            digest.update(&local.archive);
            digest.update(scanned.digest);
            stamp.update(scanned.stamp);
            let age = begun.duration_since(scanned.newest).unwrap_or_default();
            settled &= age > GRAIN;
            parts.push(Part { local, scanned });
        }
        Ok(Self {
            parts,
            digest: node::hex(&digest.finalize()),
            stamp: stamp.finalize().into(),
            settled,
        })
    }

    /// The hash of each file or folder that is copied, as the official clients make it and the server knows it: 32
    /// characters, in the order of the steps.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.scanned.md5.as_str())
    }

    /// A SHA-256 over everything that is copied, names, modes, links and contents, whatever the order in which folders
    /// list it: 64 characters. Two contexts with the same one bring the same files.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.scanned.bytes).sum()
    }

    /// The files, folders and links.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.parts.iter().map(|part| part.scanned.entries).sum()
    }

    /// Reads the files again unless they look as they did when this was made: as [`Image::context`] of the same image,
    /// at the cost of a look at each file.
    ///
    /// Files are told by size, times and number. What was changed within two seconds before it was read is read again.
    ///
    /// # Errors
    ///
    /// As [`Image::context`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn refreshed(&self) -> Result<Self, Error> {
        if let Some(same) = self.if_unchanged().await {
            return Ok(same);
        }
        let locals: Vec<Local> = self.parts.iter().map(|part| part.local.clone()).collect();
        Self::read(&locals).await
    }

    /// Brings to the server's object storage what it does not have of this yet. Nothing is uploaded where it has
    /// everything, and nothing is asked where there is nothing to bring.
    ///
    /// The storage is asked for each part whether it is there. The files are read a second time, and held against what
    /// they were: a part of which anything has changed does not become an object. Memory does not grow with the files.
    ///
    /// # Errors
    ///
    /// What `getPushAccess`, `headObject` and `putObject` may fail with; [`operation`](Error::operation) says which it
    /// was, and [`code`](Error::code) is the storage's own, such as `ExpiredToken` or `NoSuchBucket`. Redirects are not
    /// followed. [`ErrorKind::Local`] where files have changed. No sandbox was made, and it is safe to repeat: what is
    /// there by then is not uploaded again.
    ///
    /// # Cancel safety
    ///
    /// As for the errors: an object is there whole or not at all.
    pub async fn upload(&self, api: &Daytona) -> Result<(), Error> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let access = api.server().push_access().await?;
        let store = store::Store::new(api, &access)?;
        let mut done = HashSet::new();
        for part in &self.parts {
            let hash = part.scanned.md5.as_str();
            if done.insert(hash) && !store.has(hash).await? {
                store.put(part).await?;
            }
        }
        Ok(())
    }
}

impl Image {
    /// What the server is to build, once everything is where it can find it: as [`context`](Self::context) and
    /// [`upload`](Context::upload).
    pub(crate) async fn uploaded(&self, api: &Daytona) -> Result<CreateBuildInfo, Error> {
        let mut info = self.build_info()?;
        if self.has_local_files() {
            let context = self.context().await?;
            // whatever went wrong, nothing was made
            let uploaded = context.upload(api).await;
            uploaded.map_err(|error| error.with_reached(false))?;
            info.context_hashes = Some(context.hashes().map(str::to_owned).collect());
        }
        Ok(info)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashes: Vec<&str> = self.hashes().collect();
        f.debug_struct("Context")
            .field("hashes", &hashes)
            .field("digest", &self.digest)
            .field("entries", &self.entries())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

fn local(what: impl Into<std::borrow::Cow<'static, str>>, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Local, what).with_source(error)
}

fn changed(path: &Path) -> Error {
    let what = format!("{} changed while it was read", node::shown(path));
    Error::new(ErrorKind::Local, what)
}

fn died(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Local, "the work on the local files ended early").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_looks_as_it_did_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let image = Image::base("a").add_local_file(&path, "/a");
        let read = image.context().await.unwrap();
        let marked = |settled| Context {
            digest: "of before".to_owned(),
            settled,
            ..read.clone()
        };
        let digest = async |context: Context| context.refreshed().await.unwrap().digest;
        assert_eq!(digest(marked(true)).await, "of before");
        // too young to tell, so it is read
        assert_eq!(digest(marked(false)).await, read.digest);
        std::fs::write(&path, "other").unwrap();
        let now = image.context().await.unwrap().digest;
        assert_eq!(digest(marked(true)).await, now);
        assert_ne!(now, read.digest);
    }
}
