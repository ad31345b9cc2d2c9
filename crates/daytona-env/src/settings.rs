//! What one environment keeps constant over all its opens.

use std::time::Duration;

use crate::lease::{Intervals, Lease};
use crate::resources::DaytonaResources;
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
    pub(crate) namespace: String,
    pub(crate) renew_interval: Duration,
}
