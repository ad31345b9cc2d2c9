//! What one environment keeps constant over all its opens.

use std::time::Duration;

use crate::clients::TraceHook;
use crate::lease::{Intervals, Lease};
use crate::resources::DaytonaResources;
use crate::share::Share;
use crate::validate::Origin;

/// Checked constants of one environment.
///
/// Resources, workdir and timeout shape a sandbox as its variables do. They need no place in the key because a cache
/// never serves two environments; fingerprints do contain them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) resources: DaytonaResources,
    /// Normalised; `None` leaves the choice to what the sandbox allows.
    pub(crate) workdir: Option<String>,
    /// Of a command that gives none of its own.
    pub(crate) timeout: Duration,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) lease: Lease,
    pub(crate) intervals: Intervals,
    pub(crate) create_timeout: Duration,
    /// Origins a resolved address may have; empty when any may.
    pub(crate) allowed_origins: Vec<Origin>,
    /// Hosts besides the API's own that serve toolboxes and may have the credential.
    pub(crate) toolbox_origins: Vec<String>,
    /// Asked for the trace context of each request.
    pub(crate) trace: Option<TraceHook>,
    pub(crate) namespace: String,
    pub(crate) renew_interval: Duration,
    /// Shared with other processes, or this environment's own.
    pub(crate) share: Option<Share>,
    /// The image is a whole Dockerfile of the builder's own, and no name.
    pub(crate) described_image: bool,
    /// The files of this machine that it copies.
    #[cfg(feature = "context")]
    pub(crate) files: Option<std::sync::Arc<crate::files::ImageFiles>>,
    /// After which no time to live reaches; `None` for no bound.
    pub(crate) max_lifetime: Option<Duration>,
}

impl Settings {
    /// The time to live to ask for, in minutes, for a sandbox of this age: never beyond its longest life, and at least
    /// the one minute that the server can count. `None` where the lease has none.
    pub(crate) fn ttl(&self, age: Duration) -> Option<u32> {
        let ttl = self.intervals.ttl?;
        let Some(longest) = self.max_lifetime else {
            return Some(ttl);
        };
        let left = longest.saturating_sub(age).as_secs().div_ceil(60).max(1);
        Some(u32::try_from(left).map_or(ttl, |left| left.min(ttl)))
    }
}
