//! Configures an environment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, OptParam, Param, ParamMap, Resolve, Scope, Secret};
use daytona_api::transport::Transport;
use sandbox_core::{Error, Spawner};

use crate::environment::DaytonaEnvironment;
use crate::error::{internal, invalid};
use crate::fingerprint::{Fingerprinter, instance};
use crate::lease::Lease;
use crate::params::{DaytonaParams, Known, ShownUrl};
use crate::provider::{DaytonaProvider, Keep};
use crate::resources::DaytonaResources;
use crate::settings::Settings;
use crate::validate::{Invalid, Origin, check_env, check_label, check_shape, normal_workdir};

/// Where Daytona's own service listens.
const DEFAULT_API_URL: &str = "https://app.daytona.io/api";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
const CREATE_TIMEOUT: Duration = Duration::from_secs(2 * 60);
const BUILD_TIMEOUT: Duration = Duration::from_secs(10 * 60);
const MAX_CREATE_TIMEOUT: Duration = Duration::from_secs(60 * 60);
const RENEW_INTERVAL: Duration = Duration::from_secs(60);

/// Configures a [`DaytonaEnvironment`]; [`build`](Self::build) checks everything and does no I/O.
///
/// A parameter given as `impl Into<Param<..>>` takes a value, a [`Variable`](context_vars::Variable) or a
/// [`Template`](context_vars::Template); a plain string is always literal. Those parameters are the key of the cache:
/// opens for which all of them resolve alike share one sandbox.
///
/// ```
/// use std::time::Duration;
/// use context_vars::Variable;
/// use daytona_env::{DaytonaEnvironment, DaytonaResources};
///
/// let environment = DaytonaEnvironment::builder()
///     .api_key(Variable::new("daytona_key"))
///     .image("python:3.12")
///     .resources(DaytonaResources::default().with_cpu(2).with_memory(4))
///     .env_var("TENANT", Variable::new("tenant"))
///     .scope(Variable::new("tenant"))
///     .timeout(Duration::from_secs(60))
///     .build()?;
/// # Ok::<(), sandbox_core::Error>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct DaytonaEnvironmentBuilder {
    api_key: OptParam<Secret>,
    jwt: OptParam<Secret>,
    organization: OptParam<String>,
    api_url: Param<String>,
    target: OptParam<String>,
    snapshot: OptParam<String>,
    image: OptParam<String>,
    env_vars: ParamMap,
    env_names: Vec<(String, Option<Secret>)>,
    scope: Option<Param<Scope>>,
    require_scope: bool,
    resources: DaytonaResources,
    workdir: Option<String>,
    timeout: Duration,
    labels: Vec<(String, String)>,
    lease: Lease,
    create_timeout: Option<Duration>,
    allowed_origins: Vec<String>,
    toolbox_origins: Vec<String>,
    namespace: String,
    renew_interval: Duration,
    max_sandboxes: Option<usize>,
    close_timeout: Option<Duration>,
    transport: Option<Arc<dyn Transport>>,
    spawner: Option<Arc<dyn Spawner>>,
    keep: Keep,
}

impl Default for DaytonaEnvironmentBuilder {
    fn default() -> Self {
        Self {
            api_key: OptParam::default(),
            jwt: OptParam::default(),
            organization: OptParam::default(),
            api_url: DEFAULT_API_URL.into(),
            target: OptParam::default(),
            snapshot: OptParam::default(),
            image: OptParam::default(),
            env_vars: ParamMap::default(),
            env_names: Vec::new(),
            scope: None,
            require_scope: false,
            resources: DaytonaResources::default(),
            workdir: None,
            timeout: DEFAULT_TIMEOUT,
            labels: Vec::new(),
            lease: Lease::default(),
            create_timeout: None,
            allowed_origins: Vec::new(),
            toolbox_origins: Vec::new(),
            namespace: "default".to_owned(),
            renew_interval: RENEW_INTERVAL,
            max_sandboxes: None,
            close_timeout: None,
            transport: None,
            spawner: None,
            keep: Keep::default(),
        }
    }
}

