//! Any sequence of transitions against a model that knows where each thing must be.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::super::{Ended, Enter, Retired, Revived, Slot, State};
use super::{DOUBTFUL, Entry, Flight, LOST, SOUND, Toy, Unclear};

/// One thing that can happen. A number picks among all that was ever made, so that late and
/// foreign ones are tried too.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Enter,
    Finish(usize, End),
    FinishRevival(usize),
    Mark(usize, u8),
    TakeOut(usize),
    Decided(u64),
    NextEpoch,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Ready,
    Nothing,
    Unclear,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        3 => Just(End::Ready),
        1 => Just(End::Nothing),
        1 => Just(End::Unclear)
    ];
    prop_oneof![
        6 => Just(Step::Enter),
        6 => (0..3_usize, end).prop_map(|(which, end)| Step::Finish(which, end)),
        3 => (0..3_usize).prop_map(Step::FinishRevival),
        4 => (0..3_usize, SOUND..=LOST).prop_map(|(which, mark)| Step::Mark(which, mark)),
        2 => (0..3_usize).prop_map(Step::TakeOut),
        1 => (0..8_u64).prop_map(Step::Decided),
        1 => Just(Step::NextEpoch),
    ]
}

/// Where a sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Slot,
    Queue,
}

pub(super) struct Model {
    pub(super) slot: Slot<Toy>,
    epoch: u64,
    next: u64,
    /// Newest first.
    flights: Vec<(Flight, u64)>,
    entries: Vec<Entry>,
    places: BTreeMap<u64, Place>,
    unclear: Option<u64>,
    /// How many sandboxes of this epoch were lost.
    losses: u64,
    /// The task that owns the slot, if one does.
    owner: Option<Flight>,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::vacant(1, 1),
            epoch: 1,
            next: 0,
            flights: Vec::new(),
            entries: Vec::new(),
            places: BTreeMap::new(),
            unclear: None,
            losses: 0,
            owner: None,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn queue(&mut self, entry: &Entry) {
        let was = self.places.insert(entry.id, Place::Queue);
        assert_eq!(was, Some(Place::Slot), "queued once");
    }

    fn fly(&mut self) -> Flight {
        assert_eq!(self.owner, None, "one task at a time");
        let flight = Flight(self.number());
        self.flights.insert(0, (flight, self.epoch));
        self.owner = Some(flight);
        flight
    }

