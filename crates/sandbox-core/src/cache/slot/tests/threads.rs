//! The state machine under random orders of threads, with the locks that the table has: an epoch, a
//! lock of the slot, a lock of the ledger taken inside it. The service is a set of rows.

use std::collections::BTreeMap;

use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread::{self, JoinHandle};

use super::super::{Ended, Enter, Retired, Revived, Slot};
use super::{DOUBTFUL, Entry, Flight, LOST, Toy};

/// How many orders are tried.
const SCHEDULES: usize = 10_000;

struct World {
    slot: Mutex<Slot<Toy>>,
    epoch: AtomicU64,
    next: AtomicU64,
    /// What may exist and is not in the slot: the sandbox, if there is one, and its epoch.
    ledger: Mutex<BTreeMap<u64, (Option<u64>, u64)>>,
    settled: Condvar,
    /// What exists, with its epoch.
    rows: Mutex<BTreeMap<u64, u64>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slot: Mutex::new(Slot::vacant(1, 1)),
            epoch: AtomicU64::new(1),
            next: AtomicU64::new(1),
            ledger: Mutex::default(),
            settled: Condvar::new(),
            rows: Mutex::default(),
            tasks: Mutex::default(),
        })
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, item: u64, sandbox: Option<u64>, epoch: u64) {
        self.ledger.lock().unwrap().insert(item, (sandbox, epoch));
    }

    fn done(&self, item: u64) {
        self.ledger.lock().unwrap().remove(&item);
        self.settled.notify_all();
    }

    fn task(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let world = Arc::clone(self);
        let task = thread::spawn(move || work(&world));
        self.tasks.lock().unwrap().push(task);
    }

    /// Waits for every task.
    fn join(&self) {
        loop {
            let task = self.tasks.lock().unwrap().pop();
            let Some(task) = task else { break };
            task.join().unwrap();
        }
    }

    /// The deletion queue's task.
    fn remove(self: &Arc<Self>, item: u64) {
        self.task(move |world| {
            let found = world.ledger.lock().unwrap().get(&item).copied();
            let Some((Some(id), _)) = found else {
                panic!("nothing to remove");
            };
            let row = world.rows.lock().unwrap().remove(&id);
            assert!(row.is_some(), "removed once");
            world.done(item);
        });
    }

    /// One `open`; gives the sandbox if there is one at once.
    fn open(self: &Arc<Self>) -> Option<Entry> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        let mut slot = self.slot.lock().unwrap();
        if self.epoch.load(Ordering::SeqCst) != epoch {
            return None;
        }
        let mut doomed = None;
        if slot.epoch() != epoch {
            doomed = self.retire(&mut slot);
            *slot = Slot::vacant(epoch, 1);
        }
        let item = self.number();
        let flight = Flight(item);
        let mut found = None;
        match slot.enter() {
            Enter::Hit(entry) => found = Some(entry),
            Enter::Join(_) => {}
            Enter::Revive(entry) => {
                self.note(item, Some(entry.id), epoch);
                slot.revive(flight, entry.clone());
                drop(slot);
                self.task(move |world| world.revived(flight, &entry, epoch));
            }
            Enter::Begin { buried, .. } => {
                let grave = buried.map(|entry| {
                    let item = self.number();
                    self.note(item, Some(entry.id), epoch);
                    item
                });
                self.note(item, None, epoch);
                let generation = slot.generation();
                slot.begin(flight);
                drop(slot);
                if let Some(grave) = grave {
                    self.remove(grave);
                }
                self.task(move |world| world.created(flight, generation, epoch));
            }
        }
        if let Some(doomed) = doomed {
            self.remove(doomed);
        }
        found
    }

    /// The end of a creation.
    fn created(self: &Arc<Self>, flight: Flight, generation: u64, epoch: u64) {
        let entry = Entry::new(self.number(), generation);
        self.rows.lock().unwrap().insert(entry.id, epoch);
        let mut slot = self.slot.lock().unwrap();
        let is_own = self.epoch.load(Ordering::SeqCst) == epoch
            && slot.finish(&flight, epoch, Ended::Ready(entry.clone()));
        if is_own {
            self.done(flight.0);
            return;
        }
        drop(slot);
        self.note(flight.0, Some(entry.id), epoch);
        self.remove(flight.0);
    }

    /// The end of a look at a sandbox in doubt.
    fn revived(self: &Arc<Self>, flight: Flight, entry: &Entry, epoch: u64) {
        if entry.id.is_multiple_of(2) {
            entry.mark(LOST);
        }
        entry.mark(super::SOUND);
        let mut slot = self.slot.lock().unwrap();
        let revived = match self.epoch.load(Ordering::SeqCst) == epoch {
            true => slot.finish_revival(&flight, epoch),
            false => Revived::Late,
        };
        if revived == Revived::Back {
            self.done(flight.0);
            return;
        }
        drop(slot);
        self.remove(flight.0);
    }

    /// Under the slot's lock; gives what to remove.
    fn retire(&self, slot: &mut Slot<Toy>) -> Option<u64> {
        let epoch = slot.epoch();
        match slot.retire() {
            Retired::Entry(entry) => {
                let item = self.number();
                self.note(item, Some(entry.id), epoch);
                Some(item)
            }
            // Their tasks find that they are late.
            Retired::Nothing | Retired::Flight(_) | Retired::Revival(..) => None,
        }
    }

    /// A renewal found the sandbox gone, or the patrol takes it out.
    fn lose(self: &Arc<Self>, entry: &Entry) {
        entry.mark(LOST);
        let mut slot = self.slot.lock().unwrap();
        if !slot.take_out(entry) {
            return;
        }
        let item = self.number();
        self.note(item, Some(entry.id), slot.epoch());
        drop(slot);
        self.remove(item);
    }

    /// One `close`: returns when nothing of its epochs is left.
    fn close(self: &Arc<Self>) {
        let ended = self.epoch.fetch_add(1, Ordering::SeqCst);
        let mut slot = self.slot.lock().unwrap();
        let mut doomed = None;
        if slot.epoch() <= ended {
            doomed = self.retire(&mut slot);
            *slot = Slot::vacant(ended + 1, 1);
        }
        drop(slot);
        if let Some(doomed) = doomed {
            self.remove(doomed);
        }
        let mut ledger = self.ledger.lock().unwrap();
        while ledger.values().any(|(_, epoch)| *epoch <= ended) {
            ledger = self.settled.wait(ledger).unwrap();
        }
        drop(ledger);
        let rows = self.rows.lock().unwrap();
        assert!(
            rows.values().all(|epoch| *epoch > ended),
            "a close that returns leaves nothing"
        );
    }
}

fn story() {
    let world = World::new();
    // A sandbox to begin with, so that there is something to lose, doubt and close at once.
    world.open();
    world.join();
    let openers: Vec<_> = (0..2)
        .map(|n| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                for round in 0..2 {
                    if let Some(entry) = world.open() {
                        match (n + round) % 2 {
                            0 => world.lose(&entry),
                            _ => entry.mark(DOUBTFUL),
                        }
                    }
                }
            })
        })
        .collect();
    let closer = {
        let world = Arc::clone(&world);
        thread::spawn(move || world.close())
    };
    for opener in openers {
        opener.join().unwrap();
    }
    closer.join().unwrap();
    world.close();
    assert!(
        world.rows.lock().unwrap().is_empty(),
        "a close leaves nothing"
    );
    assert!(world.ledger.lock().unwrap().is_empty());
    world.join();
    assert!(
        world.rows.lock().unwrap().is_empty(),
        "nor does what comes after it"
    );
}

#[test]
fn opens_losses_doubts_and_closes_in_any_order_leave_nothing() {
    shuttle::check_random(story, SCHEDULES);
}

#[test]
fn rare_orders_leave_nothing_either() {
    shuttle::check_pct(story, SCHEDULES / 5, 3);
}
