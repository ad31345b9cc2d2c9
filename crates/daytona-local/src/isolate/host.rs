//! What all sandboxes of one server share.

use std::io;
use std::path::{Path, PathBuf};

use super::probe::{Tools, probe};
use super::watchdog::Watchdog;
use super::{Isolation, python, root};
use super::{IsolationMode, IsolationReport};
use crate::error::Error;
use crate::ident;

/// The `PATH` of every sandbox.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the folder of one server is to be.
fn folder_of_one() -> PathBuf {
    std::env::temp_dir().join(format!("daytona-local-{}", ident::uuid()))
}

/// The folder of one server, removed with it.
#[derive(Debug)]
struct Base(PathBuf);

impl Base {
    fn make(path: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        // it is gone after an orderly end
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[derive(Debug)]
pub(crate) struct Host {
    base: Base,
    binds: Vec<PathBuf>,
    tools: Option<Tools>,
    fallback: Option<String>,
    path: String,
    shell: &'static str,
    marker: String,
    network: bool,
}

impl Host {
    pub(crate) async fn prepare(
        isolation: Isolation,
        mut binds: Vec<PathBuf>,
        network: bool,
        marker: String,
    ) -> Result<(Self, Watchdog), Error> {
        let (tools, fallback) = match isolation {
            Isolation::None => (None, None),
            Isolation::Required => (Some(probe().await.map_err(Error::isolation)?), None),
            Isolation::Auto => match probe().await {
                Ok(tools) => (Some(tools), None),
                Err(reason) => (None, Some(reason)),
            },
        };
        for bind in &binds {
            let fits = bind.is_absolute() && bind.parent().is_some() && bind.is_dir();
            if !fits {
                return Err(Error::invalid(format!(
                    "not an absolute path of a folder: {}",
                    bind.display()
                )));
            }
        }
        if let Some(prefix) = python::prefix().await {
            binds.push(prefix);
        }
        // Watched before it is there: this process may be killed between any two lines. Nobody can guess the name.
        let folder = folder_of_one();
        let watchdog = Watchdog::start(&marker, &folder)
            .map_err(|error| Error::io("the watchdog did not start", error))?;
        let base = Base::make(folder)
            .map_err(|error| Error::io("the folder for sandboxes cannot be made", error))?;
        if tools.is_some() {
            root::prepare_etc(&base.path().join("etc"))
                .map_err(|error| Error::io("the sandboxes' /etc cannot be made", error))?;
        }
        let folders = binds
            .iter()
            .map(|bind| bind.join("bin"))
            .filter(|bin| bin.is_dir());
        let mut path = String::new();
        for folder in folders {
            path.push_str(&folder.to_string_lossy());
            path.push(':');
        }
        path.push_str(PATH);
        let shell = ["/usr/bin/bash", "/bin/bash"]
            .into_iter()
            .find(|shell| Path::new(shell).is_file())
            .unwrap_or("/bin/sh");
        let host = Self {
            base,
            binds,
            tools,
            fallback,
            path,
            shell,
            marker,
            network,
        };
        Ok((host, watchdog))
    }

    /// For a server that runs nothing.
    pub(crate) fn bare(marker: String) -> io::Result<Self> {
        Ok(Self {
            base: Base::make(folder_of_one())?,
            binds: Vec::new(),
            tools: None,
            fallback: None,
            path: PATH.to_owned(),
            shell: "/bin/sh",
            marker,
            network: false,
        })
    }

    pub(crate) fn mode(&self) -> IsolationMode {
        if self.tools.is_some() {
            IsolationMode::Namespaces
        } else {
            IsolationMode::None
        }
    }

    pub(crate) fn tools(&self) -> Option<&Tools> {
        self.tools.as_ref()
    }

    pub(crate) fn report(&self) -> IsolationReport {
        let mode = self.mode();
        IsolationReport {
            mode,
            network: self.network || mode == IsolationMode::None,
            reason: self.fallback.clone(),
        }
    }

    /// Removes the folder with everything in it.
    pub(crate) fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(self.base.path()) {
            tracing::warn!(%error, "the folder of the sandboxes was not removed");
        }
    }

    /// Where objects are stored; made by the first of them.
    pub(crate) fn objects(&self) -> PathBuf {
        self.base.path().join("objects")
    }

    pub(crate) fn etc(&self) -> PathBuf {
        self.base.path().join("etc")
    }

    pub(crate) fn binds(&self) -> &[PathBuf] {
        &self.binds
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn shell(&self) -> &'static str {
        self.shell
    }

    /// Whether sandboxes may reach the network at all.
    pub(crate) fn network(&self) -> bool {
        self.network
    }

    /// In the environment of every process of every sandbox of this server.
    pub(crate) fn marker(&self) -> &str {
        &self.marker
    }

    /// The folder of this server.
    pub(super) fn base(&self) -> &Path {
        self.base.path()
    }

    fn volume(&self, id: &str) -> PathBuf {
        self.base.path().join("volumes").join(id)
    }

    /// The folder of a volume, made if it is missing.
    pub(crate) fn make_volume(&self, id: &str) -> io::Result<PathBuf> {
        let folder = self.volume(id);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Removes the files of a volume that no sandbox has any more.
    pub(crate) async fn remove_volume(&self, id: &str) {
        let folder = self.volume(id);
        let removed = tokio::task::spawn_blocking(move || super::cell::remove(&folder)).await;
        match removed {
            Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(volume = %id, %error, "the files of a volume were not removed");
            }
            _ => {}
        }
    }

    /// Makes the folders of one sandbox.
    pub(crate) fn make_root(&self, id: &str) -> io::Result<PathBuf> {
        let root = self.base.path().join(id);
        root::prepare_root(&root, self.tools.is_some())?;
        Ok(root)
    }
}
