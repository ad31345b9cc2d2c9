//! The operations, by what they work on.

mod create;
mod download;
mod files;
mod info;
mod list;
mod process;
mod sandbox;
mod upload;

use crate::client::Daytona;
use crate::client::auth::Base;

pub use self::create::Create;
pub use self::download::{Download, DownloadBuilder};
pub use self::files::{Files, Permissions};
pub use self::info::Info;
pub use self::list::List;
pub use self::process::{CodeRun, Execute, Process};
pub use self::sandbox::Sandboxes;
pub use self::upload::Upload;

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
}
