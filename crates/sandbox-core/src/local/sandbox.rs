//! A sandbox that is a folder and processes of this host.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::SecretMap;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::capture::{self, OpenSpill};
use super::files::Files;
use super::folder::{Folder, remove_tree};
use super::process::{self, Finished, Started, Surroundings};
use super::settings::Settings;
use super::spill;
use super::tree::Tree;
use crate::{
    Error, ErrorKind, ExecOutcome, ExecRequest, ExecSpan, FileEntry, Liveness, Running, Sandbox,
    SandboxInfo,
};

/// A folder of this host, and processes that start in it. Made by
/// [`LocalEnvironment`](crate::LocalEnvironment), which says what it isolates: nothing.
///
/// * Files are confined to the folder by the kernel, links included.
/// * A command leads a process group. At its timeout, when its future is dropped, or when the
///   sandbox is closed, it is killed with everything it started. A process that leaves the group
///   is still found by its environment on Linux; one that leaves the group *and* clears its
///   environment gets away.
/// * What a command leaves running when it ends by itself lives until the sandbox is closed.
/// * Output beyond the limit goes to a file outside the folder, up to 256 MiB a stream.
/// * If the folder is removed under it, the sandbox is lost.
pub struct LocalSandbox {
    info: SandboxInfo,
    folder: Folder,
    env: SecretMap,
    settings: Settings,
    liveness: Liveness,
    tree: Tree,
    commands: AtomicU64,
    spill: Arc<Mutex<Option<TempDir>>>,
    /// Set under its lock, so that no command starts after the last look for processes.
    closed: watch::Sender<bool>,
    starting: Mutex<()>,
    /// They read on for what commands have left running.
    leftovers: Arc<Mutex<JoinSet<()>>>,
}

impl LocalSandbox {
    pub(super) fn new(
        id: &str,
        folder: Folder,
        env: SecretMap,
        settings: Settings,
        generation: u64,
        state_lost: bool,
    ) -> Self {
        let info = SandboxInfo::new(id, format!("local-{id}"), folder.text())
            .with_generation(generation, state_lost);
        Self {
            info,
            folder,
            env,
            settings,
            liveness: Liveness::new(),
            tree: Tree::of_sandbox(id),
            commands: AtomicU64::new(0),
            spill: Arc::default(),
            closed: watch::Sender::new(false),
            starting: Mutex::new(()),
            leftovers: Arc::default(),
        }
    }

    /// Whether it can be used, looking at the folder too.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.liveness.check()?;
        if !self.folder.exists() {
            self.liveness.mark_lost("its folder was removed");
        }
        self.liveness.check()
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Ends every process and every later call. What is left to do after it is on disk.
    pub(super) fn stop(&self) {
        {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            self.liveness.mark_closed();
            self.closed.send_replace(true);
        }
        self.tree.kill();
        let mut leftovers = self
            .leftovers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        leftovers.abort_all();
    }

    /// Removes what is on disk. May be called again.
    pub(super) fn remove_files(&self) -> std::io::Result<()> {
        let spill = self
            .spill
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(spill) = spill {
            remove_tree(&spill.keep())?;
        }
        self.folder.remove()
    }

    fn launch(&self, request: &ExecRequest) -> Result<Started, Error> {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}/{number}", self.info.id());
        let around = Surroundings {
            workdir: self.folder.path(),
            env: &self.env,
            settings: &self.settings,
            mark: &mark,
            open_spill: self.open_spill(number),
        };
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        self.liveness.check()?;
        process::start(&around, request)
    }

    fn open_spill(&self, number: u64) -> OpenSpill {
        let folder = Arc::clone(&self.spill);
        Arc::new(move |stream| open_spill(&folder, &format!("{number}.{stream}")))
    }

    /// The spill file that a command's output named, and no other file of this host.
    fn spill_file(&self, operation: &'static str, path: &str) -> Result<PathBuf, Error> {
        self.check()?;
        let folder = self.spill.lock().unwrap_or_else(PoisonError::into_inner);
        let path = PathBuf::from(path);
        let ours = folder.as_ref().is_some_and(|folder| {
            path.parent() == Some(folder.path()) && path.file_name().is_some()
        });
        if ours {
            return Ok(path);
        }
        let message = "this is not the path of a spill file";
        Err(Error::new(ErrorKind::PathEscape, message).with_operation(operation))
    }

    async fn files<T, F>(&self, operation: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Files) -> Result<T, Error> + Send + 'static,
    {
        self.check()?;
        let files = Files::new(self.folder.path().to_owned(), self.settings.max_file_size);
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        match done {
            Ok(result) => result.map_err(|error| error.with_operation(operation)),
            Err(error) => Err(
                Error::new(ErrorKind::Internal, "the runtime is shutting down")
                    .with_operation(operation)
                    .with_source(error),
            ),
        }
    }
}

