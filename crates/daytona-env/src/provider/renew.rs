//! Keeping a lease alive.

use dashmap::DashMap;
use sandbox_core::Error;

use super::DaytonaProvider;
use crate::error::api_error;
use crate::sandbox::DaytonaSandbox;

/// The sandboxes whose server also counts a time to live, with the renewals since it was last set.
#[derive(Debug, Default)]
pub(super) struct Anchors(DashMap<Box<str>, u32>);

impl Anchors {
    /// Notes that the server showed when it would destroy the sandbox.
    pub(super) fn remember(&self, id: &str) {
        self.0.insert(id.into(), 0);
    }

    pub(super) fn forget(&self, id: &str) {
        self.0.remove(id);
    }

    /// Counts one renewal; whether `every` have passed since the time to live was last set.
    fn due(&self, id: &str, every: u32) -> bool {
        self.0.get_mut(id).is_some_and(|mut renewals| {
            *renewals = renewals.saturating_add(1);
            *renewals >= every
        })
    }

    fn anchored(&self, id: &str) {
        if let Some(mut renewals) = self.0.get_mut(id) {
            *renewals = 0;
        }
    }
}

impl DaytonaProvider {
    /// Tells the server that the sandbox is in use, and once per lease sets its time to live anew.
    pub(super) async fn renew_sandbox(&self, sandbox: &DaytonaSandbox) -> Result<(), Error> {
        let api = sandbox.clients().api();
        let id = sandbox.id();
        let renewed = api.sandboxes().update_last_activity(id).await;
        let intervals = &self.settings.intervals;
        let renewed = match (renewed, intervals.ttl) {
            (Ok(_), Some(ttl)) if self.anchors.due(id, intervals.renewals_per_anchor()) => {
                let set = api.sandboxes().set_ttl(id, ttl).await.map(|_| ());
                if set.is_ok() {
                    self.anchors.anchored(id);
                }
                set
            }
            (renewed, _) => renewed.map(|_| ()),
        };
        renewed.map_err(|error| {
            if error.is_not_found() {
                self.anchors.forget(id);
            }
            api_error("renew a lease", error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_set_once_per_lease() {
        let anchors = Anchors::default();
        assert!(!anchors.due("a", 1), "never shown by the server");
        anchors.remember("a");
        assert_eq!(
            (0..5).map(|_| anchors.due("a", 3)).collect::<Vec<_>>(),
            [false, false, true, true, true]
        );
        anchors.anchored("a");
        assert!(!anchors.due("a", 3));
        anchors.forget("a");
        assert!(!anchors.due("a", 1));
    }
}
