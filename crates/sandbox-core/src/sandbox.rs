//! A place to run commands and keep files.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, ExecOutcome, ExecRequest};

mod entry;
mod ext;
mod info;

pub use entry::FileEntry;
pub use ext::{ExecBuilder, SandboxExt};
pub use info::SandboxInfo;

/// A place to run commands and keep files. The least that must be written for one; comforts are in
/// [`SandboxExt`].
///
/// Handles are shared: dropping one does nothing, and there is no `close` that would pull the
/// sandbox from under the others.
#[async_trait]
pub trait Sandbox: Debug + Send + Sync + 'static {
    /// Which sandbox this is. Asks nobody.
    fn info(&self) -> SandboxInfo;

    /// The absolute directory that commands start in and that paths of files are relative to.
    fn workdir(&self) -> &str;

    /// Runs a command and waits for its end.
    ///
    /// A command is sent at most once. What became of it is in the outcome, transport trouble
    /// included; see [`ExecStatus`](crate::ExecStatus).
    ///
    /// # Errors
    ///
    /// Only for what is known before anything runs: an invalid request, a closed or lost handle.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not say whether the command ran; it ends by its timeout at the
    /// latest.
    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error>;

    /// Writes a file, over an old one; makes the directories above it.
    ///
    /// # Errors
    ///
    /// A path outside the working directory, or a failed write.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the old content, the new one, or part of it.
    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error>;

    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// A path outside the working directory, [`NotFound`](crate::ErrorKind::NotFound), or a failed
    /// read.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    async fn get(&self, path: &str) -> Result<Bytes, Error>;

    /// The entries of a directory, by name; `""` or `"."` is the working directory.
    ///
    /// # Errors
    ///
    /// A path outside the working directory, [`NotFound`](crate::ErrorKind::NotFound), or a failed
    /// read.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error>;

    /// Removes a file or a directory with all that is in it. What does not exist is no error.
    ///
    /// # Errors
    ///
    /// A path outside the working directory, the working directory itself, or a failed removal.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave part of it.
    async fn remove(&self, path: &str) -> Result<(), Error>;

    /// Makes a directory and those above it. One that exists is no error.
    ///
    /// # Errors
    ///
    /// A path outside the working directory, or something else of that name.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some of them made.
    async fn make_dir(&self, path: &str) -> Result<(), Error>;
}

#[async_trait]
impl<S: Sandbox + ?Sized> Sandbox for Arc<S> {
    fn info(&self) -> SandboxInfo {
        (**self).info()
    }

    fn workdir(&self) -> &str {
        (**self).workdir()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        (**self).exec(request).await
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        (**self).put(path, content).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        (**self).get(path).await
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        (**self).list(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        (**self).remove(path).await
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        (**self).make_dir(path).await
    }
}