fn open_spill(folder: &Mutex<Option<TempDir>>, name: &str) -> Option<(File, PathBuf)> {
    let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
    if folder.is_none() {
        *folder = tempfile::Builder::new()
            .prefix("sandbox-out-")
            .tempdir()
            .ok();
    }
    let path = folder.as_ref()?.path().join(name);
    Some((File::create_new(&path).ok()?, path))
}

fn keep_reading(leftovers: &Mutex<JoinSet<()>>, held: Vec<tokio::net::unix::pipe::Receiver>) {
    let mut leftovers = leftovers.lock().unwrap_or_else(PoisonError::into_inner);
    while leftovers.try_join_next().is_some() {}
    for pipe in held {
        leftovers.spawn(capture::discard(pipe));
    }
}

#[async_trait]
impl Sandbox for LocalSandbox {
    fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    fn workdir(&self) -> &str {
        self.folder.text()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        let work = async {
            self.check()?;
            request.validate()?;
            match self.launch(&request)? {
                Started::Ended(outcome) => Ok(outcome),
                Started::Running(running) => {
                    let Finished { outcome, held, .. } =
                        running.finish(self.closed.subscribe(), None).await;
                    keep_reading(&self.leftovers, held);
                    Ok(outcome)
                }
            }
        };
        ExecSpan::begin(self.info.id()).exec(work).await
    }

    async fn start(&self, request: ExecRequest) -> Result<Running, Error> {
        let span = ExecSpan::begin(self.info.id());
        let launched = span.prepare(async {
            self.check()?;
            request.validate()?;
            self.launch(&request)
        });
        let launched = launched.await?;
        let closed = self.closed.subscribe();
        let leftovers = Arc::clone(&self.leftovers);
        Ok(match launched {
            Started::Ended(outcome) => Running::ended(span.drive(async { outcome }).await),
            Started::Running(child) => Running::spawn(|control| {
                span.drive(async move {
                    let mut finished = child.finish(closed, Some(control)).await;
                    finished.hand_on().await;
                    keep_reading(&leftovers, finished.held);
                    finished.outcome
                })
            }),
        })
    }

    async fn read_spill(&self, spill_path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        const OPERATION: &str = "read a spill file";
        let path = self.spill_file(OPERATION, spill_path)?;
        let read = move || spill::read(&path, range);
        spill::blocking(OPERATION, read).await
    }

    async fn remove_spill(&self, spill_path: &str) -> Result<(), Error> {
        const OPERATION: &str = "remove a spill file";
        let path = self.spill_file(OPERATION, spill_path)?;
        spill::blocking(OPERATION, move || spill::remove(&path)).await
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        let path = path.to_owned();
        self.files("put", move |files| files.put(&path, &content))
            .await
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        let path = path.to_owned();
        self.files("get", move |files| files.get(&path)).await
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        let path = path.to_owned();
        self.files("list", move |files| files.list(&path)).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        let path = path.to_owned();
        self.files("remove", move |files| files.remove(&path)).await
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        let path = path.to_owned();
        self.files("make_dir", move |files| files.make_dir(&path))
            .await
    }
}

impl fmt::Debug for LocalSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSandbox")
            .field("info", &self.info)
            .field("env", &self.env.names().collect::<Vec<_>>())
            .field("liveness", &self.liveness)
            .finish_non_exhaustive()
    }
}
