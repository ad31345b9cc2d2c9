//! What a handle is made of.

use std::sync::Arc;
use std::time::Duration;

use sandbox_core::Liveness;

use crate::clients::ClientSet;

/// What a handle is made of.
#[derive(Clone)]
pub(crate) struct SandboxParts {
    pub(crate) clients: Arc<ClientSet>,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    /// Where its toolbox is reached, without the id.
    pub(crate) toolbox_proxy_url: Arc<str>,
    /// Absolute.
    pub(crate) workdir: Arc<str>,
    pub(crate) generation: u64,
    pub(crate) state_lost: bool,
    /// For commands that give none.
    pub(crate) timeout: Duration,
    pub(crate) liveness: Liveness,
}
