//! The table of slots, and every change of a slot.
//!
//! Nothing here is async: a lock of the table never lives across an await, and no code of a
//! provider or spawner runs under one. The ledger's lock is taken inside the table's, never the
//! other way round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use context_vars::KeyView;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry as MapEntry;
use tokio::time::Instant;

use super::Shared;
use super::create::{Outcome, UNCLEAR_WINDOW};
use super::key::{KeyHasher, Lookup, PassThrough, Probe, StoredKey};
use super::slot::{Creation, End, Entry, Slot, State, Unclear, closed};
use crate::{Attempt, Error, ErrorKind, Provider, ResolvedOf, Target};

pub(super) struct Table<P: Provider> {
    slots: DashMap<StoredKey<ResolvedOf<P>>, Slot<P>, PassThrough>,
    pub(super) hasher: KeyHasher,
    epoch: AtomicU64,
    /// How many slots are creating or ready.
    live: AtomicUsize,
    most: usize,
}

/// What an opener gets at once.
pub(super) enum Claim<P: Provider> {
    Hit(Arc<P::Sandbox>),
    Join(Arc<Creation<P>>),
    /// The opener's call has to start this creation's task.
    Begin(Arc<Creation<P>>),
}

/// What has to be done once the table's lock is released.
#[derive(Default)]
pub(super) struct Chores {
    /// Items of the ledger to be removed.
    pub(super) doomed: Vec<u64>,
}

