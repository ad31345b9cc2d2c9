//! One sandbox as the machine sees it: its folders and, once a program ran, its namespaces.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tokio::sync::{Mutex, MutexGuard};

use super::frozen::Frozen;
use super::host::Host;
use super::mount::{Mount, Mounted, mount_all};
use super::space::Space;
use super::{IsolationMode, scan};
use crate::image::Plan;
use crate::toolbox::live::Live;
use crate::toolbox::system::Environment;

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) host: Arc<Host>,
    pub(crate) id: String,
    pub(crate) root: PathBuf,
    pub(crate) files: Arc<Dir>,
    /// The home as programs in the sandbox name it.
    pub(crate) home: String,
    /// Where programs start and what relative paths mean: the `WORKDIR` of its image, else the home.
    pub(crate) workdir: String,
    /// Its volumes, those that others lie in first.
    pub(crate) mounts: Vec<Mounted>,
    /// Made when the first program runs, and again after a stop. Held while a program is started and while all are
    /// killed, so that none slips in between.
    space: Mutex<Option<Space>>,
    /// No program starts any more: it was stopped or destroyed while a request was on its way here.
    closed: AtomicBool,
    /// Whether a program ever ran.
    used: AtomicBool,
    /// What a client changed for programs to come.
    pub(crate) environment: Environment,
    /// Programs that clients come back to.
    pub(crate) live: Live,
}

impl Cell {
    /// Makes its folders, with the files of its image, or of its snapshot where that was taken of a sandbox, and its volumes
    /// over them.
    pub(crate) fn make(
        host: &Arc<Host>,
        id: &str,
        mounts: &[Mount],
        frozen: Option<&Frozen>,
        plan: Option<&Plan>,
    ) -> io::Result<Self> {
        let root = host.make_root(id)?;
        let made = Self::fill(host, id, &root, mounts, frozen, plan);
        if made.is_err() {
            // the next attempt would stumble over what is there already
            drop(remove(&root));
        }
        made
    }

    fn fill(
        host: &Arc<Host>,
        id: &str,
        root: &Path,
        mounts: &[Mount],
        frozen: Option<&Frozen>,
        plan: Option<&Plan>,
    ) -> io::Result<Self> {
        let files = Dir::open_ambient_dir(root, ambient_authority())?;
        if let Some(frozen) = frozen {
            frozen.thaw(&files)?;
        }
        let home = match host.mode() {
            IsolationMode::Namespaces => "/home/daytona".to_owned(),
            IsolationMode::None => root.join("home/daytona").to_string_lossy().into_owned(),
        };
        let workdir = plan.and_then(|plan| plan.workdir.as_deref());
        let workdir = workdir.map(|workdir| match host.mode() {
            IsolationMode::Namespaces => workdir.to_owned(),
            IsolationMode::None => format!("{}{workdir}", root.display()),
        });
        let mut cell = Self {
            host: Arc::clone(host),
            id: id.to_owned(),
            root: root.to_owned(),
            files: Arc::new(files),
            workdir: workdir.unwrap_or_else(|| home.clone()),
            home,
            mounts: Vec::new(),
            space: Mutex::new(None),
            closed: AtomicBool::new(false),
            used: AtomicBool::new(false),
            environment: Environment::default(),
            live: Live::default(),
        };
        // what was taken of a sandbox has them already, and perhaps others in their place
        if let Some(plan) = plan.filter(|_| frozen.is_none()) {
            plan.apply(&cell)?;
        }
        cell.mounts = mount_all(host, root, &cell.files, mounts)?;
        Ok(cell)
    }

    /// What marks this sandbox's processes.
    pub(crate) fn marker(&self) -> [(String, String); 2] {
        [
            (
                "DAYTONA_LOCAL_SERVER".to_owned(),
                self.host.marker().to_owned(),
            ),
            ("DAYTONA_SANDBOX_ID".to_owned(), self.id.clone()),
        ]
    }

    /// Calls `start` with pid 1 of its namespaces, which are made if need be, or `None` without isolation.
    pub(crate) async fn enter<T>(
        &self,
        network: bool,
        start: impl FnOnce(Option<&Space>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut space = self.space.lock().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(io::Error::other("the sandbox is not running"));
        }
        self.used.store(true, Ordering::Release);
        let Some(tools) = self.host.tools() else {
            return start(None);
        };
        let dead = space.as_mut().is_some_and(|space| !space.alive());
        if dead || space.is_none() {
            let network = network && self.host.network();
            let marker = self.marker();
            let made = Space::start(self, tools, network, &marker).await?;
            *space = Some(made);
        }
        start(space.as_ref())
    }

    /// Its namespaces, if any; nothing starts and nothing is killed while this is held.
    pub(super) async fn space(&self) -> MutexGuard<'_, Option<Space>> {
        self.space.lock().await
    }

    /// Ends every process of the sandbox and lets no new one start until [`Cell::reopen`].
    pub(crate) async fn kill(&self) {
        self.closed.store(true, Ordering::Release);
        self.live.clear();
        self.environment.reset();
        let mut space = self.space.lock().await;
        if let Some(space) = space.take() {
            space.kill().await;
        }
        if self.host.mode() == IsolationMode::None && self.used.load(Ordering::Acquire) {
            scan::kill_all(&format!("DAYTONA_SANDBOX_ID={}", self.id)).await;
        }
    }

    /// Programs may start again.
    pub(crate) fn reopen(&self) {
        self.closed.store(false, Ordering::Release);
    }

    /// Ends every process and removes the files.
    pub(crate) async fn destroy(&self) {
        self.kill().await;
        let root = self.root.clone();
        let removed = tokio::task::spawn_blocking(move || remove(&root)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(sandbox = %self.id, %error, "the files of a sandbox were not removed");
        }
    }
}

pub(super) fn remove(root: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_folders(root, 0);
            std::fs::remove_dir_all(root)
        }
        result => result,
    }
}

/// Folders that a program made unreadable for their own owner.
fn open_folders(folder: &Path, depth: u32) {
    use std::os::unix::fs::PermissionsExt;
    drop(std::fs::set_permissions(
        folder,
        std::fs::Permissions::from_mode(0o700),
    ));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if depth < 200 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_folders(&entry.path(), depth + 1);
        }
    }
}
