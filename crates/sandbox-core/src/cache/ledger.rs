//! Everything that may exist and is not in the table: creations under way, attempts of unknown
//! fate, sandboxes to be removed. `close` is done when nothing of its epochs is left here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::key::StoredKey;
use super::parts::Entry;
use super::unanswered::Unanswered;
use crate::event::Subject;
use crate::{Attempt, ClosedSandbox, Error, ErrorKind, Provider, ResolvedOf, Target};

mod report;

pub(super) struct Ledger<P: Provider> {
    items: Mutex<Items<P>>,
    changed: watch::Sender<()>,
    /// Wakes those who watch attempts of unknown fate.
    pub(super) recheck: Notify,
}

struct Items<P: Provider> {
    next: u64,
    all: BTreeMap<u64, Item<P>>,
    /// Closes that wait, to be told of removals with their epoch.
    closes: Vec<mpsc::UnboundedSender<(u64, ClosedSandbox)>>,
}

struct Item<P: Provider> {
    epoch: u64,
    key: StoredKey<ResolvedOf<P>>,
    target: Target,
    attempt: Attempt,
    subject: Subject,
    begun: Instant,
    fate: Fate,
    /// What else may appear under its name.
    unanswered: Unanswered,
    why: Option<Error>,
    /// The service would not remove it and has stopped it instead.
    stopped: bool,
    /// A task looks after it.
    running: bool,
    /// Waiting longer will not help.
    settled: bool,
    /// A close has asked for it.
    closing: bool,
}

impl<P: Provider> Item<P> {
    fn condemn(&mut self, target: Target, usable: bool) {
        self.subject = self.subject.with_target(&target);
        self.target = target;
        self.fate = Fate::Deleting { usable };
        self.begun = Instant::now();
        self.settled = false;
        self.running = false;
    }
}

enum Fate {
    Creating,
    Unclear {
        until: Instant,
    },
    Deleting {
        /// When last heard of it ran as it should, so that the service's lease on it holds.
        usable: bool,
    },
}

/// An attempt of unknown fate, as its watcher needs it.
pub(super) struct Watched<P: Provider> {
    pub(super) subject: Subject,
    pub(super) attempt: Attempt,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) until: Instant,
}

/// Something to remove, as its remover needs it.
pub(super) struct Doomed<P: Provider> {
    pub(super) target: Target,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) subject: Subject,
    pub(super) begun: Instant,
}

