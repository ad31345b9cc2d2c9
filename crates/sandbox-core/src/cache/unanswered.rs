//! Requests for one sandbox that were not answered: each may still be carried out for a while.

use std::time::Duration;

use tokio::time::Instant;

/// How long a request that was under way when its connection died may still be carried out.
pub(super) const UNCLEAR_WINDOW: Duration = Duration::from_secs(120);

/// How many requests of an attempt are still open, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unanswered {
    count: u32,
    until: Option<Instant>,
    /// Requests that were answered and may have made something all the same.
    answered: u32,
}

impl Unanswered {
    /// One more went unanswered just now.
    pub(super) fn add(&mut self, now: Instant) {
        self.count = self.count.saturating_add(1);
        self.until = Some(now + UNCLEAR_WINDOW);
    }

    /// One was answered with a failure that is no proof that nothing was made.
    pub(super) fn failed(&mut self) {
        self.answered = self.answered.saturating_add(1);
    }

    /// A sandbox was found that no answer had told of: one of them was carried out. Where it may
    /// have been one that was answered, those that were not stay open.
    pub(super) fn found_one(&mut self) {
        let made_by = match self.answered {
            0 => &mut self.count,
            _ => &mut self.answered,
        };
        *made_by = made_by.saturating_sub(1);
    }

    /// Until when one more sandbox of this name may be made; `None` if none is. That this time has passed does not
    /// show that none was: only a look after it does.
    pub(super) fn until(self) -> Option<Instant> {
        self.until.filter(|_| self.count > 0)
    }
}
