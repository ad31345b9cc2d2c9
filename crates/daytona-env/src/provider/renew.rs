//! Keeping a lease alive.

use std::time::Duration;

use dashmap::DashMap;
use daytona_api::Daytona;
use sandbox_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::phase::Phase;
use super::{DaytonaProvider, row};
use crate::error::api_error;
use crate::sandbox::DaytonaSandbox;

const OPERATION: &str = "renew a lease";

/// The sandboxes whose server also counts a time to live.
#[derive(Debug, Default)]
pub(super) struct Anchors(DashMap<Box<str>, Anchor>);

#[derive(Debug)]
struct Anchor {
    name: Box<str>,
    since: Instant,
    /// Since it was last set.
    renewals: u32,
}

impl Anchors {
    /// Notes that the server showed when it would destroy the sandbox.
    /// `since`: when its making began, which a wait for its start may lie behind.
    pub(super) fn remember(&self, id: &str, name: &str, since: Instant) {
        let anchor = Anchor {
            name: name.into(),
            since,
            renewals: 0,
        };
        self.0.insert(id.into(), anchor);
    }

    pub(super) fn forget(&self, id: &str) {
        self.0.remove(id);
    }

    /// True if the server was seen to count a time to live for it.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The same by its name.
    pub(super) fn knows_name(&self, name: &str) -> bool {
        self.0.iter().any(|anchor| &*anchor.name == name)
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
        let (api, id) = (sandbox.clients().api(), sandbox.id());
        let Err(error) = self.renew_wire(api, id).await else {
            return Ok(());
        };
        if error.is_not_found() {
            self.confirm_loss(api, id).await?;
            self.anchors.forget(id);
        }
        Err(api_error(OPERATION, error))
    }

    /// Fails unless the sandbox is gone. What is lost is deleted, so one 404 must not decide: Daytona's guard gives it
    /// for any trouble of its own, and a server may lack the route.
    async fn confirm_loss(&self, api: &Daytona, id: &str) -> Result<(), Error> {
        match self.get(api, id).await {
            Ok(found) if row::phase(&found) == Phase::Gone => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Unavailable,
                "the renewal was answered with 404, yet the sandbox is there",
            )
            .with_operation(OPERATION)),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
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
        anchors.remember("a", "of a", Instant::now());
        assert!(anchors.knows_name("of a") && !anchors.knows_name("a"));
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
