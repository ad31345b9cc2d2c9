//! The caching factory, over a provider of local sandboxes, keeps the rules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::{Param, Resolve, Scope, Secret, Variable};
use sandbox_core::conformance::{self, Suite, TENANT, TOKEN};
use sandbox_core::{
    Attempt, CreateError, Destroyed, Error, ErrorKind, ExecOutcome, ExecRequest, FileEntry, Found,
    Liveness, LocalEnvironment, LocalSandbox, NoVars, Provider, Sandbox, SandboxFactory,
    SandboxInfo, Target,
};

#[derive(Debug, Resolve)]
pub(super) struct Params {
    tenant: Param<Scope>,
    token: Param<Secret>,
}

/// One local environment for each sandbox, by its name.
#[derive(Debug, Default)]
pub(super) struct Locals(Mutex<HashMap<String, LocalEnvironment>>);

#[derive(Debug)]
pub(super) struct Held {
    inner: Arc<LocalSandbox>,
    info: SandboxInfo,
    liveness: Liveness,
}

impl Held {
    fn new(inner: Arc<LocalSandbox>, attempt: &Attempt) -> Self {
        let info = inner.info();
        Self {
            info: SandboxInfo::new(info.id(), attempt.name(), info.workdir())
                .with_generation(attempt.generation(), attempt.previous_lost()),
            liveness: attempt.liveness().clone(),
            inner,
        }
    }
}

impl Locals {
    fn of(&self, name: &str) -> Option<LocalEnvironment> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

#[async_trait]
impl Provider for Locals {
    type Params = Params;
    type Sandbox = Held;

    async fn create(
        &self,
        attempt: &Attempt,
        params: &ParamsResolved,
    ) -> Result<Held, CreateError> {
        let environment = LocalEnvironment::builder()
            .env_var("TOKEN", params.token.clone())
            .build()
            .map_err(CreateError::not_created)?;
        if self.of(attempt.name()).is_some() {
            let taken = Error::new(ErrorKind::Conflict, "the name is taken");
            return Err(CreateError::may_exist(taken));
        }
        // A real one takes its time.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let inner = environment
            .open(&NoVars)
            .await
            .map_err(CreateError::may_exist)?;
        let name = attempt.name().to_owned();
        self.0.lock().unwrap().insert(name, environment);
        Ok(Held::new(inner, attempt))
    }

    async fn find(&self, attempt: &Attempt, _: &ParamsResolved) -> Result<Found<Held>, Error> {
        Ok(match self.of(attempt.name()) {
            Some(environment) => Found::Ready(Held::new(environment.open(&NoVars).await?, attempt)),
            None => Found::Absent,
        })
    }

    async fn destroy(&self, target: &Target, _: &ParamsResolved) -> Result<Destroyed, Error> {
        let environment = self.0.lock().unwrap().remove(target.name());
        if let Some(environment) = environment {
            environment.close().await.unwrap();
        }
        Ok(Destroyed::Gone)
    }
}

#[async_trait]
impl Sandbox for Held {
    fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    fn workdir(&self) -> &str {
        self.inner.workdir()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        self.liveness.check()?;
        self.inner.exec(request).await
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.liveness.check()?;
        self.inner.put(path, content).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        self.liveness.check()?;
        self.inner.get(path).await
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        self.liveness.check()?;
        self.inner.list(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.liveness.check()?;
        self.inner.remove(path).await
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        self.liveness.check()?;
        self.inner.make_dir(path).await
    }
}

pub(super) fn params() -> Params {
    Params {
        tenant: Variable::new(TENANT).into(),
        token: Variable::new(TOKEN).into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caching_factory_and_its_provider_keep_every_rule() {
    let report = Suite::over(|| (Locals::default(), params())).run().await;
    report.assert_all();
    let all = conformance::provider_rules().count() + conformance::rules().count();
    assert_eq!(report.outcomes().len(), all);
}