    fn held(&self) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| self.places.get(&entry.id) == Some(&Place::Slot))
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Enter => self.enter(),
            Step::Finish(which, end) => self.finish(which, end),
            Step::FinishRevival(which) => self.finish_revival(which),
            Step::Mark(which, mark) => {
                if let Some(entry) = self.entries.get(which) {
                    entry.mark(mark);
                }
            }
            Step::TakeOut(which) => self.take_out(which),
            Step::Decided(number) => {
                self.slot.decided(|unclear| unclear.0 == number);
                self.unclear = self.unclear.filter(|unclear| *unclear != number);
            }
            Step::NextEpoch => self.next_epoch(),
        }
        self.check();
    }

    fn enter(&mut self) {
        let held = self.held().cloned();
        let owner = self.owner;
        match self.slot.enter() {
            Enter::Hit(entry) => {
                assert_eq!(Some(entry.id), held.map(|held| held.id));
                assert_eq!(entry.mark.load(Ordering::SeqCst), SOUND);
            }
            Enter::Join(flight) => assert_eq!(Some(flight), owner),
            Enter::Revive(entry) => {
                let mark = entry.mark.load(Ordering::SeqCst);
                assert_eq!(mark, DOUBTFUL, "asked about");
                let flight = self.fly();
                self.slot.revive(flight, entry);
            }
            Enter::Begin { retake, buried } => {
                assert_eq!(retake.map(|unclear| unclear.0), self.unclear.take());
                assert_eq!(buried.is_some(), held.is_some());
                if let Some(entry) = buried {
                    self.queue(&entry);
                    self.losses += 1;
                }
                assert_eq!(self.slot.generation(), self.losses + 1);
                assert_eq!(self.slot.has_lost(), self.losses > 0);
                let flight = self.fly();
                self.slot.begin(flight);
            }
        }
    }

    fn finish(&mut self, which: usize, end: End) {
        let Some((flight, epoch)) = self.flights.get(which).copied() else {
            return;
        };
        // A task that looks at a sandbox in doubt does not end like this.
        if matches!(self.slot.state(), State::Reviving(there, _) if *there == flight) {
            return;
        }
        let number = self.number();
        let ended: Ended<Toy> = match end {
            End::Ready => Ended::Ready(Entry::new(number, self.slot.generation())),
            End::Nothing => Ended::Nothing,
            End::Unclear => Ended::Unclear(Unclear(number)),
        };
        let is_own = self.owner == Some(flight) && epoch == self.epoch;
        let made = match &ended {
            Ended::Ready(entry) => Some(entry.clone()),
            Ended::Nothing | Ended::Unclear(_) => None,
        };
        assert_eq!(self.slot.finish(&flight, epoch, ended), is_own);
        if let Some(entry) = made {
            // What comes late is the deletion queue's at once.
            let place = if is_own { Place::Slot } else { Place::Queue };
            self.places.insert(entry.id, place);
            self.entries.insert(0, entry);
        }
        if is_own {
            self.owner = None;
            self.unclear = matches!(end, End::Unclear).then_some(number);
        }
    }

    fn finish_revival(&mut self, which: usize) {
        let Some((flight, epoch)) = self.flights.get(which).copied() else {
            return;
        };
        let looked_at = match self.slot.state() {
            State::Reviving(there, entry) if *there == flight => Some(entry.clone()),
            _ => None,
        };
        let revived = self.slot.finish_revival(&flight, epoch);
        let Some(entry) = looked_at else {
            assert_eq!(revived, Revived::Late);
            return;
        };
        self.owner = None;
        if entry.mark.load(Ordering::SeqCst) == LOST {
            assert_eq!(revived, Revived::Lost);
            self.queue(&entry);
            self.losses += 1;
        } else {
            assert_eq!(revived, Revived::Back);
        }
    }

    fn take_out(&mut self, which: usize) {
        let Some(entry) = self.entries.get(which).cloned() else {
            return;
        };
        let ready = matches!(self.slot.state(), State::Ready(there) if there.id == entry.id);
        assert_eq!(self.slot.take_out(&entry), ready);
        if ready {
            self.queue(&entry);
            self.losses += 1;
        }
    }

    fn next_epoch(&mut self) {
        match self.slot.retire() {
            Retired::Nothing => assert!(self.held().is_none() && self.owner.is_none()),
            Retired::Flight(flight) => assert_eq!(self.owner, Some(flight)),
            Retired::Entry(entry) => self.queue(&entry),
            Retired::Revival(flight, entry) => {
                assert_eq!(self.owner, Some(flight));
                self.queue(&entry);
            }
        }
        self.epoch += 1;
        (self.owner, self.unclear, self.losses) = (None, None, 0);
        self.slot = Slot::vacant(self.epoch, 1);
    }

    /// The slot holds exactly what is nowhere else.
    fn check(&self) {
        let there = match self.slot.state() {
            State::Ready(entry) | State::Reviving(_, entry) => Some(entry.id),
            State::Vacant { .. } | State::Creating(_) => None,
        };
        assert_eq!(there, self.held().map(|entry| entry.id));
        let flying = match self.slot.state() {
            State::Creating(flight) | State::Reviving(flight, _) => Some(*flight),
            State::Vacant { .. } | State::Ready(_) => None,
        };
        assert_eq!(flying, self.owner);
        let remembered = match self.slot.state() {
            State::Vacant { unclear } => unclear.map(|unclear| unclear.0),
            _ => None,
        };
        assert_eq!(remembered, self.unclear);
        let forgettable = there.is_none() && flying.is_none() && remembered.is_none();
        assert_eq!(self.slot.is_forgettable(), forgettable);
        assert_eq!(self.slot.epoch(), self.epoch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_each_sandbox_is_in_the_slot_or_queued_once(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.step(Step::NextEpoch);
        let all = model.places.values().all(|place| *place == Place::Queue);
        prop_assert!(all, "nothing is forgotten at the end");
    }
}
