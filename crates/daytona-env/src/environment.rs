//! The environment: what is configured once and opened many times.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use context_vars::Source;
use sandbox_core::{
    CachingFactory, CloseError, CloseReport, Error, Events, Leftover, Sandbox, SandboxFactory,
    Snapshot, Spawner,
};

use crate::builder::{DaytonaEnvironmentBuilder, Limits};
use crate::params::DaytonaParams;
use crate::provider::DaytonaProvider;
use crate::sandbox::DaytonaSandbox;

/// Daytona sandboxes for many tenants: each open resolves the parameters and hands out the one live sandbox for what
/// they resolve to, making it if need be.
///
/// Cloning is cheap and shares everything. Dropping the last clone deletes the sandboxes in the background; call
/// [`close`](Self::close) to know that they are gone.
///
/// ```no_run
/// use context_vars::{Variable, Vars};
/// use daytona_env::DaytonaEnvironment;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = DaytonaEnvironment::builder()
///     .api_key(Variable::new("daytona_key"))
///     .image("python:3.12")
///     .scope(Variable::new("tenant"))
///     .build()?;
/// let context = Vars::new().with("daytona_key", "dtn_..").with("tenant", "acme");
/// let sandbox = environment.open(&context).await?;
/// let again = environment.open(&context).await?;
/// assert_eq!(sandbox.id(), again.id());
/// environment.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DaytonaEnvironment {
    cache: CachingFactory<DaytonaProvider>,
}

impl fmt::Debug for DaytonaEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaytonaEnvironment")
            .field("params", self.cache.params())
            .field("workdir", &self.workdir())
            .field("sandboxes", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl DaytonaEnvironment {
    /// Starts to configure one.
    pub fn builder() -> DaytonaEnvironmentBuilder {
        DaytonaEnvironmentBuilder::default()
    }

    pub(crate) fn assemble(
        provider: DaytonaProvider,
        params: DaytonaParams,
        spawner: Option<Arc<dyn Spawner>>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let create_timeout = provider.settings().create_timeout;
        let cache = CachingFactory::builder(provider, params).create_timeout(create_timeout);
        let mut cache = limits.apply(cache);
        if let Some(spawner) = spawner {
            cache = cache.spawner(spawner);
        }
        Ok(Self {
            cache: cache.build()?,
        })
    }

    /// The sandbox for what the parameters resolve to in this context; made, and waited for, if there is none.
    ///
    /// However many opens of one key run at once, one sandbox is made. A sandbox that has vanished is made anew with the
    /// next generation, and its `info()` says that the state was lost.
    ///
    /// # Errors
    ///
    /// `Unresolved` lists every parameter that is missing or ill-typed; `InvalidInput` says what to change, also of local
    /// files that an image copies; `Auth`,
    /// `Quota`, `RateLimited`, `Unavailable`, `Timeout` and `Provider` come from Daytona, with its reason; `Closed`: the
    /// environment was closed meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels nothing and leaks nothing: the environment owns the sandbox that is being made.
    pub async fn open(&self, context: &dyn Source) -> Result<Arc<DaytonaSandbox>, Error> {
        #[cfg(feature = "context")]
        if let Some(files) = &self.cache.provider().settings().files {
            let image = Box::pin(files.key()).await?;
            return self.cache.open(&image.within(context)).await;
        }
        self.cache.open(context).await
    }

    /// The directory that commands start in, if it was configured; else each sandbox tells its own.
    #[must_use]
    pub fn workdir(&self) -> Option<&str> {
        self.cache.provider().settings().workdir.as_deref()
    }

    /// Deletes every sandbox of this environment, up to 64 at a time. Opens begun before fail with `Closed`; later ones
    /// start anew.
    ///
    /// # Errors
    ///
    /// What is left, with the reason and when the server itself will remove it. The deletes go on in the background,
    /// and another `close` waits for them again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing.
    pub async fn close(&self) -> Result<(), CloseError> {
        self.cache.close().await
    }

    /// As [`close`](Self::close), and tells what became of each sandbox: deleted, let go of because it is
    /// [shared](DaytonaEnvironmentBuilder::share), or left, with when the server itself removes it. A sandbox under a
    /// lease that persists is deleted like any other.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use context_vars::NoVars;
    /// use daytona_env::DaytonaEnvironment;
    ///
    /// let server = daytona_local::Server::builder().isolation(daytona_local::Isolation::None).start().await?;
    /// let environment =
    ///     DaytonaEnvironment::builder().api_url(server.api_url()).api_key(server.token()).build()?;
    /// let sandbox = environment.open(&NoVars).await?;
    /// let report = environment.close_and_report().await;
    /// assert_eq!(report.closed()[0].id(), Some(sandbox.id()));
    /// assert_eq!(report.to_string(), "1 removed, 0 let go of, 0 left");
    /// report.into_result()?;                          // what `close` gives
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing; what was deleted meanwhile is told by no later report.
    pub async fn close_and_report(&self) -> CloseReport {
        self.cache.close_and_report().await
    }

    /// Everything of this environment that exists or may: in use, being made, being deleted, of unknown fate; with when
    /// the server itself removes it. Asks nobody. For an end that cannot wait for [`close`](Self::close) to say what is
    /// left.
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        self.cache.leftovers()
    }

    /// What happens to the sandboxes from now on: created, adopted, lease at risk, lost, deleted and the like. A listener
    /// that is slow delays nobody, and is told how many events it missed. No event holds a secret.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use context_vars::NoVars;
    /// use daytona_env::DaytonaEnvironment;
    /// use sandbox_core::{EventKind, Observed};
    ///
    /// let server = daytona_local::Server::builder().isolation(daytona_local::Isolation::None).start().await?;
    /// let environment =
    ///     DaytonaEnvironment::builder().api_url(server.api_url()).api_key(server.token()).build()?;
    /// let mut events = environment.events();
    /// environment.open(&NoVars).await?;
    /// environment.close().await?;
    /// let mut deleted = false;
    /// while let Some(Observed::Event(event)) = events.try_next() {
    ///     deleted |= matches!(event.kind(), EventKind::Deleted { .. });
    /// }
    /// assert!(deleted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        self.cache.events()
    }

    /// What the environment holds at this moment: every sandbox with its state, age, generation, lease and last error,
    /// without secrets. Asks nobody.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.cache.snapshot()
    }

    /// How many sandboxes are held or being made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether no sandbox is held or being made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[async_trait]
impl SandboxFactory for DaytonaEnvironment {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        Ok(Self::open(self, context).await?)
    }

    fn workdir(&self) -> Option<&str> {
        self.cache.provider().settings().workdir.as_deref()
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.cache.close().await
    }
}
