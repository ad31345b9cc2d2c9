//! A place to run commands and keep files.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, ErrorKind, ExecOutcome, ExecRequest, Running};

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
    /// Dropping the future does not say whether the command ran. A sandbox that can kill it does so, with
    /// all that it started, as [`LocalSandbox`](crate::LocalSandbox) and Daytona's do; by its timeout it ends at the
    /// latest.
    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error>;

    /// Starts a command and hands it over while it runs: its output as it comes, and the means to
    /// kill it. As truthful as [`exec`](Self::exec), and sent at most once as well; a start that goes
    /// wrong on its way is told by [`Running::wait`].
    ///
    /// A sandbox that has only `exec` is not streamed from: the default refuses, and nothing is run.
    ///
    /// # Errors
    ///
    /// Those of [`exec`](Self::exec); [`Unsupported`](ErrorKind::Unsupported) by default.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills what was started, as dropping the [`Running`] does.
    async fn start(&self, request: ExecRequest) -> Result<Running, Error> {
        let _ = request;
        Err(unsupported(
            "start",
            "this sandbox runs commands to their end only; use `exec`",
        ))
    }

    /// Reads part of the whole output of a command, from where [`Output::spill_path`](crate::Output::spill_path)
    /// tells. `range` counts bytes from the beginning of the stream; less comes back where the stream ends.
    ///
    /// # Errors
    ///
    /// A path that is none of a spill file, [`NotFound`](ErrorKind::NotFound), or a failed read;
    /// [`Unsupported`](ErrorKind::Unsupported) by default.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    async fn read_spill(&self, spill_path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let _ = (spill_path, range);
        Err(unsupported("read a spill file", "this sandbox keeps none"))
    }

    /// Removes a spill file that is not needed any more; else it stays until the sandbox ends. One that is not there is
    /// no error.
    ///
    /// # Errors
    ///
    /// A path that is none of a spill file, or a failed removal; [`Unsupported`](ErrorKind::Unsupported) by default.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave it.
    async fn remove_spill(&self, spill_path: &str) -> Result<(), Error> {
        let _ = spill_path;
        Err(unsupported(
            "remove a spill file",
            "this sandbox keeps none",
        ))
    }

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

    async fn start(&self, request: ExecRequest) -> Result<Running, Error> {
        (**self).start(request).await
    }

    async fn read_spill(&self, spill_path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        (**self).read_spill(spill_path, range).await
    }

    async fn remove_spill(&self, spill_path: &str) -> Result<(), Error> {
        (**self).remove_spill(spill_path).await
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

fn unsupported(operation: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, message).with_operation(operation)
}
