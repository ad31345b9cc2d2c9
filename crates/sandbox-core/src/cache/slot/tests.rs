//! The state machine against a small model, and under random orders of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{Condition, Parts, Same};

mod model;
mod threads;
mod walk;

/// Parts without a provider: small values, told apart by their numbers.
struct Toy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flight(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unclear(u64);

/// A sandbox, with the note that its handles share.
#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    generation: u64,
    mark: Arc<AtomicU8>,
}

const SOUND: u8 = 0;
const DOUBTFUL: u8 = 1;
const LOST: u8 = 2;

impl Entry {
    fn new(id: u64, generation: u64) -> Self {
        Self {
            id,
            generation,
            mark: Arc::default(),
        }
    }

    /// The first loss stays.
    fn mark(&self, mark: u8) {
        let _ = self
            .mark
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |was| {
                (was != LOST).then_some(mark)
            });
    }
}

impl Same for Flight {
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Same for Entry {
    fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Condition for Entry {
    fn is_live(&self) -> bool {
        self.mark.load(Ordering::SeqCst) != LOST
    }

    fn is_sound(&self) -> bool {
        self.mark.load(Ordering::SeqCst) == SOUND
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

impl Parts for Toy {
    type Flight = Flight;
    type Entry = Entry;
    type Unclear = Unclear;
}
