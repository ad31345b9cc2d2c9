//! The caching factory, over a provider of local sandboxes, keeps the rules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::{Param, Resolve, Scope, Secret, Variable};
use sandbox_core::conformance::{self, TENANT, TOKEN};
use sandbox_core::{
    Attempt, CachingFactory, CreateError, Destroyed, Error, ExecOutcome, ExecRequest, FileEntry,
    Found, Liveness, LocalEnvironment, LocalSandbox, NoVars, Provider, Sandbox, SandboxFactory,
    SandboxInfo, Target,
};

#[derive(Debug, Resolve)]
struct Params {
    tenant: Param<Scope>,
    token: Param<Secret>,
}

/// One local environment for each sandbox, by its name.
#[derive(Debug, Default)]
struct Locals(Mutex<HashMap<String, LocalEnvironment>>);

#[derive(Debug)]
struct Held {
    inner: Arc<LocalSandbox>,
    info: SandboxInfo,
    liveness: Liveness,
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
        // A real one takes its time.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let inner = environment
            .open(&NoVars)
            .await
            .map_err(CreateError::may_exist)?;
        let info = inner.info();
        let info = SandboxInfo::new(info.id(), attempt.name(), info.workdir())
            .with_generation(attempt.generation(), attempt.previous_lost());
        let name = attempt.name().to_owned();
        self.0.lock().unwrap().insert(name, environment);
        Ok(Held {
            inner,
            info,
            liveness: attempt.liveness().clone(),
        })
    }

    async fn find(&self, _: &Attempt, _: &ParamsResolved) -> Result<Found<Held>, Error> {
        Ok(Found::Absent)
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caching_factory_keeps_every_rule() {
    let make = || {
        let params = Params {
            tenant: Variable::new(TENANT).into(),
            token: Variable::new(TOKEN).into(),
        };
        CachingFactory::new(Locals::default(), params)
    };
    conformance::run(make).await.assert_all();
}
