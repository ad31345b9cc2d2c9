//! What can be done in a workshop.

use std::io::ErrorKind;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::SecretMap;
use sandbox_core::{
    Attempt, Error, ExecOutcome, ExecRequest, FileEntry, Liveness, Sandbox, SandboxInfo, path,
};
use tokio::fs;

use crate::command;
use crate::provider::WorkshopParamsResolved;

/// One workshop.
#[derive(Debug)]
pub struct Workshop {
    info: SandboxInfo,
    liveness: Liveness,
    pub(crate) env_vars: SecretMap,
    pub(crate) commands: AtomicU64,
}

impl Workshop {
    pub(crate) fn new(attempt: &Attempt, home: String, params: &WorkshopParamsResolved) -> Self {
        Self {
            info: SandboxInfo::new(attempt.name(), attempt.name(), home)
                .with_generation(attempt.generation(), attempt.previous_lost()),
            liveness: attempt.liveness().clone(),
            env_vars: params.env_vars.clone(),
            commands: AtomicU64::new(0),
        }
    }

    /// First in every call. What is known to be gone is marked, and the next `open` makes another.
    async fn alive(&self) -> Result<(), Error> {
        self.liveness.check()?;
        if let Ok(false) = fs::try_exists(self.workdir()).await {
            self.liveness.mark_lost("its folder was removed");
        }
        self.liveness.check()
    }
}

#[async_trait]
impl Sandbox for Workshop {
    fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    fn workdir(&self) -> &str {
        self.info.workdir()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        self.alive().await?;
        request.validate()?;
        let ran = command::run(self, &request).await;
        ran.map_err(|error| Error::io("run the command", error))
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.alive().await?;
        let path = path::confine_entry(self.workdir(), path)?;
        let above = path.rsplit_once('/').map_or("/", |(above, _)| above);
        let put = async {
            fs::create_dir_all(above).await?;
            fs::write(&path, content).await
        };
        put.await
            .map_err(|error| Error::io("write the file", error))
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        self.alive().await?;
        let read = fs::read(path::confine(self.workdir(), path)?).await;
        Ok(read
            .map_err(|error| Error::io("read the file", error))?
            .into())
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        self.alive().await?;
        let (folder, below) = (path::confine(self.workdir(), path)?, path::normalize(path)?);
        let list = async {
            let (mut entries, mut listed) = (fs::read_dir(folder).await?, Vec::new());
            while let Some(entry) = entries.next_entry().await? {
                let path = format!("{below}/{}", entry.file_name().to_string_lossy());
                let path = path.trim_start_matches('/');
                listed.push(match entry.metadata().await? {
                    about if about.is_dir() => FileEntry::dir(path),
                    about => FileEntry::file(path, about.len()),
                });
            }
            listed.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(listed)
        };
        list.await
            .map_err(|error| Error::io("list the directory", error))
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.alive().await?;
        let path = path::confine_entry(self.workdir(), path)?;
        let removed = match fs::remove_file(&path).await {
            Err(error) if error.kind() == ErrorKind::IsADirectory => fs::remove_dir_all(path).await,
            other => other,
        };
        match removed.map_err(|error| Error::io("remove it", error)) {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        self.alive().await?;
        let made = fs::create_dir_all(path::confine(self.workdir(), path)?).await;
        made.map_err(|error| Error::io("make the directory", error))
    }
}
