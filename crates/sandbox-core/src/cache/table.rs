//! The table of slots: entering it, and what takes sandboxes out of it.
//!
//! Nothing here is async: a lock of the table never lives across an await, and no code of a
//! provider, spawner or listener runs under one. The locks of the ledger and of the graves are taken
//! inside the table's, never the other way round.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use context_vars::KeyView;
use dashmap::DashMap;

use super::Shared;
use super::accounts::Account;
use super::key::{KeyHasher, Lookup, PassThrough, Probe, StoredKey};
use super::parts::{Creation, Entry, Of, Plan, Unclear, closed};
use super::slot::{Condition, Enter, Retired, Slot, State};
use crate::event::{EventKind, ScopePrint, Subject};
use crate::{Attempt, Error, ErrorKind, Fingerprint, Provider, ResolvedOf};

pub(super) struct Table<P: Provider> {
    pub(super) slots: DashMap<StoredKey<ResolvedOf<P>>, Slot<Of<P>>, PassThrough>,
    pub(super) hasher: KeyHasher,
    epoch: AtomicU64,
    /// How many slots are creating or ready.
    live: AtomicUsize,
    most: usize,
    /// Counts misses and rounds of the patrol: hits carry it, and so tell which sandbox was used
    /// last.
    turns: AtomicU64,
    graves: Mutex<Graves>,
}

/// The next generations of keys that have lost a sandbox and have no slot, by hash.
struct Graves {
    epoch: u64,
    next: HashMap<u64, u64>,
}

/// What an opener gets at once.
pub(super) enum Claim<P: Provider> {
    Hit(Arc<P::Sandbox>),
    Join(Arc<Creation<P>>),
    /// The opener's call has to start this creation's task.
    Begin(Arc<Creation<P>>),
}

/// A miss, with everything that may run code of others done.
pub(super) struct Miss<P: Provider> {
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) name: String,
    pub(super) epoch: u64,
    pub(super) print: Fingerprint,
    pub(super) scope: ScopePrint,
    pub(super) account: Arc<Account>,
}

/// What has to be done once the table's lock is released.
#[derive(Default)]
pub(super) struct Chores {
    /// Items of the ledger to be removed.
    pub(super) doomed: Vec<u64>,
    /// Events to be told.
    pub(super) notes: Vec<(Subject, EventKind)>,
}

impl<P: Provider> Table<P> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: DashMap::with_hasher(PassThrough::default()),
            hasher: KeyHasher::new(),
            epoch: AtomicU64::new(1),
            live: AtomicUsize::new(0),
            most,
            turns: AtomicU64::new(1),
            graves: Mutex::new(Graves {
                epoch: 1,
                next: HashMap::new(),
            }),
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    pub(super) fn limit(&self) -> Option<usize> {
        (self.most != usize::MAX).then_some(self.most)
    }

    /// The fast path: a live sandbox or a creation under way.
    pub(super) fn look_up<V>(&self, hash: u64, view: &V, epoch: u64) -> Option<Claim<P>>
    where
        V: KeyView<Owned = ResolvedOf<P>>,
    {
        let lookup = Lookup { hash, view };
        let probe: &dyn Probe<ResolvedOf<P>> = &lookup;
        let slot = self.slots.get(probe)?;
        if slot.epoch() != epoch {
            return None;
        }
        match slot.state() {
            State::Ready(entry) if entry.is_sound() => {
                self.mark_used(entry);
                Some(Claim::Hit(Arc::clone(&entry.sandbox)))
            }
            State::Reviving(creation, entry) => {
                self.mark_used(entry);
                Some(Claim::Join(Arc::clone(creation)))
            }
            State::Creating(creation) => Some(Claim::Join(Arc::clone(creation))),
            State::Ready(_) | State::Vacant { .. } => None,
        }
    }

    /// The fingerprint of the key of a sandbox that is ready.
    pub(super) fn print_of<V>(&self, hash: u64, view: &V) -> Option<Fingerprint>
    where
        V: KeyView<Owned = ResolvedOf<P>>,
    {
        let lookup = Lookup { hash, view };
        let probe: &dyn Probe<ResolvedOf<P>> = &lookup;
        let slot = self.slots.get(probe)?;
        match slot.state() {
            State::Ready(entry) => Some(entry.subject.key()),
            _ => None,
        }
    }

    /// Notes that a sandbox is used now. All that a hit costs on top of the look-up.
    fn mark_used(&self, entry: &Entry<P>) {
        let turn = self.turns.load(Ordering::Relaxed);
        entry.used.store(turn, Ordering::Relaxed);
    }

    /// The mark of a new sandbox: later than all before, earlier than any hit from here on.
    pub(super) fn stamp(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    fn reserve(&self) -> Result<(), Error> {
        let reserved = self
            .live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| {
                (live < self.most).then_some(live + 1)
            });
        match reserved {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(
                ErrorKind::Capacity,
                format!("the factory holds {} sandboxes, its limit", self.most),
            )),
        }
    }

    pub(super) fn release(&self) {
        self.live.fetch_sub(1, Ordering::AcqRel);
    }

    fn graves(&self) -> MutexGuard<'_, Graves> {
        // No code of others runs under this lock.
        self.graves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty slot, which knows if its key has lost a sandbox in this epoch.
    fn dig(&self, key: &StoredKey<ResolvedOf<P>>, epoch: u64) -> Slot<Of<P>> {
        let mut graves = self.graves();
        let next = match graves.epoch == epoch {
            true => graves.next.remove(&Probe::hash(key)).unwrap_or(1),
            false => 1,
        };
        Slot::vacant(epoch, next)
    }

    /// Removes a slot in which nothing is; of a key that has lost a sandbox, the generation stays.
    pub(super) fn forget(&self, key: &StoredKey<ResolvedOf<P>>) {
        self.slots
            .remove_if(key, |_, slot| self.may_forget(slot, key));
    }

    /// True if the slot can go; the grave is made then.
    pub(super) fn may_forget(&self, slot: &Slot<Of<P>>, key: &StoredKey<ResolvedOf<P>>) -> bool {
        let may = slot.is_forgettable();
        if may && slot.has_lost() {
            let mut graves = self.graves();
            if graves.epoch == slot.epoch() {
                graves.next.insert(Probe::hash(key), slot.generation());
            }
        }
        may
    }
}

