//! The operations, by what they work on.

mod build_log;
mod bulk_download;
mod bulk_upload;
mod computer_use;
#[cfg(feature = "context")]
mod context;
mod create;
mod download;
mod events;
mod execution;
mod files;
mod find;
#[cfg(feature = "archive")]
mod folder;
mod git;
mod image;
mod info;
mod interpreter;
mod list;
mod logs;
mod lsp;
mod organizations;
mod ports;
mod process;
mod pty;
pub mod raw;
mod regions;
mod sandbox;
mod secret_text;
mod secrets;
mod server;
mod sessions;
mod signed;
mod snapshots;
mod system;
mod terminal;
mod upload;
mod upload_new;
mod volumes;
mod wait;
mod warm_pools;

use serde::de::DeserializeOwned;

use crate::client::Daytona;
use crate::client::auth::Base;
use crate::error::Error;
use crate::request::Call;

pub use self::build_log::BuildLog;
pub use self::bulk_download::{BulkDownload, BulkFile, FileError};
pub use self::bulk_upload::BulkUpload;
pub use self::computer_use::{ComputerUse, Screenshot};
#[cfg(feature = "context")]
pub use self::context::Context;
pub use self::create::Create;
pub use self::download::{Download, DownloadBuilder};
pub use self::events::{Change, Event, Events, Watch};
pub use self::execution::{Execution, ExecutionError, ExecutionEvent, ExecutionResult, RunCode};
pub use self::files::{Files, Permissions};
#[cfg(feature = "archive")]
pub use self::folder::{DownloadFolder, FolderLimits, FolderTransfer, UploadFolder};
pub use self::git::{Git, GitClone, GitPull, GitPush};
pub use self::image::{Image, PipOptions};
pub use self::info::Info;
pub use self::interpreter::Interpreter;
pub use self::list::List;
pub use self::logs::{LogChunk, LogStream};
pub use self::lsp::Lsp;
pub use self::organizations::Organizations;
pub use self::ports::Ports;
pub use self::process::{CodeRun, Execute, Process};
pub use self::pty::Pty;
pub use self::regions::Regions;
pub use self::sandbox::{Sandboxes, TelemetryQuery};
pub use self::secret_text::SecretText;
pub use self::secrets::Secrets;
pub use self::server::Server;
pub use self::sessions::Sessions;
pub use self::snapshots::{SnapshotList, Snapshots};
pub use self::system::System;
pub use self::terminal::{OpenTerminal, PtyEvent, PtyExit, Terminal};
pub use self::upload::{Progress, Upload};
pub use self::volumes::Volumes;
pub use self::warm_pools::WarmPools;
pub use crate::wire::markers::Output;

/// The API inside one sandbox; from [`Daytona::toolbox`]. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Toolbox {
    client: Daytona,
    base: Base,
}

impl Toolbox {
    pub(crate) fn new(client: Daytona, base: Base) -> Self {
        Self { client, base }
    }

    /// Commands and code.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::new(self.clone())
    }

    /// Files and folders.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new(self.clone())
    }

    /// Where things are.
    #[must_use]
    pub fn info(&self) -> Info {
        Info::new(self.clone())
    }

    /// Git.
    #[must_use]
    pub fn git(&self) -> Git {
        Git::new(self.clone())
    }

    /// A language server for `language` (`python` or `typescript`) and the project in the folder `project`.
    #[must_use]
    pub fn lsp(&self, language: impl Into<String>, project: impl Into<String>) -> Lsp {
        Lsp::new(self.clone(), language.into(), project.into())
    }

    /// Shells that stay.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.clone())
    }

    /// Terminals.
    #[must_use]
    pub fn pty(&self) -> Pty {
        Pty::new(self.clone())
    }

    /// Python that remembers.
    #[must_use]
    pub fn interpreter(&self) -> Interpreter {
        Interpreter::new(self.clone())
    }

    /// The desktop.
    #[must_use]
    pub fn computer_use(&self) -> ComputerUse {
        ComputerUse::new(self.clone())
    }

    /// What listens in the sandbox.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports::new(self.clone())
    }

    /// The sandbox as a machine.
    #[must_use]
    pub fn system(&self) -> System {
        System::new(self.clone())
    }

    /// Operations that have no method by hand.
    #[must_use]
    pub fn raw(&self) -> raw::ToolboxRaw {
        raw::ToolboxRaw::new(self.clone())
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let limit = self.client.shared.config.limits.metadata;
        self.client.json(&self.base, call, limit).await
    }

    /// A list; servers written in Go send null for an empty one.
    pub(crate) async fn list_of<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        let found: Option<Vec<T>> = self.fetch(call).await?;
        Ok(found.unwrap_or_default())
    }

    pub(crate) async fn act(&self, call: Call) -> Result<(), Error> {
        self.client.done(&self.base, call).await.map(drop)
    }
}
