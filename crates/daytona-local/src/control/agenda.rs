//! What is still to happen to rows of one kind, by the server's clock.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::add;

/// The steps of all rows, the next one first; of one moment those that were planned first.
#[derive(Debug)]
pub(super) struct Agenda<S> {
    steps: BTreeMap<(Timestamp, u64), (String, S)>,
    count: u64,
}

impl<S> Default for Agenda<S> {
    fn default() -> Self {
        Self {
            steps: BTreeMap::new(),
            count: 0,
        }
    }
}

impl<S> Agenda<S> {
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.steps.keys().next().map(|&(at, _)| at)
    }

    /// Takes the next step: when it is due, the id of the row, and what is to happen to it.
    pub(super) fn pop(&mut self) -> Option<(Timestamp, String, S)> {
        let ((at, _), (id, step)) = self.steps.pop_first()?;
        Some((at, id, step))
    }

    pub(super) fn plan(&mut self, id: &str, at: Timestamp, step: S) {
        self.count += 1;
        self.steps.insert((at, self.count), (id.to_owned(), step));
    }

    /// Plans these evenly over the delay, the last at its end, in place of all that was planned for this row.
    pub(super) fn lead(
        &mut self,
        id: &str,
        steps: impl IntoIterator<Item = S, IntoIter: ExactSizeIterator>,
        now: Timestamp,
        delay: Duration,
    ) {
        self.forget(id);
        let steps = steps.into_iter();
        let count = u32::try_from(steps.len()).unwrap_or(1).max(1);
        for (number, step) in (1..).zip(steps) {
            self.plan(id, add(now, delay.saturating_mul(number) / count), step);
        }
    }

    /// Nothing more happens to this row.
    pub(super) fn forget(&mut self, id: &str) {
        self.steps.retain(|_, (of, _)| of != id);
    }
}
