//! Faults of an event socket that is up.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// How one socket tells what happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telling {
    /// It breaks off instead of telling more than this many.
    pub(crate) at_most: Option<u64>,
    /// It tells nothing at all, and sends no pings.
    pub(crate) silent: bool,
    /// It tells everything twice.
    pub(crate) twice: bool,
    /// It tells the second of two before the first.
    pub(crate) swapped: bool,
    pub(crate) late: Duration,
    held: Option<Arc<str>>,
}

impl Telling {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self {
                at_most: Some(_), ..
            } => "dropEventsAfter",
            Self { silent: true, .. } => "silentEvents",
            Self { twice: true, .. } => "duplicateEvents",
            Self { swapped: true, .. } => "reorderEvents",
            _ => "lateEvents",
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether the next one is not told any more; counts it.
    pub(crate) fn is_over(&mut self) -> bool {
        match &mut self.at_most {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    /// What an event becomes.
    pub(crate) fn take(&mut self, event: Arc<str>, due: &mut VecDeque<(Instant, Arc<str>)>) {
        if self.silent {
            return;
        }
        let at = Instant::now() + self.late;
        if self.swapped {
            match take(&mut self.held) {
                None => self.held = Some(event),
                Some(first) => due.extend([(at, event), (at, first)]),
            }
            return;
        }
        if self.twice {
            due.push_back((at, Arc::clone(&event)));
        }
        due.push_back((at, event));
    }

    /// Nothing is held any longer.
    pub(crate) fn flush(&mut self, due: &mut VecDeque<(Instant, Arc<str>)>) {
        due.extend(take(&mut self.held).map(|event| (Instant::now(), event)));
    }
}