impl<P: Provider> Shared<P> {
    /// The slow path: a sandbox, a creation to join, or one to begin.
    pub(super) fn claim(&self, miss: &Miss<P>, chores: &mut Chores) -> Result<Claim<P>, Error> {
        let table = &self.table;
        let place = table.slots.entry(miss.key.clone());
        // Under the lock: either this sees the close, or the close will see what this puts here.
        if table.epoch() != miss.epoch {
            return Err(closed());
        }
        let mut place = place.or_insert_with(|| table.dig(&miss.key, miss.epoch));
        let slot = place.value_mut();
        if slot.epoch() != miss.epoch {
            // The close that ended its epoch is on its way here.
            self.retire(slot, chores);
            *slot = table.dig(&miss.key, miss.epoch);
        }
        let (retake, buried) = match slot.enter() {
            Enter::Hit(entry) => {
                table.mark_used(&entry);
                return Ok(Claim::Hit(Arc::clone(&entry.sandbox)));
            }
            Enter::Join(creation) => return Ok(Claim::Join(creation)),
            Enter::Revive(entry) => {
                return Ok(Claim::Begin(self.begin_revival(miss, entry, slot)));
            }
            Enter::Begin { retake, buried } => (retake, buried),
        };
        if let Some(entry) = buried {
            self.bury(&entry, chores);
        }
        if let Err(error) = table.reserve() {
            slot.put_back(retake);
            drop(place);
            table.forget(&miss.key);
            return Err(error);
        }
        let creation = self.begin(miss, slot, retake);
        Ok(Claim::Begin(creation))
    }

    /// Puts a creation into a vacant slot.
    fn begin(
        &self,
        miss: &Miss<P>,
        slot: &mut Slot<Of<P>>,
        retake: Option<Unclear>,
    ) -> Arc<Creation<P>> {
        let subject =
            |attempt: &Attempt| Subject::new(attempt, miss.print, miss.scope, miss.account.print());
        let retake = retake.and_then(|unclear| {
            let unanswered = self.ledger.take_up(unclear.item)?;
            Some((unclear, unanswered))
        });
        let (attempt, subject, item, reposts) = match retake {
            Some((unclear, unanswered)) => {
                let subject = subject(&unclear.attempt);
                (unclear.attempt, subject, unclear.item, Some(unanswered))
            }
            None => {
                let attempt = Attempt::new(miss.name.clone(), slot.generation(), slot.has_lost());
                let subject = subject(&attempt);
                let item =
                    self.ledger
                        .creating(slot.epoch(), miss.key.clone(), &attempt, subject.clone());
                (attempt, subject, item, None)
            }
        };
        let creation = Arc::new(Creation::new(Plan {
            attempt,
            key: miss.key.clone(),
            epoch: slot.epoch(),
            subject,
            account: Arc::clone(&miss.account),
            item,
            reposts,
        }));
        slot.begin(Arc::clone(&creation));
        creation
    }

    /// Has a sandbox in doubt looked at, and its openers wait for that.
    fn begin_revival(
        &self,
        miss: &Miss<P>,
        entry: Arc<Entry<P>>,
        slot: &mut Slot<Of<P>>,
    ) -> Arc<Creation<P>> {
        self.table.mark_used(&entry);
        let item = self.ledger.reviving(&entry);
        let account = Arc::clone(&miss.account);
        let revival = Arc::new(Creation::revival(Arc::clone(&entry), account, item));
        slot.revive(Arc::clone(&revival), entry);
        revival
    }

