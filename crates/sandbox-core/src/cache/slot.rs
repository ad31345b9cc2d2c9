//! The state of one key, as a pure state machine: it locks, waits, counts and asks nobody.
//!
//! [`table`](super::table) keeps one per key and calls it under its lock; the tests drive it under
//! every order of threads and against a model.

#[cfg(test)]
mod tests;

/// What a slot can hold: a task under way, a sandbox, an attempt of unknown fate.
pub(super) trait Parts {
    /// A creation under way, or a look at a sandbox in doubt.
    type Flight: Clone + Same;
    /// A sandbox.
    type Entry: Clone + Same + Condition;
    /// An attempt whose fate is unknown.
    type Unclear;
}

/// Identity, so that what comes late changes nothing that is not its own.
pub(super) trait Same {
    fn is_same(&self, other: &Self) -> bool;
}

/// What is known of a sandbox without asking.
pub(super) trait Condition {
    /// Not lost and not closed.
    fn is_live(&self) -> bool;
    /// Live, and not in doubt.
    fn is_sound(&self) -> bool;
    fn generation(&self) -> u64;
}

/// The state of one key.
pub(super) struct Slot<T: Parts> {
    epoch: u64,
    generation: u64,
    lost: bool,
    state: State<T>,
}

pub(super) enum State<T: Parts> {
    /// Nothing is here. An attempt whose fate is unknown is remembered, so that the next one uses
    /// its name.
    Vacant { unclear: Option<T::Unclear> },
    /// A task is making a sandbox.
    Creating(T::Flight),
    /// A task is looking at a sandbox in doubt.
    Reviving(T::Flight, T::Entry),
    /// A sandbox, unless its condition says else.
    Ready(T::Entry),
}

/// What the slow path finds.
pub(super) enum Enter<T: Parts> {
    Hit(T::Entry),
    Join(T::Flight),
    /// The sandbox is in doubt: put a look at it here with [`Slot::revive`].
    Revive(T::Entry),
    /// Nothing is here: put a creation here with [`Slot::begin`].
    Begin {
        /// The attempt to take up again.
        retake: Option<T::Unclear>,
        /// A lost sandbox that was here, for the deletion queue.
        buried: Option<T::Entry>,
    },
}

/// How a creation ended, as far as the slot cares.
pub(super) enum Ended<T: Parts> {
    Ready(T::Entry),
    Nothing,
    Unclear(T::Unclear),
}

/// What a look at a sandbox in doubt means for the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revived {
    /// The sandbox is back in its place.
    Back,
    /// It is lost: the slot is vacant, the sandbox for the deletion queue.
    Lost,
    /// The slot is not the look's any more: the sandbox is for the deletion queue.
    Late,
}

/// What was in a slot whose epoch is over.
pub(super) enum Retired<T: Parts> {
    Nothing,
    Entry(T::Entry),
    Flight(T::Flight),
    Revival(T::Flight, T::Entry),
}

impl<T: Parts> Slot<T> {
    /// An empty slot; `next` is the generation of its first sandbox, above 1 if one was lost before.
    pub(super) fn vacant(epoch: u64, next: u64) -> Self {
        Self {
            epoch,
            generation: next,
            lost: next > 1,
            state: State::Vacant { unclear: None },
        }
    }

    /// Which epoch it belongs to; a close ends the epochs up to its own.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The generation of the next sandbox.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// True if a sandbox of this key was lost with its state.
    pub(super) fn has_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn state(&self) -> &State<T> {
        &self.state
    }

    /// True if all that is worth keeping of it is the generation.
    pub(super) fn is_forgettable(&self) -> bool {
        matches!(self.state, State::Vacant { unclear: None })
    }

    /// Enters it in its own epoch. Changes it only if a lost sandbox or an attempt of unknown fate
    /// is taken out.
    pub(super) fn enter(&mut self) -> Enter<T> {
        match &mut self.state {
            State::Creating(flight) | State::Reviving(flight, _) => Enter::Join(flight.clone()),
            State::Ready(entry) if entry.is_sound() => Enter::Hit(entry.clone()),
            State::Ready(entry) if entry.is_live() => Enter::Revive(entry.clone()),
            State::Ready(entry) => {
                let entry = entry.clone();
                self.empty(entry.generation());
                Enter::Begin {
                    retake: None,
                    buried: Some(entry),
                }
            }
            State::Vacant { unclear } => Enter::Begin {
                retake: unclear.take(),
                buried: None,
            },
        }
    }

    /// Puts an attempt of unknown fate back that was not taken up.
    pub(super) fn put_back(&mut self, unclear: Option<T::Unclear>) {
        if let State::Vacant { unclear: place } = &mut self.state {
            *place = unclear;
        }
    }

    /// Puts a creation into the vacant slot.
    pub(super) fn begin(&mut self, flight: T::Flight) {
        self.state = State::Creating(flight);
    }

    /// Puts a look at the sandbox in doubt in its place.
    pub(super) fn revive(&mut self, flight: T::Flight, entry: T::Entry) {
        self.state = State::Reviving(flight, entry);
    }

    /// A creation has ended. False if the slot is not its own any more: what it made is for the
    /// deletion queue.
    pub(super) fn finish(&mut self, flight: &T::Flight, epoch: u64, ended: Ended<T>) -> bool {
        let is_own = matches!(&self.state, State::Creating(there) if there.is_same(flight));
        if !is_own || self.epoch != epoch {
            return false;
        }
        self.state = match ended {
            Ended::Ready(entry) => State::Ready(entry),
            Ended::Nothing => State::Vacant { unclear: None },
            Ended::Unclear(unclear) => State::Vacant {
                unclear: Some(unclear),
            },
        };
        true
    }

    /// A look at a sandbox in doubt has ended; the sandbox's condition says how.
    pub(super) fn finish_revival(&mut self, flight: &T::Flight, epoch: u64) -> Revived {
        let State::Reviving(there, entry) = &self.state else {
            return Revived::Late;
        };
        if !there.is_same(flight) || self.epoch != epoch {
            return Revived::Late;
        }
        let entry = entry.clone();
        if entry.is_live() {
            self.state = State::Ready(entry);
            return Revived::Back;
        }
        self.empty(entry.generation());
        Revived::Lost
    }

    /// Takes this sandbox out, with its state; false if another is here by now.
    pub(super) fn take_out(&mut self, entry: &T::Entry) -> bool {
        let is_there = matches!(&self.state, State::Ready(there) if there.is_same(entry));
        if is_there {
            self.empty(entry.generation());
        }
        is_there
    }

    fn empty(&mut self, generation: u64) {
        self.generation = generation + 1;
        self.lost = true;
        self.state = State::Vacant { unclear: None };
    }

    /// Empties it, since its epoch is over.
    pub(super) fn retire(&mut self) -> Retired<T> {
        match std::mem::replace(&mut self.state, State::Vacant { unclear: None }) {
            State::Vacant { .. } => Retired::Nothing,
            State::Creating(flight) => Retired::Flight(flight),
            State::Reviving(flight, entry) => Retired::Revival(flight, entry),
            State::Ready(entry) => Retired::Entry(entry),
        }
    }

    /// An attempt of unknown fate is decided and need not be remembered, if it still is.
    pub(super) fn decided(&mut self, is_it: impl FnOnce(&T::Unclear) -> bool) {
        if let State::Vacant { unclear } = &mut self.state
            && unclear.as_ref().is_some_and(is_it)
        {
            *unclear = None;
        }
    }
}
