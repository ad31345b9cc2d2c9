//! One attempt to make a sandbox.

use std::sync::Arc;

use tokio::time::Instant;

use crate::Liveness;

/// One attempt to make a sandbox, with everything that stays the same however often it is retried.
#[derive(Clone, Debug)]
pub struct Attempt {
    name: Arc<str>,
    generation: u64,
    previous_lost: bool,
    begun: Instant,
    abandoned: bool,
    liveness: Liveness,
}

impl Attempt {
    /// An attempt under this name. The factory makes them; this is for tests of a provider and for
    /// sandboxes without a factory.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, generation: u64, previous_lost: bool) -> Self {
        Self {
            name: name.into(),
            generation,
            previous_lost,
            begun: Instant::now(),
            abandoned: false,
            liveness: Liveness::new(),
        }
    }

    /// The same attempt, given up: see [`is_abandoned`](Self::is_abandoned).
    #[must_use]
    pub fn abandoned(mut self) -> Self {
        self.abandoned = true;
        self
    }

    /// True if nobody waits for the sandbox any more, and it is looked for only to be removed. A provider then starts and
    /// prepares nothing, and does nothing that the service would take for use and keep the sandbox for.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// The name to create under: the provider's prefix and 26 letters and digits (lower case) that
    /// nobody can guess, unless the provider has an [agreed name](crate::Provider::agreed_name).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 1 for the first sandbox of a key, one more for each that replaces a lost one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// True if the sandbox replaces one that was lost with its state.
    #[must_use]
    pub fn previous_lost(&self) -> bool {
        self.previous_lost
    }

    /// When the attempt began, by this process's monotonic clock: before anything was sent for it, and the same for all of
    /// its tries. A provider counts a sandbox's longest life from here.
    #[must_use]
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The note that the sandbox's handles share with the factory.
    #[must_use]
    pub fn liveness(&self) -> &Liveness {
        &self.liveness
    }
}