impl fmt::Debug for DaytonaEnvironmentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaytonaEnvironmentBuilder")
            .field("api_url", &ShownUrl(&self.api_url))
            .field("target", &self.target)
            .field("snapshot", &self.snapshot)
            .field("image", &self.image)
            .field("env_vars", &self.env_vars)
            .field("scope", &self.scope)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl DaytonaEnvironmentBuilder {
    /// The API key of the tenant. An empty one is an error, and no other is ever taken in its place.
    pub fn api_key(mut self, api_key: impl Into<Param<Secret>>) -> Self {
        self.api_key = api_key.into().into();
        self
    }

    /// A JWT and the organization it acts for, instead of an API key.
    pub fn jwt(
        mut self,
        token: impl Into<Param<Secret>>,
        organization: impl Into<Param<String>>,
    ) -> Self {
        self.jwt = token.into().into();
        self.organization = organization.into().into();
        self
    }

    /// Base URL of the API, with its path. Default: `https://app.daytona.io/api`.
    ///
    /// As a variable together with a credential that is not a variable (or has a default) it needs
    /// [`allow_origin`](Self::allow_origin): else whoever sets the variable could have the credential sent to them.
    pub fn api_url(mut self, api_url: impl Into<Param<String>>) -> Self {
        self.api_url = api_url.into();
        self
    }

    /// Allows an origin, such as `https://app.daytona.io`. Once one is given, a resolved `api_url` must be on the list.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Allows a host for toolboxes, such as `https://proxy.example`, that is neither the API's own nor on its domain.
    ///
    /// The server names the host of each toolbox, and the credential is sent there: so only to hosts that are allowed.
    pub fn allow_toolbox_origin(mut self, origin: impl Into<String>) -> Self {
        self.toolbox_origins.push(origin.into());
        self
    }

    /// The region, by name or id. Default: the organization's.
    pub fn target(mut self, target: impl Into<OptParam<String>>) -> Self {
        self.target = target.into();
        self
    }

    /// The snapshot to start from, by name or id. Default: the server's. Excludes [`image`](Self::image).
    pub fn snapshot(mut self, snapshot: impl Into<OptParam<String>>) -> Self {
        self.snapshot = snapshot.into();
        self
    }

    /// The image to build the sandbox from, such as `python:3.12`. Excludes [`snapshot`](Self::snapshot).
    pub fn image(mut self, image: impl Into<OptParam<String>>) -> Self {
        self.image = image.into();
        self
    }

    /// The whole environment of the sandbox, as a map or as a variable that holds one; replaces what was given before.
    pub fn env_vars(mut self, env_vars: impl Into<ParamMap>) -> Self {
        self.env_vars = env_vars.into();
        self.env_names.clear();
        self
    }

    /// One environment variable of the sandbox. Everyone with access to the organization can read it there.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.env_names
            .push((name.clone(), value.constant().cloned()));
        self.env_vars.insert(name, value);
        self
    }

    /// Who may share a sandbox: only opens of the same scope do. Default: [`Scope::Shared`].
    pub fn scope(mut self, scope: impl Into<Param<Scope>>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Makes it an error to build without a [`scope`](Self::scope); `Scope::Shared` must then be spelled out.
    pub fn require_scope(mut self) -> Self {
        self.require_scope = true;
        self
    }

    /// CPU, memory and disk; only with an image, since a snapshot brings its own.
    pub fn resources(mut self, resources: DaytonaResources) -> Self {
        self.resources = resources;
        self
    }

    /// Directory that commands start in and relative paths mean: absolute, made if missing.
    ///
    /// Default: `/workspace` if it can be made, else `workspace` below the server's own working directory. One that is
    /// asked for and refused is an error of the open.
    pub fn workdir(mut self, workdir: impl Into<String>) -> Self {
        self.workdir = Some(workdir.into());
        self
    }

    /// How long a command may take that gives no timeout of its own: 1 second to 24 hours. Default: 60 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A label for people to find the sandboxes by. Keys may not start with `daytona-env.`; values are not secret.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// What the server does with a sandbox nobody renews. Default: delete after five minutes.
    pub fn lease(mut self, lease: Lease) -> Self {
        self.lease = lease;
        self
    }

    /// How long a create may take in all: 1 second to 1 hour. Default: 2 minutes, and 10 with an image, which may have
    /// to be built.
    pub fn create_timeout(mut self, create_timeout: Duration) -> Self {
        self.create_timeout = Some(create_timeout);
        self
    }

    /// Sets environments that share an organization apart, in the label `daytona-env.ns`. Default: `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How often leases are renewed: at most 60 seconds, which is the default. Shorter is for servers whose clock runs
    /// faster, in tests.
    pub fn renew_interval(mut self, renew_interval: Duration) -> Self {
        self.renew_interval = renew_interval;
        self
    }

    /// How many sandboxes may live at once; an open beyond it is an error. Default: no limit of ours.
    pub fn max_sandboxes(mut self, max_sandboxes: usize) -> Self {
        self.max_sandboxes = Some(max_sandboxes);
        self
    }

    /// How long `close()` waits before it reports what is left. Default: 30 seconds.
    pub fn close_timeout(mut self, close_timeout: Duration) -> Self {
        self.close_timeout = Some(close_timeout);
        self
    }

    /// Sends every request over this transport instead of connections of our own.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Runs create, renew and delete here instead of on a background thread of the process.
    pub fn spawner(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.spawner = Some(spawner);
        self
    }

    /// Keeps something alive as long as sandboxes of this environment may have to be deleted.
    #[cfg(feature = "local")]
    pub(crate) fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Checks everything that can be checked without a context.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, with what to do about it: snapshot and image together, resources without an image, a timeout
    /// below one second, no or an empty credential, a bad URL, environment variable name, label, workdir, image or
    /// lease, and a variable `api_url` that could send a constant credential anywhere. What depends on a variable is
    /// checked by each open.
    pub fn build(self) -> Result<DaytonaEnvironment, Error> {
        let settings = self.check().map_err(|error| invalid(&error))?;
        let params = DaytonaParams {
            api_key: self.api_key,
            jwt: self.jwt,
            organization: self.organization,
            api_url: self.api_url,
            target: self.target,
            snapshot: self.snapshot,
            image: self.image,
            env_vars: self.env_vars,
            scope: self.scope.unwrap_or_else(|| Scope::Shared.into()),
        };
        params
            .check()
            .map_err(|error| invalid(&Invalid::new(error.to_string())))?;
        let random = |error: getrandom::Error| {
            internal("the operating system gives no randomness").with_source(error)
        };
        let prints = Fingerprinter::random().map_err(random)?;
        let instance = instance().map_err(random)?;
        let provider = DaytonaProvider::new(
            Arc::new(settings),
            prints,
            instance,
            self.transport,
            self.keep,
        );
        DaytonaEnvironment::assemble(
            provider,
            params,
            self.spawner,
            self.max_sandboxes,
            self.close_timeout,
        )
    }

    /// The original's order first: what excludes each other, then the timeout.
    fn check(&self) -> Result<Settings, Invalid> {
        let known = self.known();
        let resources = !self.resources.is_empty();
        check_shape(
            known.snapshot,
            known.image,
            resources && !self.image.is_set(),
        )?;
        if self.timeout < Duration::from_secs(1) {
            return Err(Invalid::new("`timeout` must be >= 1 second."));
        }
        if self.timeout > MAX_TIMEOUT {
            return Err(Invalid::new("`timeout` must be at most 24 hours"));
        }
        self.resources.check()?;
        self.check_credential()?;
        let settings = self.settings()?;
        known.check(&settings)?;
        self.check_env()?;
        self.check_origin()?;
        if self.require_scope && self.scope.is_none() {
            return Err(Invalid::new(
                "`scope` is required here; give the tenant's, or `Scope::Shared` if sharing between tenants is meant",
            ));
        }
        Ok(settings)
    }

    fn settings(&self) -> Result<Settings, Invalid> {
        for (key, value) in &self.labels {
            check_label(key, value)?;
        }
        check_label("ns", &self.namespace)?;
        for origin in &self.toolbox_origins {
            Origin::parse("allow_toolbox_origin", origin)?;
        }
        let create_timeout = self.create_timeout.unwrap_or(if self.image.is_set() {
            BUILD_TIMEOUT
        } else {
            CREATE_TIMEOUT
        });
        if !(Duration::from_secs(1)..=MAX_CREATE_TIMEOUT).contains(&create_timeout) {
            return Err(Invalid::new(
                "`create_timeout` must be from 1 second to 1 hour",
            ));
        }
        if self.renew_interval.is_zero() || self.renew_interval > RENEW_INTERVAL {
            return Err(Invalid::new(
                "`renew_interval` must be more than zero and at most 60 seconds",
            ));
        }
        if self.max_sandboxes == Some(0) {
            return Err(Invalid::new("`max_sandboxes` must be at least 1"));
        }
        Ok(Settings {
            resources: self.resources,
            workdir: self.workdir.as_deref().map(normal_workdir).transpose()?,
            timeout: self.timeout,
            labels: self.labels.clone(),
            lease: self.lease,
            intervals: self.lease.intervals()?,
            create_timeout,
            allowed_origins: self
                .allowed_origins
                .iter()
                .map(|text| Origin::parse("allow_origin", text))
                .collect::<Result<_, _>>()?,
            toolbox_origins: self.toolbox_origins.clone(),
            namespace: self.namespace.clone(),
            renew_interval: self.renew_interval,
        })
    }

    fn known(&self) -> Known<'_> {
        Known {
            api_key: self.api_key.constant().map(Secret::expose),
            jwt: self.jwt.constant().map(Secret::expose),
            organization: self.organization.constant().map(String::as_str),
            api_url: self.api_url.constant().map(String::as_str),
            target: self.target.constant().map(String::as_str),
            snapshot: self.snapshot.constant().map(String::as_str),
            image: self.image.constant().map(String::as_str),
        }
    }

    fn check_credential(&self) -> Result<(), Invalid> {
        match (self.api_key.is_set(), self.jwt.is_set()) {
            (false, false) => Err(Invalid::new(
                "no credential: give `api_key`, or `jwt` with its organization; the host's environment is never asked",
            )),
            (true, true) => Err(Invalid::new("Specify either `api_key` or `jwt`, not both.")),
            _ => Ok(()),
        }
    }

    fn check_env(&self) -> Result<(), Invalid> {
        for (name, value) in &self.env_names {
            check_env(name, value.as_ref().map_or("", Secret::expose))?;
        }
        // a map of constants resolves without a context; any other is checked by each open
        if let Ok(map) = self.env_vars.get("env_vars", &NoVars) {
            map.iter()
                .try_for_each(|(name, value)| check_env(name, value.expose()))?;
        }
        Ok(())
    }

    /// A credential that is there without any context must not go wherever a context says.
    fn check_origin(&self) -> Result<(), Invalid> {
        let held =
            |param: &OptParam<Secret>| matches!(param.get("credential", &NoVars), Ok(Some(_)));
        if self.allowed_origins.is_empty()
            && !self.api_url.is_constant()
            && (held(&self.api_key) || held(&self.jwt))
        {
            return Err(Invalid::new(
                "`api_url` is a variable and the credential is not, so whoever sets the variable would be sent the \
                 credential; list the origins it may name with `allow_origin`, or make the credential a variable without \
                 a default",
            ));
        }
        Ok(())
    }
}
