//! How much an environment may hold, and for how long.

use std::time::Duration;

use sandbox_core::{AtCapacity, CachingFactoryBuilder, Provider};

use super::DaytonaEnvironmentBuilder;
use crate::validate::Invalid;

const SECOND: Duration = Duration::from_secs(1);

/// Bounds that are kept by the cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    max_sandboxes: Option<usize>,
    at_capacity: Option<AtCapacity>,
    idle_ttl: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    concurrent_creates: Option<usize>,
    open_timeout: Option<Duration>,
    close_timeout: Option<Duration>,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        for (name, most) in [
            ("max_sandboxes", self.max_sandboxes),
            ("concurrent_creates", self.concurrent_creates),
        ] {
            if most == Some(0) {
                return Err(Invalid::new(format!("`{name}` must be at least 1")));
            }
        }
        for (name, most) in [
            ("idle_ttl", self.idle_ttl),
            ("max_lifetime", self.max_lifetime),
            ("open_timeout", self.open_timeout),
        ] {
            if most.is_some_and(|most| most < SECOND) {
                return Err(Invalid::new(format!("`{name}` must be at least 1 second")));
            }
        }
        Ok(())
    }

    pub(crate) fn apply<P: Provider>(
        &self,
        mut cache: CachingFactoryBuilder<P>,
    ) -> CachingFactoryBuilder<P> {
        if let Some(most) = self.max_sandboxes {
            cache = cache.max_sandboxes(most);
        }
        if let Some(policy) = self.at_capacity {
            cache = cache.at_capacity(policy);
        }
        if let Some(most) = self.idle_ttl {
            cache = cache.idle_ttl(most);
        }
        if let Some(most) = self.max_lifetime {
            cache = cache.max_lifetime(most);
        }
        if let Some(most) = self.concurrent_creates {
            cache = cache.concurrent_creates(most);
        }
        if let Some(most) = self.open_timeout {
            cache = cache.acquire_timeout(most);
        }
        if let Some(most) = self.close_timeout {
            cache = cache.close_timeout(most);
        }
        cache
    }
}

impl DaytonaEnvironmentBuilder {
    /// How many sandboxes may live at once, those being created included. Default: no limit of ours.
    pub fn max_sandboxes(mut self, max_sandboxes: usize) -> Self {
        self.limits.max_sandboxes = Some(max_sandboxes);
        self
    }

    /// What an open beyond [`max_sandboxes`](Self::max_sandboxes) does. Default: it fails with `Capacity`.
    pub fn at_capacity(mut self, policy: AtCapacity) -> Self {
        self.limits.at_capacity = Some(policy);
        self
    }

    /// Deletes a sandbox that nobody has opened, and of which nobody has held a handle, for this long: at least a
    /// second. Its state is lost then. Default: never.
    pub fn idle_ttl(mut self, idle_ttl: Duration) -> Self {
        self.limits.idle_ttl = Some(idle_ttl);
        self
    }

    /// Deletes a sandbox this long after its creation began, in use or not: at least a second. Its handles answer
    /// `Lost` from then on, and the next open makes another. Default: never.
    ///
    /// Where the server counts a time to live, that is never set beyond it (but for at least a minute), so that this
    /// bound holds without this process too. Not together with [`share`](Self::share): sharers come and go.
    pub fn max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.limits.max_lifetime = Some(max_lifetime);
        self
    }

    /// How many sandboxes of one account (origin and credential) may be created at once; other opens wait their turn.
    /// Default: no limit of ours. An account that Daytona asks to wait (429) waits in any case, and no other with it.
    pub fn concurrent_creates(mut self, concurrent_creates: usize) -> Self {
        self.limits.concurrent_creates = Some(concurrent_creates);
        self
    }

    /// How long one open may wait in all: at least a second. It fails with `Timeout` then, while the creation goes on
    /// and serves the next open. It needs the timer of the opener's tokio runtime. Default: as long as the creation
    /// takes, which [`create_timeout`](Self::create_timeout) bounds.
    pub fn open_timeout(mut self, open_timeout: Duration) -> Self {
        self.limits.open_timeout = Some(open_timeout);
        self
    }

    /// How long `close()` waits before it reports what is left. Default: 30 seconds.
    pub fn close_timeout(mut self, close_timeout: Duration) -> Self {
        self.limits.close_timeout = Some(close_timeout);
        self
    }
}
