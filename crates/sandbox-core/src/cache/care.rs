//! Who looks after an item of the ledger, and what becomes of it when a runtime ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use crate::{Background, BoxFuture, Provider, Spawner};

/// Held by the task that looks after an item. If the task is dropped before its work is done, as by
/// the end of its runtime, the item is handed over to a task of the [`Background`].
pub(super) struct Care<P: Provider> {
    shared: Arc<Shared<P>>,
    item: u64,
    armed: bool,
    /// It was handed over already; there is nobody else to hand it to.
    handed_over: bool,
}

impl<P: Provider> Care<P> {
    pub(super) fn new(shared: Arc<Shared<P>>, item: u64) -> Self {
        Self {
            handed_over: shared.is_orphaned(),
            shared,
            item,
            armed: true,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    pub(super) fn item(&self) -> u64 {
        self.item
    }

    /// The item is done or somebody else's from here on.
    pub(super) fn release(mut self) {
        self.armed = false;
    }

    /// The item stays as it is until another close takes it up.
    pub(super) fn give_up(mut self) {
        self.armed = false;
        self.shared.ledger.stopped(self.item);
    }
}

impl<P: Provider> Drop for Care<P> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        self.shared.ledger.stopped(self.item);
        self.shared.orphan();
        if !self.handed_over {
            self.shared.remove(self.item);
            self.shared.watch(self.item);
        }
    }
}

impl<P: Provider> Shared<P> {
    /// Starts a task of the factory.
    pub(super) fn spawn(&self, task: BoxFuture<'static, ()>) {
        if self.is_orphaned() {
            Background.spawn(task);
        } else {
            self.spawner.spawn(task);
        }
    }

    /// True once the background has taken over.
    pub(super) fn is_orphaned(&self) -> bool {
        self.orphaned.load(Ordering::Acquire)
    }

    /// The spawner has dropped a task: its runtime has ended, and the background takes over.
    pub(super) fn orphan(&self) {
        if !self.orphaned.swap(true, Ordering::AcqRel) {
            tracing::warn!("the runtime of a factory's tasks ended; they go on in the background");
        }
    }
}