    /// A sandbox was taken out of its slot, whose lock is still held: it is the ledger's from here
    /// on, so that no close can miss it in between.
    pub(super) fn doom(&self, entry: &Arc<Entry<P>>, chores: &mut Chores) {
        self.table.release();
        chores.doomed.push(self.ledger.doomed(entry));
    }

    /// A lost sandbox was taken out of its slot, whose lock is still held.
    pub(super) fn bury(&self, entry: &Arc<Entry<P>>, chores: &mut Chores) {
        self.doom(entry, chores);
        chores.notes.push(lost(entry));
    }

    /// Empties a slot whose epoch is over.
    fn retire(&self, slot: &mut Slot<Of<P>>, chores: &mut Chores) {
        match slot.retire() {
            Retired::Nothing => {}
            Retired::Entry(entry) => {
                entry.attempt.liveness().mark_closed();
                self.doom(&entry, chores);
            }
            Retired::Flight(creation) => {
                creation.cancel();
                self.table.release();
            }
            Retired::Revival(creation, entry) => {
                entry.attempt.liveness().mark_closed();
                creation.cancel();
                self.table.release();
            }
        }
    }

    /// Ends the epoch and empties the table of it, in the order in which things were begun; gives
    /// the epoch that ended.
    pub(super) fn end_epoch(&self) -> (u64, Chores) {
        let ended = self.table.epoch.fetch_add(1, Ordering::SeqCst);
        let mut chores = Chores::default();
        let slots = self
            .table
            .slots
            .iter()
            .filter_map(|slot| match slot.state() {
                State::Ready(entry) => Some((entry.number, slot.key().clone())),
                State::Creating(work) | State::Reviving(work, _) => {
                    Some((work.item, slot.key().clone()))
                }
                State::Vacant { .. } => None,
            });
        let mut begun: Vec<_> = slots.collect();
        begun.sort_unstable_by_key(|(number, _)| *number);
        let mut empty = |slot: &mut Slot<Of<P>>| {
            let over = slot.epoch() <= ended;
            if over {
                self.retire(slot, &mut chores);
            }
            over
        };
        for (_, key) in begun {
            self.table.slots.remove_if_mut(&key, |_, slot| empty(slot));
        }
        // whatever was vacant, or came between
        self.table.slots.retain(|_, slot| !empty(slot));
        let mut graves = self.table.graves();
        if graves.epoch <= ended {
            graves.epoch = ended + 1;
            graves.next.clear();
        }
        drop(graves);
        (ended, chores)
    }

    /// Takes a sandbox out of its slot, to be removed, unless another is in it by now. `still` is
    /// asked under the lock, where nobody can get a new handle.
    pub(super) fn take_out(
        &self,
        entry: &Arc<Entry<P>>,
        chores: &mut Chores,
        still: impl FnOnce(&Entry<P>) -> bool,
    ) -> bool {
        let Some(mut slot) = self.table.slots.get_mut(&entry.key) else {
            return false;
        };
        if !still(entry) || !slot.take_out(entry) {
            return false;
        }
        self.doom(entry, chores);
        drop(slot);
        self.table.forget(&entry.key);
        true
    }

    /// A sandbox is known to be gone: vacates its slot.
    pub(super) fn vacate(&self, entry: &Arc<Entry<P>>) -> Chores {
        let mut chores = Chores::default();
        if self.take_out(entry, &mut chores, |_| true) {
            chores.notes.push(lost(entry));
        }
        chores
    }

    /// An attempt of unknown fate is decided: its slot need not remember it.
    pub(super) fn decided(&self, key: &StoredKey<ResolvedOf<P>>, item: u64) {
        if let Some(mut slot) = self.table.slots.get_mut(key) {
            slot.decided(|unclear| unclear.item == item);
        }
        self.table.forget(key);
    }

    /// The sandboxes that are ready, in the order in which they were begun.
    pub(super) fn ready(&self) -> Vec<Arc<Entry<P>>> {
        let slots = self.table.slots.iter();
        let ready = slots.filter_map(|slot| match slot.state() {
            State::Ready(entry) => Some(Arc::clone(entry)),
            State::Creating(_) | State::Reviving(..) | State::Vacant { .. } => None,
        });
        let mut ready: Vec<_> = ready.collect();
        ready.sort_unstable_by_key(|entry| entry.number);
        ready
    }
}

/// The event that a sandbox is gone.
pub(super) fn lost<P: Provider>(entry: &Entry<P>) -> (Subject, EventKind) {
    let reason = entry.attempt.liveness().why_lost().unwrap_or_default();
    (entry.subject.clone(), EventKind::StateLost { reason })
}
