//! What the ledger says to the outside.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{Fate, Item, Ledger};
use crate::cache::snapshot::of_subject;
use crate::event::Subject;
use crate::{
    ClosedSandbox, Destroyed, Error, ErrorKind, Leftover, Provider, SandboxSnapshot, SnapshotState,
};

/// When the service removes it, as far as that is known.
fn bound<P: Provider>(item: &Item<P>, provider: &P) -> Option<Duration> {
    let in_its_way = item
        .why
        .as_ref()
        .is_some_and(|why| matches!(why.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput));
    match item.fate {
        // what refuses us as it is refuses the service's own timers too
        _ if in_its_way => None,
        Fate::Deleting { usable: true } => provider.server_bound(),
        _ => provider.server_bound_at_worst(&item.target),
    }
}

impl<P: Provider> Ledger<P> {
    /// What of these epochs is left, or may be.
    pub(in crate::cache) fn leftovers(&self, epoch: u64, provider: &P) -> Vec<Leftover> {
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
                    Fate::Deleting { .. } => {
                        Error::new(ErrorKind::Timeout, "it was still being removed")
                    }
                });
                Leftover::new(item.target.id().map(str::to_owned), item.target.name(), why)
                    .with_generation(item.subject.generation())
                    .with_server_bound(bound(item, provider))
                    .with_stopped(item.stopped)
            })
            .collect()
    }

    /// Tells a close of the removals from now on, with their epochs.
    pub(in crate::cache) fn hear_of_removals(
        &self,
    ) -> mpsc::UnboundedReceiver<(u64, ClosedSandbox)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut items = self.lock();
        items.closes.retain(|close| !close.is_closed());
        items.closes.push(sender);
        receiver
    }

    /// An item's sandbox, or one that stood in its way, has been removed.
    pub(in crate::cache) fn removed(&self, id: u64, subject: &Subject, how: Destroyed) {
        let mut items = self.lock();
        let items = &mut *items;
        let Some(item) = items.all.get(&id).filter(|_| !items.closes.is_empty()) else {
            return;
        };
        let name = subject.name().to_owned();
        let sandbox = ClosedSandbox::new(
            subject.id().map(str::to_owned),
            name,
            subject.generation(),
            how,
        );
        // Those that wait no longer are forgotten.
        (items.closes).retain(|close| close.send((item.epoch, sandbox.clone())).is_ok());
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
                    Fate::Deleting { .. } if item.stopped => SnapshotState::Stopped,
                    Fate::Deleting { .. } => SnapshotState::Deleting,
                };
                SandboxSnapshot {
                    last_error: item.why.clone(),
                    ..of_subject(&item.subject, state, item.begun.elapsed())
                }
            })
            .collect()
    }
}
