//! The time of the runtime.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Clock, Sleep, add, between};

/// The time of the tokio runtime it was made in, from a fixed date on: where that time is paused or simulated, the
/// server's is too.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Instant,
    date: Timestamp,
}

impl TokioClock {
    /// A clock that begins now, at a fixed date.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            date: Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        add(self.date, self.start.elapsed())
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let left = between(self.now(), deadline);

        Box::pin(tokio::time::sleep(left))
    }
}
