//! A sandbox in which every command succeeds.

use std::time::Duration;

use async_trait::async_trait;
use sandbox_core::{
    Attempt, Error, ExecOutcome, ExecRequest, ExecStatus, FileEntry, Liveness, Output, Sandbox,
    SandboxInfo,
};

#[derive(Debug)]
pub(crate) struct FakeSandbox {
    info: SandboxInfo,
    pub(crate) liveness: Liveness,
}

impl FakeSandbox {
    pub(crate) fn new(attempt: &Attempt) -> Self {
        Self {
            info: SandboxInfo::new(format!("id-{}", attempt.name()), attempt.name(), "/work")
                .with_generation(attempt.generation(), attempt.previous_lost()),
            liveness: attempt.liveness().clone(),
        }
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    fn workdir(&self) -> &str {
        self.info.workdir()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        request.validate()?;
        self.liveness.check()?;
        Ok(ExecOutcome::new(
            ExecStatus::Exited(0),
            Output::default(),
            Output::default(),
            Duration::ZERO,
        ))
    }

    async fn put(&self, _path: &str, _content: bytes::Bytes) -> Result<(), Error> {
        self.liveness.check()
    }

    async fn get(&self, _path: &str) -> Result<bytes::Bytes, Error> {
        self.liveness.check()?;
        Ok(bytes::Bytes::new())
    }

    async fn list(&self, _path: &str) -> Result<Vec<FileEntry>, Error> {
        self.liveness.check()?;
        Ok(Vec::new())
    }

    async fn remove(&self, _path: &str) -> Result<(), Error> {
        self.liveness.check()
    }

    async fn make_dir(&self, _path: &str) -> Result<(), Error> {
        self.liveness.check()
    }
}
