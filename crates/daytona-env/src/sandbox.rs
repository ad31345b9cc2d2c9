//! A handle to one Daytona sandbox.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use daytona_api::api::Toolbox;
use sandbox_core::{Error, ExecOutcome, ExecRequest, FileEntry, Running, Sandbox, SandboxInfo};

use crate::clients::ClientSet;
use crate::error::api_error;

mod attach;
mod exec;
mod fate;
mod files;
mod kill;
mod modified;
mod owned;
mod parts;
mod piped;
mod reference;
mod running;
#[cfg(test)]
mod tests;

pub use owned::OwnedSandbox;
pub(crate) use parts::SandboxParts;
pub use reference::SandboxRef;

/// A handle to one Daytona sandbox.
///
/// Handles are shared and dropping one does nothing: the sandbox belongs to the environment that
/// opened it, or, after [`attach`](Self::attach), to whoever made it. Once a call learns that the
/// sandbox is gone, every handle to it answers [`Lost`](sandbox_core::ErrorKind::Lost).
///
/// The calls are those of [`Sandbox`]; a sandbox's `exec` goes through a small shell script, so
/// the image needs a POSIX shell. What the script can and cannot do:
///
/// * Both streams come back apart and byte-exact, as a bounded head and tail. When something was
///   cut, [`Output::spill_path`](sandbox_core::Output::spill_path) names the file in the sandbox
///   that holds all of it, for [`read_spill`](Self::read_spill).
/// * Until the command has ended, its output is in two files below the sandbox's temporary
///   directory. A command that removes them, as `rm -rf /tmp` does, ends
///   [`Unknown`](sandbox_core::ExecStatus::Unknown), with what is left of its output and a cause
///   that names the stream and how the command ended. One that writes into them changes its own
///   output.
/// * A timeout ends the command with everything it started and keeps what was printed until
///   then. A process that left its process group, lost its parent and cleared its environment is
///   not found.
/// * A shell reports death by signal n as the code 128 + n, so a program that itself exits with
///   129 to 159 is taken for one ended by a signal. Other codes are exit codes.
/// * The command's words, input and environment are in the request, not on the command line of a shell. While it runs,
///   its words are in its own command line and its variables in its own environment, which other processes of the
///   sandbox's user can read (`ps`, `/proc/PID/environ`). Input is in neither: that is the way for a secret.
/// * [`start`](Sandbox::start) follows a command while it runs. Its output is fetched by small requests beside it, which
///   do not count as activity; one that breaks off is repeated from the offset that was handed on. The command and the
///   looks take two of the connections to the server. What is read slowly waits in the sandbox.
/// * A command whose `exec` or [`Running`] is dropped is killed by a task of the caller's runtime, within some seconds
///   where the sandbox can be reached. What a dropped one left in the temporary directory goes with the sandbox at the
///   latest, as do spill files that nobody [removes](Sandbox::remove_spill); nothing but the sandbox's disk bounds them.
pub struct DaytonaSandbox {
    parts: SandboxParts,
}

impl DaytonaSandbox {
    /// Makes a handle. Asks nobody.
    pub(crate) fn from_parts(parts: SandboxParts) -> Self {
        Self { parts }
    }

    pub(crate) fn clients(&self) -> &Arc<ClientSet> {
        &self.parts.clients
    }

    /// The sandbox's id, given by Daytona.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// The sandbox's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Counts the sandboxes made for one key, from 1: a higher one replaced a sandbox that was
    /// lost.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.parts.generation
    }

    /// True if this sandbox replaced one that was lost, with what was kept in it.
    #[must_use]
    pub fn state_lost(&self) -> bool {
        self.parts.state_lost
    }

    /// A reference without secrets, to store and to attach to later.
    #[must_use]
    pub fn reference(&self) -> SandboxRef {
        SandboxRef::new(self.id(), self.generation())
    }

    fn toolbox(&self, operation: &'static str) -> Result<Toolbox, Error> {
        let api = self.parts.clients.api();
        api.toolbox_at(&self.parts.toolbox_proxy_url, &self.parts.id)
            .map_err(|error| api_error(operation, error))
    }
}

impl DaytonaSandbox {
    /// For looks that are repeated until something happens: they must not feed the lease.
    fn quiet_toolbox(&self, operation: &'static str) -> Result<Toolbox, Error> {
        let api = self.parts.clients.api().quiet();
        api.toolbox_at(&self.parts.toolbox_proxy_url, &self.parts.id)
            .map_err(|error| api_error(operation, error))
    }
}

impl fmt::Debug for DaytonaSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaytonaSandbox")
            .field("id", &self.parts.id)
            .field("name", &self.parts.name)
            .field("workdir", &self.parts.workdir)
            .field("generation", &self.parts.generation)
            .field("liveness", &self.parts.liveness)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Sandbox for DaytonaSandbox {
    fn info(&self) -> SandboxInfo {
        let parts = &self.parts;
        SandboxInfo::new(
            Arc::clone(&parts.id),
            Arc::clone(&parts.name),
            Arc::clone(&parts.workdir),
        )
        .with_generation(parts.generation, parts.state_lost)
    }

    fn workdir(&self) -> &str {
        &self.parts.workdir
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        self.run_command(&request, None).await
    }

    async fn start(&self, request: ExecRequest) -> Result<Running, Error> {
        self.start_command(&request, None).await
    }

    async fn read_spill(&self, spill_path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        self.read_spill(spill_path, range).await
    }

    async fn remove_spill(&self, spill_path: &str) -> Result<(), Error> {
        self.delete_spill(spill_path).await
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.write_file(path, content).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        self.read_file(path).await
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        self.list_dir(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.remove_path(path).await
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        self.create_dir(path).await
    }
}
