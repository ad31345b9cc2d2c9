//! A factory with the parameters of a real one, over a provider that asks nobody.

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::{OptParam, Param, ParamMap, Resolve, Scope, Secret, Variable, Vars};
use sandbox_core::{
    Attempt, CachingFactory, CreateError, Destroyed, Error, ErrorKind, ExecOutcome, ExecRequest,
    FileEntry, Found, Provider, ResolvedOf, Sandbox, SandboxInfo, Target,
};

/// Six variables and ten environment variables, in the shape of Daytona's own parameters.
#[derive(Debug, Clone, Resolve)]
pub(crate) struct Params {
    pub(crate) api_key: OptParam<Secret>,
    pub(crate) organization: OptParam<String>,
    pub(crate) api_url: Param<String>,
    pub(crate) target: OptParam<String>,
    pub(crate) snapshot: OptParam<String>,
    pub(crate) image: OptParam<String>,
    pub(crate) env_vars: ParamMap,
    pub(crate) scope: Param<Scope>,
}

pub(crate) const API_URL: &str = "https://app.daytona.io/api";

/// The environment variables but for a tenth, which is a variable.
pub(crate) const ENV: [(&str, &str); 9] = [
    ("PATH_EXTRA", "/opt/tools/bin"),
    ("LANG", "C.UTF-8"),
    ("PYTHONUNBUFFERED", "1"),
    ("NO_COLOR", "1"),
    ("HTTP_PROXY", "http://proxy.internal:3128"),
    ("LOG_LEVEL", "info"),
    ("REGION", "eu"),
    ("STAGE", "production"),
    ("SERVICE_TOKEN", "token-0123456789abcdef"),
];

pub(crate) fn params() -> Params {
    let env = ENV.iter().fold(ParamMap::new(), |map, (name, value)| {
        map.entry(*name, *value)
    });
    Params {
        api_key: Variable::new("key").into(),
        organization: Variable::new("organization").into(),
        api_url: API_URL.into(),
        target: Variable::new("target").into(),
        snapshot: OptParam::unset(),
        image: Variable::new("image").into(),
        env_vars: env.entry("TENANT", Variable::new("tenant")),
        scope: Variable::new("tenant").into(),
    }
}

pub(crate) fn context(tenant: &str) -> Vars {
    Vars::new()
        .with("key", "dtn_0123456789abcdef0123456789abcdef")
        .with("organization", "8f14e45f-ceea-467f-a830-5f4c2c2a7a11")
        .with("target", "eu")
        .with("image", "python:3.12-slim")
        .with("tenant", tenant)
}

#[derive(Debug)]
pub(crate) struct Nothing(SandboxInfo);

fn none<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Unsupported, "not in a benchmark"))
}

#[async_trait]
impl Sandbox for Nothing {
    fn info(&self) -> SandboxInfo {
        self.0.clone()
    }
    fn workdir(&self) -> &str {
        "/"
    }
    async fn exec(&self, _: ExecRequest) -> Result<ExecOutcome, Error> {
        none()
    }
    async fn put(&self, _: &str, _: Bytes) -> Result<(), Error> {
        none()
    }
    async fn get(&self, _: &str) -> Result<Bytes, Error> {
        none()
    }
    async fn list(&self, _: &str) -> Result<Vec<FileEntry>, Error> {
        none()
    }
    async fn remove(&self, _: &str) -> Result<(), Error> {
        none()
    }
    async fn make_dir(&self, _: &str) -> Result<(), Error> {
        none()
    }
}

#[derive(Debug)]
pub(crate) struct Instant;

#[async_trait]
impl Provider for Instant {
    type Params = Params;
    type Sandbox = Nothing;

    async fn create(
        &self,
        attempt: &Attempt,
        _: &ResolvedOf<Self>,
    ) -> Result<Nothing, CreateError> {
        Ok(Nothing(SandboxInfo::new("id", attempt.name(), "/")))
    }
    async fn find(&self, _: &Attempt, _: &ResolvedOf<Self>) -> Result<Found<Nothing>, Error> {
        Ok(Found::Absent)
    }
    async fn destroy(&self, _: &Target, _: &ResolvedOf<Self>) -> Result<Destroyed, Error> {
        Ok(Destroyed::Gone)
    }
}

pub(crate) fn factory() -> CachingFactory<Instant> {
    CachingFactory::new(Instant, params())
}