impl<P: Provider> Ledger<P> {
    pub(super) fn new() -> Self {
        Self {
            items: Mutex::new(Items {
                next: 0,
                all: BTreeMap::new(),
                closes: Vec::new(),
            }),
            changed: watch::Sender::new(()),
            recheck: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Items<P>> {
        // No code of others runs under this lock.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        epoch: u64,
        key: StoredKey<ResolvedOf<P>>,
        target: Target,
        subject: Subject,
        (attempt, unanswered): (&Attempt, Unanswered),
        fate: Fate,
    ) -> u64 {
        let mut items = self.lock();
        let id = items.next;
        items.next += 1;
        let running = matches!(fate, Fate::Creating);
        items.all.insert(
            id,
            Item {
                epoch,
                key,
                target,
                attempt: attempt.clone(),
                subject,
                begun: Instant::now(),
                fate,
                unanswered,
                why: None,
                stopped: false,
                running,
                settled: false,
                closing: false,
            },
        );
        id
    }

    /// Notes a creation that begins.
    pub(super) fn creating(
        &self,
        epoch: u64,
        key: StoredKey<ResolvedOf<P>>,
        attempt: &Attempt,
        subject: Subject,
    ) -> u64 {
        let target = Target::new(None, attempt.name());
        let tries = (attempt, Unanswered::default());
        self.add(epoch, key, target, subject, tries, Fate::Creating)
    }

    /// Notes that a sandbox in doubt is being looked at.
    pub(super) fn reviving(&self, entry: &Entry<P>) -> u64 {
        self.of(entry, Fate::Creating)
    }

    /// Notes a sandbox to be removed.
    pub(super) fn doomed(&self, entry: &Entry<P>) -> u64 {
        let liveness = entry.attempt.liveness();
        let usable = !liveness.is_lost() && !liveness.is_doubtful();
        self.of(entry, Fate::Deleting { usable })
    }

    fn of(&self, entry: &Entry<P>, fate: Fate) -> u64 {
        let (key, target) = (entry.key.clone(), entry.target.clone());
        let tries = (&entry.attempt, entry.unanswered());
        self.add(entry.epoch, key, target, entry.subject.clone(), tries, fate)
    }

    /// Takes an attempt of unknown fate up again; `None` if it has been decided meanwhile.
    pub(super) fn take_up(&self, id: u64) -> Option<Unanswered> {
        let mut items = self.lock();
        match items.all.get_mut(&id) {
            Some(item) if matches!(item.fate, Fate::Unclear { .. }) => {
                item.fate = Fate::Creating;
                item.running = true;
                item.settled = false;
                Some(item.unanswered)
            }
            _ => None,
        }
    }

    /// The requests of a creation that were not answered.
    pub(super) fn unanswered(&self, id: u64, unanswered: Unanswered) {
        if let Some(item) = self.lock().all.get_mut(&id) {
            item.unanswered = unanswered;
        }
    }

    /// It is gone, and its name free. If a request that was not answered may bring another of that
    /// name, or may have, the item becomes one to be watched, and why comes back.
    pub(super) fn awaits_late(&self, id: u64) -> Option<Error> {
        let mut items = self.lock();
        let item = items.all.get_mut(&id)?;
        let until = item.unanswered.until()?;
        let why = Error::new(
            ErrorKind::Timeout,
            "it was removed, but an earlier request to create it was never answered; the service \
             may still carry that out, and what appears then is removed",
        );
        item.fate = Fate::Unclear { until };
        item.target = Target::new(None, item.attempt.name());
        item.why = Some(why.clone());
        item.running = false;
        item.settled = false;
        Some(why)
    }

    /// A creation's fate stays unknown for now.
    pub(super) fn unclear(&self, id: u64, until: Instant, why: Error) {
        let mut items = self.lock();
        if let Some(item) = items.all.get_mut(&id) {
            item.fate = Fate::Unclear { until };
            item.why = Some(why);
            item.running = false;
        }
    }

    /// A creation left something to remove.
    pub(super) fn condemn(&self, id: u64, target: Target, usable: bool) {
        let mut items = self.lock();
        if let Some(item) = items.all.get_mut(&id) {
            item.condemn(target, usable);
        }
    }

    /// An attempt of unknown fate left something to remove; false if it was taken up meanwhile.
    pub(super) fn condemn_unclear(&self, id: u64, target: Target) -> bool {
        let mut items = self.lock();
        match items.all.get_mut(&id) {
            Some(item) if matches!(item.fate, Fate::Unclear { .. }) => {
                item.unanswered.found_one();
                item.condemn(target, false);
                true
            }
            _ => false,
        }
    }

    /// Nothing is left of it.
    pub(super) fn done(&self, id: u64) {
        self.lock().all.remove(&id);
        self.changed.send_replace(());
    }

    /// Nothing came of an attempt of unknown fate, and its time is over; false if it was taken up
    /// meanwhile.
    pub(super) fn unclear_done(&self, id: u64) -> bool {
        let mut items = self.lock();
        let is_unclear =
            (items.all.get(&id)).is_some_and(|item| matches!(item.fate, Fate::Unclear { .. }));
        if is_unclear {
            items.all.remove(&id);
        }
        drop(items);
        self.changed.send_replace(());
        is_unclear
    }

    /// Notes why it is still there; `settled` if waiting longer will not help.
    pub(super) fn note(&self, id: u64, why: Option<Error>, settled: bool) {
        let mut items = self.lock();
        if let Some(item) = items.all.get_mut(&id) {
            if why.is_some() {
                item.why = why;
            }
            item.settled = settled;
        }
        drop(items);
        self.changed.send_replace(());
    }

    /// Claims an item to remove it; false if a task has it, or it is not to be removed.
    pub(super) fn start_removal(&self, id: u64) -> bool {
        self.start(id, |fate| matches!(fate, Fate::Deleting { .. }))
    }

    /// Claims an item to watch it; false if a task has it, or its fate is not unknown.
    pub(super) fn start_watch(&self, id: u64) -> bool {
        self.start(id, |fate| matches!(fate, Fate::Unclear { .. }))
    }

    fn start(&self, id: u64, fits: impl FnOnce(&Fate) -> bool) -> bool {
        let mut items = self.lock();
        match items.all.get_mut(&id) {
            Some(item) if !item.running && fits(&item.fate) => {
                item.running = true;
                true
            }
            _ => false,
        }
    }

    /// The task that had it is no more.
    pub(super) fn stopped(&self, id: u64) {
        let mut items = self.lock();
        if let Some(item) = items.all.get_mut(&id) {
            item.running = false;
            item.settled = true;
        }
        drop(items);
        self.changed.send_replace(());
    }

    /// What to remove, if that is what is to be done.
    pub(super) fn deleting(&self, id: u64) -> Option<Doomed<P>> {
        let items = self.lock();
        let item = items.all.get(&id)?;
        matches!(item.fate, Fate::Deleting { .. }).then(|| Doomed {
            target: item.target.clone(),
            key: item.key.clone(),
            subject: item.subject.clone(),
            begun: item.begun,
        })
    }

    /// The service would not remove it and has stopped it instead.
    pub(super) fn stopped_instead(&self, id: u64) {
        if let Some(item) = self.lock().all.get_mut(&id) {
            item.stopped = true;
        }
    }

    /// What to watch, if that is what is to be done.
    pub(super) fn watched(&self, id: u64) -> Option<Watched<P>> {
        let items = self.lock();
        let item = items.all.get(&id)?;
        match item.fate {
            Fate::Unclear { until } => Some(Watched {
                subject: item.subject.clone(),
                attempt: item.attempt.clone(),
                key: item.key.clone(),
                until,
            }),
            Fate::Creating | Fate::Deleting { .. } => None,
        }
    }

    /// True if a close has asked and has not been answered.
    pub(super) fn wants_look(&self, id: u64) -> bool {
        let items = self.lock();
        items
            .all
            .get(&id)
            .is_some_and(|item| item.closing && !item.settled)
    }

    /// True if a close waits for it.
    pub(super) fn is_closing(&self, id: u64) -> bool {
        self.lock().all.get(&id).is_some_and(|item| item.closing)
    }

    /// Marks what a close of these epochs waits for; the items that no task looks after come back,
    /// with whether they are to be removed.
    pub(super) fn close_begins(&self, epoch: u64) -> Vec<(u64, bool)> {
        let mut items = self.lock();
        let mut idle = Vec::new();
        for (id, item) in &mut items.all {
            if item.epoch > epoch {
                continue;
            }
            item.closing = true;
            item.settled = false;
            match item.fate {
                Fate::Creating => {}
                _ if item.running => {}
                Fate::Unclear { .. } => idle.push((*id, false)),
                Fate::Deleting { .. } => idle.push((*id, true)),
            }
        }
        idle
    }

    /// True if nothing of these epochs is worth waiting for.
    pub(super) fn is_settled(&self, epoch: u64) -> bool {
        self.lock()
            .all
            .values()
            .all(|item| item.epoch > epoch || item.settled)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// How many items there are.
    pub(super) fn len(&self) -> usize {
        self.lock().all.len()
    }
}
