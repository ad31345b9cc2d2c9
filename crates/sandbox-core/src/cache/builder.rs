//! Settings of a caching factory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use context_vars::Resolve;
use tokio::sync::Semaphore;

use super::CachingFactory;
use crate::{Background, Error, ErrorKind, Provider, Spawner};

/// What can be chosen, apart from parameters.
pub(super) struct Settings {
    pub(super) max_sandboxes: usize,
    pub(super) concurrent_creates: Option<usize>,
    pub(super) create_timeout: Duration,
    pub(super) acquire_timeout: Option<Duration>,
    pub(super) close_timeout: Duration,
}

/// Settings of a [`CachingFactory`].
pub struct CachingFactoryBuilder<P: Provider> {
    provider: P,
    params: P::Params,
    spawner: Arc<dyn Spawner>,
    settings: Settings,
}

impl<P: Provider> CachingFactoryBuilder<P> {
    pub(super) fn new(provider: P, params: P::Params) -> Self {
        Self {
            provider,
            params,
            spawner: Arc::new(Background),
            settings: Settings {
                max_sandboxes: usize::MAX,
                concurrent_creates: None,
                create_timeout: Duration::from_secs(120),
                acquire_timeout: None,
                close_timeout: Duration::from_secs(30),
            },
        }
    }

    /// Where creating, renewing and removing run. Default: [`Background`].
    #[must_use]
    pub fn spawner(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.spawner = spawner;
        self
    }

    /// How many sandboxes there may be at once; an `open` beyond it is a
    /// [`Capacity`](ErrorKind::Capacity) error, and none in use is removed for it. Default: no limit.
    #[must_use]
    pub fn max_sandboxes(mut self, most: usize) -> Self {
        self.settings.max_sandboxes = most;
        self
    }

    /// How many sandboxes may be created at once; others wait. Default: no limit.
    #[must_use]
    pub fn concurrent_creates(mut self, most: usize) -> Self {
        self.settings.concurrent_creates = Some(most);
        self
    }

    /// How long one creation may take, retries and look-ups included. Default: 120 s.
    #[must_use]
    pub fn create_timeout(mut self, most: Duration) -> Self {
        self.settings.create_timeout = most;
        self
    }

    /// How long one `open` may wait; the creation goes on after that. It needs the timer of the
    /// opener's tokio runtime. Default: as long as the creation takes.
    #[must_use]
    pub fn acquire_timeout(mut self, most: Duration) -> Self {
        self.settings.acquire_timeout = Some(most);
        self
    }

    /// How long `close` waits before it reports what is left. Default: 30 s.
    #[must_use]
    pub fn close_timeout(mut self, most: Duration) -> Self {
        self.settings.close_timeout = most;
        self
    }

    /// The factory. Asks nobody.
    ///
    /// # Errors
    ///
    /// A constant parameter that no context can make valid, a zero limit or a zero timeout.
    pub fn build(self) -> Result<CachingFactory<P>, Error> {
        self.params.check().map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "a parameter is invalid")
                .with_operation("build")
                .with_source(error)
        })?;
        let invalid = |message: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput, message).with_operation("build"))
        };
        let settings = &self.settings;
        if settings.max_sandboxes == 0 {
            return invalid("the limit of sandboxes is zero");
        }
        if settings
            .concurrent_creates
            .is_some_and(|most| most == 0 || most > Semaphore::MAX_PERMITS)
        {
            return invalid("the limit of concurrent creates is zero or too large");
        }
        if settings.create_timeout.is_zero()
            || settings.close_timeout.is_zero()
            || settings.acquire_timeout.is_some_and(|most| most.is_zero())
        {
            return invalid("a timeout is zero");
        }
        Ok(self.make())
    }

    pub(super) fn make(self) -> CachingFactory<P> {
        CachingFactory::from_parts(self.provider, self.params, self.spawner, self.settings)
    }
}

impl<P: Provider> fmt::Debug for CachingFactoryBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingFactoryBuilder")
            .field("provider", &self.provider)
            .field("spawner", &self.spawner)
            .finish_non_exhaustive()
    }
}