impl<P: Provider> Table<P> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: DashMap::with_hasher(PassThrough::default()),
            hasher: KeyHasher::new(),
            epoch: AtomicU64::new(1),
            live: AtomicUsize::new(0),
            most,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// The fast path: a live sandbox or a creation under way.
    pub(super) fn look_up<V>(&self, hash: u64, view: &V, epoch: u64) -> Option<Claim<P>>
    where
        V: KeyView<Owned = ResolvedOf<P>>,
    {
        let lookup = Lookup { hash, view };
        let probe: &dyn Probe<ResolvedOf<P>> = &lookup;
        let slot = self.slots.get(probe)?;
        if slot.epoch != epoch {
            return None;
        }
        match &slot.state {
            State::Ready(entry) if entry.is_sound() => Some(Claim::Hit(Arc::clone(&entry.sandbox))),
            State::Creating(creation) => Some(Claim::Join(Arc::clone(creation))),
            State::Ready(_) | State::Vacant { .. } => None,
        }
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

    fn release(&self) {
        self.live.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<P: Provider> Shared<P> {
    /// The slow path: a sandbox, a creation to join, or one to begin.
    pub(super) fn claim(
        &self,
        key: &StoredKey<ResolvedOf<P>>,
        name: String,
        epoch: u64,
        chores: &mut Chores,
    ) -> Result<Claim<P>, Error> {
        let table = &self.table;
        let place = table.slots.entry(key.clone());
        // Under the lock: either this sees the close, or the close will see what this puts here.
        if table.epoch() != epoch {
            return Err(closed());
        }
        let mut place = place.or_insert_with(|| Slot::vacant(epoch));
        let slot = place.value_mut();
        if slot.epoch != epoch {
            // The close that ended its epoch is on its way here.
            self.retire(key, slot, chores);
            *slot = Slot::vacant(epoch);
        }
        match &slot.state {
            State::Ready(entry) if entry.is_sound() => {
                return Ok(Claim::Hit(Arc::clone(&entry.sandbox)));
            }
            State::Creating(creation) => {
                return Ok(Claim::Join(Arc::clone(creation)));
            }
            State::Ready(entry) if entry.is_live() => {
                let entry = Arc::clone(entry);
                return Ok(Claim::Begin(self.begin_revival(entry, slot)));
            }
            State::Ready(_) => self.bury(key, slot, chores),
            State::Vacant { .. } => {}
        }
        let begun = self.begin(key, slot, name);
        let forget = begun.is_err() && slot.is_forgettable();
        drop(place);
        if forget {
            self.forget(key);
        }
        Ok(Claim::Begin(begun?))
    }

    /// Puts a creation into a vacant slot.
    fn begin(
        &self,
        key: &StoredKey<ResolvedOf<P>>,
        slot: &mut Slot<P>,
        name: String,
    ) -> Result<Arc<Creation<P>>, Error> {
        self.table.reserve()?;
        let unclear = match &mut slot.state {
            State::Vacant { unclear } => unclear.take(),
            State::Creating(_) | State::Ready(_) => None,
        };
        let (attempt, item, reposts) = match unclear {
            Some(unclear) if self.ledger.take_up(unclear.item) => {
                (unclear.attempt, unclear.item, true)
            }
            _ => {
                let attempt = Attempt::new(name, slot.generation, slot.lost);
                let item = self.ledger.creating(slot.epoch, key.clone(), &attempt);
                (attempt, item, false)
            }
        };
        let creation = Arc::new(Creation::new(
            attempt,
            key.clone(),
            slot.epoch,
            item,
            reposts,
        ));
        slot.state = State::Creating(Arc::clone(&creation));
        Ok(creation)
    }

    /// Has a sandbox in doubt looked at, and its openers wait for that.
    fn begin_revival(&self, entry: Arc<Entry<P>>, slot: &mut Slot<P>) -> Arc<Creation<P>> {
        let item = self
            .ledger
            .reviving(entry.epoch, entry.key.clone(), entry.target.clone());
        let revival = Arc::new(Creation::revival(entry, item));
        slot.state = State::Creating(Arc::clone(&revival));
        revival
    }

    /// Removes a slot in which nothing happened meanwhile.
    fn forget(&self, key: &StoredKey<ResolvedOf<P>>) {
        self.table
            .slots
            .remove_if(key, |_, slot| slot.is_forgettable());
    }

    /// A ready sandbox is lost: what may be left of it is removed, and the next is a generation on.
    fn bury(&self, key: &StoredKey<ResolvedOf<P>>, slot: &mut Slot<P>, chores: &mut Chores) {
        if let State::Ready(entry) = &slot.state {
            let target = entry.target.clone();
            chores
                .doomed
                .push(self.ledger.doomed(slot.epoch, key.clone(), target));
            slot.generation = entry.attempt.generation() + 1;
            slot.lost = true;
            slot.state = State::Vacant { unclear: None };
            self.table.release();
        }
    }

    /// Empties a slot whose epoch is over.
    fn retire(&self, key: &StoredKey<ResolvedOf<P>>, slot: &Slot<P>, chores: &mut Chores) {
        match &slot.state {
            State::Ready(entry) => {
                entry.attempt.liveness().mark_closed();
                let target = entry.target.clone();
                chores
                    .doomed
                    .push(self.ledger.doomed(slot.epoch, key.clone(), target));
                self.table.release();
            }
            State::Creating(creation) => {
                if let Some(entry) = &creation.revives {
                    entry.attempt.liveness().mark_closed();
                }
                creation.cancel();
                self.table.release();
            }
            State::Vacant { .. } => {}
        }
    }

    /// Ends the epoch and empties the table of it; gives the epoch that ended.
    pub(super) fn end_epoch(&self) -> (u64, Chores) {
        let ended = self.table.epoch.fetch_add(1, Ordering::SeqCst);
        let mut chores = Chores::default();
        self.table.slots.retain(|key, slot| {
            let stays = slot.epoch > ended;
            if !stays {
                self.retire(key, slot, &mut chores);
            }
            stays
        });
        (ended, chores)
    }

    /// A renewal found the sandbox gone: vacates its slot, unless another is in it by now.
    pub(super) fn vacate(&self, entry: &Arc<Entry<P>>) -> Chores {
        let mut chores = Chores::default();
        if let Some(mut slot) = self.table.slots.get_mut(&entry.key) {
            let is_there = matches!(&slot.state, State::Ready(there) if Arc::ptr_eq(there, entry));
            if is_there {
                self.bury(&entry.key, slot.value_mut(), &mut chores);
            }
        }
        chores
    }

    /// An attempt of unknown fate is decided: its slot need not remember it.
    pub(super) fn decided(&self, key: &StoredKey<ResolvedOf<P>>, item: u64) {
        if let Some(mut slot) = self.table.slots.get_mut(key)
            && let State::Vacant { unclear } = &mut slot.state
            && unclear.as_ref().is_some_and(|unclear| unclear.item == item)
        {
            *unclear = None;
        }
        self.forget(key);
    }

    /// A creation has ended: fills or vacates its slot if it is still there, and notes what is to
    /// be removed or watched. The result is for the openers; the rest for the caller to start.
    pub(super) fn conclude(
        &self,
        creation: &Arc<Creation<P>>,
        outcome: Outcome<P>,
    ) -> (End<P>, Concluded<P>) {
        let item = creation.item;
        let MapEntry::Occupied(mut place) = self.table.slots.entry(creation.key.clone()) else {
            return self.conclude_late(creation, outcome);
        };
        let slot = place.get_mut();
        let is_there =
            matches!(&slot.state, State::Creating(there) if Arc::ptr_eq(there, creation));
        if !is_there || self.table.epoch() != creation.epoch {
            drop(place);
            return self.conclude_late(creation, outcome);
        }
        let mut unclear = None;
        let (result, then) = match outcome {
            Outcome::Ready(sandbox, target) => {
                let entry = Arc::new(Entry {
                    target,
                    sandbox: Arc::new(sandbox),
                    attempt: creation.attempt.clone(),
                    key: creation.key.clone(),
                    epoch: creation.epoch,
                    heard: AtomicU64::new(self.now()),
                });
                slot.state = State::Ready(Arc::clone(&entry));
                self.ledger.done(item);
                return (
                    End::Ready(Arc::clone(&entry.sandbox)),
                    Concluded::Renew(entry),
                );
            }
            Outcome::Failed(error) => {
                self.ledger.done(item);
                (End::Failed(error), Concluded::Nothing)
            }
            Outcome::Broken { target, reason } => {
                self.ledger.condemn(item, target);
                (End::Failed(reason), Concluded::Remove(item))
            }
            Outcome::Unclear(error) => {
                let until = Instant::now() + UNCLEAR_WINDOW;
                self.ledger
                    .unclear(item, creation.attempt.clone(), until, error.clone());
                unclear = Some(Unclear {
                    item,
                    attempt: creation.attempt.clone(),
                });
                (End::Failed(error), Concluded::Watch(item))
            }
        };
        slot.state = State::Vacant { unclear };
        self.table.release();
        if slot.is_forgettable() {
            place.remove();
        }
        (result, then)
    }

    /// A sandbox in doubt was looked at.
    pub(super) fn conclude_revival(
        &self,
        creation: &Arc<Creation<P>>,
        entry: &Arc<Entry<P>>,
        revival: Revival,
    ) -> (End<P>, Concluded<P>) {
        let item = creation.item;
        if let Some(mut slot) = self.table.slots.get_mut(&creation.key)
            && matches!(&slot.state, State::Creating(there) if Arc::ptr_eq(there, creation))
            && self.table.epoch() == creation.epoch
        {
            if entry.is_live() {
                slot.state = State::Ready(Arc::clone(entry));
                self.ledger.done(item);
                let end = match revival {
                    Revival::Failed(error) => End::Failed(error),
                    Revival::Usable => End::Ready(Arc::clone(&entry.sandbox)),
                };
                return (end, Concluded::Nothing);
            }
            slot.generation = entry.attempt.generation() + 1;
            slot.lost = true;
            slot.state = State::Vacant { unclear: None };
            self.table.release();
            self.ledger.condemn(item, entry.target.clone());
            return (End::Again, Concluded::Remove(item));
        }
        entry.attempt.liveness().mark_closed();
        self.ledger.condemn(item, entry.target.clone());
        (End::Failed(closed()), Concluded::Remove(item))
    }

    /// The sandboxes that are in use.
    pub(super) fn in_use(&self) -> Vec<Target> {
        let slots = self.table.slots.iter();
        slots
            .filter_map(|slot| match &slot.state {
                State::Ready(entry) => Some(entry.target.clone()),
                State::Creating(_) | State::Vacant { .. } => None,
            })
            .collect()
    }

    /// A creation that nobody waits for any more has ended.
    fn conclude_late(
        &self,
        creation: &Arc<Creation<P>>,
        outcome: Outcome<P>,
    ) -> (End<P>, Concluded<P>) {
        let item = creation.item;
        creation.attempt.liveness().mark_closed();
        let then = match outcome {
            Outcome::Ready(_, target) | Outcome::Broken { target, .. } => {
                self.ledger.condemn(item, target);
                Concluded::Remove(item)
            }
            Outcome::Failed(_) => {
                self.ledger.done(item);
                Concluded::Nothing
            }
            Outcome::Unclear(error) => {
                let until = Instant::now() + UNCLEAR_WINDOW;
                self.ledger
                    .unclear(item, creation.attempt.clone(), until, error);
                Concluded::Watch(item)
            }
        };
        (End::Failed(closed()), then)
    }
}

/// What came of a look at a sandbox in doubt. One that is gone is marked so.
pub(super) enum Revival {
    Usable,
    Failed(Error),
}

/// What is to be started after a creation.
pub(super) enum Concluded<P: Provider> {
    Nothing,
    Renew(Arc<Entry<P>>),
    Remove(u64),
    Watch(u64),
}
