//! Keeping a lease alive.

use std::time::Duration;

use dashmap::DashMap;
use daytona_api::Daytona;
use sandbox_core::Error;
use tokio::time::Instant;

use super::DaytonaProvider;
use crate::error::api_error;
use crate::sandbox::DaytonaSandbox;

/// The sandboxes whose server also counts a time to live.
#[derive(Debug, Default)]
pub(super) struct Anchors(DashMap<Box<str>, Anchor>);

#[derive(Debug, Clone, Copy)]
struct Anchor {
    since: Instant,
    /// Since it was last set.
    renewals: u32,
}

impl Anchors {
    /// Notes that the server showed when it would destroy the sandbox.
    pub(super) fn remember(&self, id: &str) {
        let anchor = Anchor {
            since: Instant::now(),
            renewals: 0,
        };
        self.0.insert(id.into(), anchor);
    }

    pub(super) fn forget(&self, id: &str) {
        self.0.remove(id);
    }

    /// Counts one renewal; the age of the sandbox if `every` have passed since the time to live was last set.
    fn due(&self, id: &str, every: u32) -> Option<Duration> {
        let mut anchor = self.0.get_mut(id)?;
        anchor.renewals = anchor.renewals.saturating_add(1);
        (anchor.renewals >= every).then(|| anchor.since.elapsed())
    }

    fn anchored(&self, id: &str) {
        if let Some(mut anchor) = self.0.get_mut(id) {
            anchor.renewals = 0;
        }
    }
}

impl DaytonaProvider {
    /// Tells the server that the sandbox is in use, and once per lease sets its time to live anew.
    pub(super) async fn renew_sandbox(&self, sandbox: &DaytonaSandbox) -> Result<(), Error> {
        let id = sandbox.id();
        let renewed = self.renew_wire(sandbox.clients().api(), id).await;
        renewed.map_err(|error| {
            if error.is_not_found() {
                self.anchors.forget(id);
            }
            api_error("renew a lease", error)
        })
    }

    async fn renew_wire(&self, api: &Daytona, id: &str) -> Result<(), daytona_api::Error> {
        api.sandboxes().update_last_activity(id).await?;
        let every = self.settings.intervals.renewals_per_anchor();
        if let Some(ttl) = self
            .anchors
            .due(id, every)
            .and_then(|age| self.settings.ttl(age))
        {
            api.sandboxes().set_ttl(id, ttl).await?;
            self.anchors.anchored(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_set_once_per_lease() {
        let anchors = Anchors::default();
        assert!(anchors.due("a", 1).is_none(), "never shown by the server");
        anchors.remember("a");
        assert_eq!(
            (0..5)
                .map(|_| anchors.due("a", 3).is_some())
                .collect::<Vec<_>>(),
            [false, false, true, true, true]
        );
        anchors.anchored("a");
        assert!(anchors.due("a", 3).is_none());
        anchors.forget("a");
        assert!(anchors.due("a", 1).is_none());
    }
}
