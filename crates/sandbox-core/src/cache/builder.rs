//! Settings of a caching factory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use context_vars::Resolve;
use tokio::sync::Semaphore;

use super::CachingFactory;
use crate::{Background, Error, ErrorKind, HostSuspension, Provider, Spawner, Suspension};

/// What can be chosen, apart from parameters.
pub(super) struct Settings {
    pub(super) max_sandboxes: usize,
    pub(super) at_capacity: AtCapacity,
    pub(super) idle_ttl: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) event_capacity: usize,
    pub(super) suspension: Arc<dyn Suspension>,
    pub(super) concurrent_creates: Option<usize>,
    pub(super) create_timeout: Duration,
    pub(super) acquire_timeout: Option<Duration>,
    pub(super) close_timeout: Duration,
}

/// What an `open` does that would need one sandbox more than the factory may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtCapacity {
    /// It fails with [`Capacity`](ErrorKind::Capacity).
    #[default]
    Refuse,
    /// The least recently used sandbox that is not in use is removed for it; if all are in use, it
    /// fails with [`Capacity`](ErrorKind::Capacity).
    ///
    /// In use is a sandbox of which anybody holds a handle, since a handle may have a call under
    /// way, and one that is being created or woken. Hits between the same two misses are not told
    /// apart in their order. The key whose sandbox was removed has lost its state: its next sandbox
    /// is a generation on and says so. The removal runs while the new one is being created, so the
    /// service may see one more for a moment.
    EvictIdle,
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
                at_capacity: AtCapacity::Refuse,
                idle_ttl: None,
                max_lifetime: None,
                event_capacity: 256,
                suspension: Arc::new(HostSuspension),
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

    /// How many sandboxes there may be at once, those being created included; those being removed
    /// are not. Default: no limit.
    #[must_use]
    pub fn max_sandboxes(mut self, most: usize) -> Self {
        self.settings.max_sandboxes = most;
        self
    }

    /// What an `open` beyond [`max_sandboxes`](Self::max_sandboxes) does. Default:
    /// [`AtCapacity::Refuse`].
    #[must_use]
    pub fn at_capacity(mut self, policy: AtCapacity) -> Self {
        self.settings.at_capacity = policy;
        self
    }

    /// Removes a sandbox that nobody has opened, and of which nobody has held a handle, for this
    /// long; it is noticed within an eighth more. Its key has lost its state then. At least a
    /// second. Default: never.
    #[must_use]
    pub fn idle_ttl(mut self, most: Duration) -> Self {
        self.settings.idle_ttl = Some(most);
        self
    }

    /// Removes a sandbox this long after its creation began, in use or not: its handles answer
    /// [`Lost`](ErrorKind::Lost), and the next `open` makes another. One that is being woken at that
    /// moment is removed once that has ended. At least a second. Default: never.
    #[must_use]
    pub fn max_lifetime(mut self, most: Duration) -> Self {
        self.settings.max_lifetime = Some(most);
        self
    }

    /// How many sandboxes of one [account](crate::Provider::account) may be created at once; others
    /// wait, first come first served. Default: no limit.
    ///
    /// While the service asks an account to wait (a `RateLimited` create, up to a minute), its other
    /// creates wait too, whatever this says; those of other accounts go on.
    #[must_use]
    pub fn concurrent_creates(mut self, most: usize) -> Self {
        self.settings.concurrent_creates = Some(most);
        self
    }

    /// How long one creation may take, from the moment it is begun: waiting for a permit, and for a
    /// service that wants its account to wait, retries and look-ups included. Default: 120 s.
    #[must_use]
    pub fn create_timeout(mut self, most: Duration) -> Self {
        self.settings.create_timeout = most;
        self
    }

    /// How long one `open` may wait in all, whatever it waits for; the creation goes on after that.
    /// It needs the timer of the opener's tokio runtime. Default: as long as the creation takes.
    #[must_use]
    pub fn acquire_timeout(mut self, most: Duration) -> Self {
        self.settings.acquire_timeout = Some(most);
        self
    }

    /// How many events are kept for a slow listener, 1 to 65,536; see
    /// [`events`](CachingFactory::events). Default: 256.
    #[must_use]
    pub fn event_capacity(mut self, most: usize) -> Self {
        self.settings.event_capacity = most;
        self
    }

    /// What tells how long this host was suspended. Default: [`HostSuspension`].
    #[must_use]
    pub fn suspension(mut self, suspension: Arc<dyn Suspension>) -> Self {
        self.settings.suspension = suspension;
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
    /// A constant parameter that no context can make valid, or a limit or time out of its range.
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
        if [settings.idle_ttl, settings.max_lifetime]
            .into_iter()
            .flatten()
            .any(|most| most < Duration::from_secs(1))
        {
            return invalid("an idle time or maximal lifetime is shorter than a second");
        }
        if !(1..=65_536).contains(&settings.event_capacity) {
            return invalid("the number of events to keep is not from 1 to 65,536");
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
