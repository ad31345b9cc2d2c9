//! What the ledger says to the outside.

use std::time::Duration;

use super::{Fate, Ledger};
use crate::cache::snapshot::of_subject;
use crate::{Error, ErrorKind, Leftover, Provider, SandboxSnapshot, SnapshotState};

impl<P: Provider> Ledger<P> {
    /// What of these epochs is left, or may be.
    pub(in crate::cache) fn leftovers(&self, epoch: u64, bound: Option<Duration>) -> Vec<Leftover> {
        let items = self.lock();
        items
            .all
            .values()
            .filter(|item| item.epoch <= epoch)
            .map(|item| {
                let why = item.why.clone().unwrap_or_else(|| match item.fate {
                    Fate::Creating if item.target.id().is_some() => {
                        Error::new(ErrorKind::Timeout, "it was still being started")
                    }
                    Fate::Creating => Error::new(ErrorKind::Timeout, "it was still being created"),
                    Fate::Unclear { .. } => {
                        Error::new(ErrorKind::Timeout, "it is not known whether it exists")
                    }
                    Fate::Deleting => Error::new(ErrorKind::Timeout, "it was still being removed"),
                });
                Leftover::new(item.target.id().map(str::to_owned), item.target.name(), why)
                    .with_server_bound(bound)
                    .with_stopped(item.stopped)
            })
            .collect()
    }

    /// Everything here, for a snapshot.
    pub(in crate::cache) fn snapshot(&self) -> Vec<SandboxSnapshot> {
        let items = self.lock();
        items
            .all
            .values()
            .map(|item| {
                let state = match item.fate {
                    Fate::Creating if item.target.id().is_some() => SnapshotState::Waking,
                    Fate::Creating => SnapshotState::Creating,
                    Fate::Unclear { .. } => SnapshotState::Unresolved,
                    Fate::Deleting if item.stopped => SnapshotState::Stopped,
                    Fate::Deleting => SnapshotState::Deleting,
                };
                SandboxSnapshot {
                    last_error: item.why.clone(),
                    ..of_subject(&item.subject, state, item.begun.elapsed())
                }
            })
            .collect()
    }
}
