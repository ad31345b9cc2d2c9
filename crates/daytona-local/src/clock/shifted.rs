//! A clock that can jump, as those of real machines do.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{Clock, Sleep};

/// The clock of a server, and how far it has jumped.
#[derive(Debug)]
pub(crate) struct ShiftedClock {
    inner: Arc<dyn Clock>,
    shift: watch::Sender<SignedDuration>,
}

impl ShiftedClock {
    pub(crate) fn new(inner: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            shift: watch::Sender::new(SignedDuration::ZERO),
        }
    }

    /// Jumps ahead, or back, and wakes what is due by then.
    pub(crate) fn jump(&self, by: SignedDuration) {
        self.shift
            .send_modify(|shift| *shift = shift.saturating_add(by));
    }
}

fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        shifted(self.inner.now(), *self.shift.borrow())
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let mut shifts = self.shift.subscribe();
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            loop {
                let by = *shifts.borrow_and_update();
                let sleep = inner.sleep_until(shifted(deadline, -by));
                tokio::select! {
                    biased;
                    () = sleep => return,
                    changed = shifts.changed() => if changed.is_err() {
                        // The server is gone, and with it whoever could jump.
                        return inner.sleep_until(shifted(deadline, -by)).await;
                    }
                }
            }
        })
    }
}
