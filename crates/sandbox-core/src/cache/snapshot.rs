//! Taking a snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Shared;
use super::parts::{Entry, Of};
use super::slot::{Slot, State};
use crate::event::Subject;
use crate::{AccountSnapshot, LeaseSnapshot, Provider, SandboxSnapshot, Snapshot, SnapshotState};

impl<P: Provider> Shared<P> {
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut sandboxes: Vec<_> = self
            .table
            .slots
            .iter()
            .filter_map(|slot| self.of_slot(slot.value()))
            .collect();
        sandboxes.extend(self.ledger.snapshot());
        let accounts = self.accounts.busy();
        Snapshot {
            epoch: self.table.epoch(),
            max_sandboxes: self.table.limit(),
            sandboxes,
            accounts: accounts
                .iter()
                .map(|account| AccountSnapshot {
                    account: account.print(),
                    creating: account.creating(),
                    waiting: account.waiting(),
                    paused: account.paused_for(),
                })
                .collect(),
        }
    }

    /// What is being created or woken is in the ledger too, and told from there.
    fn of_slot(&self, slot: &Slot<Of<P>>) -> Option<SandboxSnapshot> {
        match slot.state() {
            State::Ready(entry) => Some(self.of_entry(entry)),
            State::Vacant { .. } | State::Creating(_) | State::Reviving(..) => None,
        }
    }

    fn of_entry(&self, entry: &Arc<Entry<P>>) -> SandboxSnapshot {
        let now = self.now();
        let since = |then: u64| Duration::from_millis(now.saturating_sub(then));
        let liveness = entry.attempt.liveness();
        let state = match (liveness.is_live(), liveness.is_doubtful()) {
            (false, _) => SnapshotState::Lost,
            (true, true) => SnapshotState::Doubtful,
            (true, false) => SnapshotState::Ready,
        };
        SandboxSnapshot {
            in_use: entry.is_held(),
            lease: self.provider.lease().map(|lasts| LeaseSnapshot {
                lasts,
                renewed: since(entry.renewed.load(Relaxed)),
                at_risk: entry.at_risk.load(Relaxed),
            }),
            last_error: entry.trouble.last(),
            ..of_subject(&entry.subject, state, since(entry.born))
        }
    }
}

/// What is known of every sandbox.
pub(super) fn of_subject(
    subject: &Subject,
    state: SnapshotState,
    age: Duration,
) -> SandboxSnapshot {
    SandboxSnapshot {
        name: subject.name().to_owned(),
        id: subject.id().map(str::to_owned),
        state,
        age,
        generation: subject.generation(),
        state_lost: subject.state_lost(),
        key: subject.key(),
        scope: subject.scope(),
        account: subject.account(),
        in_use: false,
        lease: None,
        last_error: None,
    }
}
