//! Configures an environment.

mod check;
mod image;
mod limits;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use context_vars::{OptParam, Param, ParamMap, Resolve, Scope, Secret};
use daytona_api::TraceContext;
use daytona_api::transport::Transport;
use sandbox_core::{Error, Spawner};

use crate::clients::TraceHook;
use crate::environment::DaytonaEnvironment;
use crate::error::{internal, invalid};
use crate::fingerprint::{Fingerprinter, instance};
use crate::lease::Lease;
use crate::params::{DaytonaParams, ShownUrl};
use crate::provider::{DaytonaProvider, Keep};
use crate::resources::DaytonaResources;
use crate::share::Share;
use crate::validate::Invalid;

pub use image::ImageParam;
pub(crate) use limits::Limits;

/// Where Daytona's own service listens.
pub(crate) const DEFAULT_API_URL: &str = "https://app.daytona.io/api";
/// The namespace of whoever names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";
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
    image: ImageParam,
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
    trace: Option<TraceHook>,
    namespace: String,
    renew_interval: Duration,
    limits: Limits,
    share: Option<(Share, Secret)>,
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
            image: ImageParam::default(),
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
            trace: None,
            namespace: DEFAULT_NAMESPACE.to_owned(),
            renew_interval: RENEW_INTERVAL,
            limits: Limits::default(),
            share: None,
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

    /// The image to build the sandbox from: a name such as `python:3.12`, or an [`Image`](crate::Image) described step
    /// by step, whose lines are part of the key as a name is: opens with equal images share a sandbox. Excludes
    /// [`snapshot`](Self::snapshot).
    ///
    /// Of an image that copies files of this machine (feature `context`) their content is part of the key too: each
    /// open looks at them, away from the runtime's threads, and reads those that may have changed. The same files give
    /// the same sandbox, and a file that was changed gives another one; what was made of the old ones stays as it is.
    /// Before a sandbox is created the server is brought what it does not have of them.
    ///
    /// ```
    /// use daytona_env::{DaytonaEnvironment, Image};
    ///
    /// let image = Image::debian_slim("3.12").pip_install(["numpy"]).workdir("/srv");
    /// let environment = DaytonaEnvironment::builder().api_key("dtn_key").image(image).build()?;
    /// # Ok::<(), sandbox_core::Error>(())
    /// ```
    pub fn image(mut self, image: impl Into<ImageParam>) -> Self {
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

    /// Shares sandboxes with other processes, on whatever hosts: all that are given the same group and fleet key, and
    /// resolve the same scope and API origin, use one sandbox. Daytona itself is the registry: a name is given out once.
    ///
    /// The fleet key is a long random text of the fleet's own, at least 16 characters; a credential is none, since it
    /// changes. Everything else that shapes the sandbox must be alike too: an open that resolves another image, say,
    /// fails and names the parameters that differ. The credential alone may be each process's own.
    ///
    /// Nobody deletes a shared sandbox: a process that closes lets go of it (the event is `Released`), one that dies
    /// changes nothing for the others, and the silence of the last one ends it by its lease.
    ///
    /// ```
    /// use context_vars::{Secret, Variable};
    /// use daytona_env::DaytonaEnvironment;
    ///
    /// let environment = DaytonaEnvironment::builder()
    ///     .api_key(Variable::new("daytona_key"))
    ///     .scope(Variable::new("tenant"))
    ///     .share("workers", Secret::new("a long random text of the fleet"))
    ///     .build()?;
    /// # Ok::<(), sandbox_core::Error>(())
    /// ```
    pub fn share(mut self, group: impl Into<String>, fleet_key: impl Into<Secret>) -> Self {
        let fleet_key = fleet_key.into();
        self.share = Some((Share::new(group, &fleet_key), fleet_key));
        self
    }

    /// How often leases are renewed: at most 60 seconds, which is the default. Shorter is for servers whose clock runs
    /// faster, in tests.
    pub fn renew_interval(mut self, renew_interval: Duration) -> Self {
        self.renew_interval = renew_interval;
        self
    }

    /// Puts a W3C trace context on each request to Daytona, as
    /// [`Config::trace_context`](daytona_api::Config::trace_context) says: `hook` is asked within the span of each attempt,
    /// so the current span is the parent to name. Default: none.
    ///
    /// ```
    /// use daytona_env::{DaytonaEnvironment, TraceContext};
    ///
    /// let traceparent = || "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; // of the current span
    /// let environment = DaytonaEnvironment::builder()
    ///     .api_key("dtn_key")
    ///     .trace_context(move || TraceContext::new(traceparent()).ok())
    ///     .build()?;
    /// # Ok::<(), sandbox_core::Error>(())
    /// ```
    pub fn trace_context(
        mut self,
        hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.trace = Some(TraceHook::new(hook));
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
    pub fn build(mut self) -> Result<DaytonaEnvironment, Error> {
        let (spawner, limits) = (self.spawner.take(), self.limits.clone());
        let (provider, params) = self.parts()?;
        DaytonaEnvironment::assemble(provider, params, spawner, &limits)
    }

    pub(crate) fn parts(self) -> Result<(DaytonaProvider, DaytonaParams), Error> {
        let settings = self.check().map_err(|error| invalid(&error))?;
        let params = DaytonaParams {
            api_key: self.api_key,
            jwt: self.jwt,
            organization: self.organization,
            api_url: self.api_url,
            target: self.target,
            snapshot: self.snapshot,
            image: self.image.into_text(),
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
        Ok((provider, params))
    }
}
