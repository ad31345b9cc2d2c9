//! A file that is filled from a request and removed by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::sign::hex;
use super::{Object, Storage};
use crate::app::App;
use crate::ident;
use crate::web::reply::Failure;

/// A file of the storage; its bytes count until it goes.
#[derive(Debug)]
pub(crate) struct Stored {
    path: PathBuf,
    size: u64,
    app: std::sync::Weak<App>,
}

impl Stored {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// An empty one.
    async fn make(app: &Arc<App>) -> io::Result<(Self, File)> {
        let folder = &app.storage.folder;
        tokio::fs::create_dir_all(folder).await?;
        let path = folder.join(ident::uuid());
        let stored = Self {
            path,
            size: 0,
            app: Arc::downgrade(app),
        };
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600);
        let file = file.open(&stored.path).await?;
        Ok((stored, file))
    }

    /// Takes room for more bytes, if there is any.
    fn grow(&mut self, storage: &Storage, bytes: u64) -> Result<(), Failure> {
        let mut inner = storage.lock();
        let used = inner.objects.used.saturating_add(bytes);
        if used > storage.limit {
            let message = format!(
                "Your proposed upload exceeds the {} bytes that this object storage holds",
                storage.limit
            );
            return Err(Failure::new(400, "EntityTooLarge", message));
        }
        inner.objects.used = used;
        self.size += bytes;
        Ok(())
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
        if let Some(app) = self.app.upgrade() {
            let mut inner = app.storage.lock();
            inner.objects.used = inner.objects.used.saturating_sub(self.size);
        }
    }
}

pub(super) fn broken(error: &io::Error) -> Failure {
    Failure::new(500, "InternalError", format!("the object: {error}"))
}

/// A file with all that comes, of which the hash is `wanted` where that is said.
pub(super) async fn fill<E>(
    app: &Arc<App>,
    mut pieces: impl Stream<Item = Result<bytes::Bytes, E>> + Unpin,
    length: Option<u64>,
    wanted: Option<&str>,
) -> Result<Object, Failure> {
    let made = Stored::make(app).await;
    let (mut stored, mut file) = made.map_err(|error| broken(&error))?;
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            let message = "You did not provide the number of bytes specified by Content-Length";
            Failure::new(400, "IncompleteBody", message)
        })?;
        stored.grow(&app.storage, piece.len() as u64)?;
        hash.update(&piece);
        let written = file.write_all(&piece).await;
        written.map_err(|error| broken(&error))?;
    }
    file.flush().await.map_err(|error| broken(&error))?;
    if length.is_some_and(|length| length != stored.size) {
        let message = "You did not provide the number of bytes specified by Content-Length";
        return Err(Failure::new(400, "IncompleteBody", message));
    }
    let hash = hex(&hash.finalize());
    if wanted.is_some_and(|wanted| wanted != hash) {
        let message = "The provided x-amz-content-sha256 does not match what was computed.";
        return Err(Failure::new(400, "XAmzContentSHA256Mismatch", message));
    }
    Ok(object(app, stored, &hash))
}

fn object(app: &App, stored: Stored, hash: &str) -> Object {
    Object {
        file: Arc::new(stored),
        etag: format!("\"{}\"", hash.get(..32).unwrap_or_default()),
        modified: app.clock.now(),
    }
}

/// One file of several, one after the other.
pub(super) async fn join(app: &Arc<App>, parts: &[Object]) -> Result<Object, Failure> {
    let made = Stored::make(app).await;
    let (mut stored, mut file) = made.map_err(|error| broken(&error))?;
    let mut hash = Sha256::new();
    for part in parts {
        stored.grow(&app.storage, part.file.size())?;
        hash.update(&part.etag);
        let copied = async {
            let mut from = File::open(part.file.path()).await?.take(part.file.size());
            tokio::io::copy(&mut from, &mut file).await
        };
        copied.await.map_err(|error| broken(&error))?;
    }
    file.flush().await.map_err(|error| broken(&error))?;
    let hash = hex(&hash.finalize());
    Ok(object(app, stored, &hash))
}
