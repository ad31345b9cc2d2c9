//! A clock that only moves when it is told to.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::watch;

use super::Clock;

/// A clock that stands still until [`ManualClock::advance`]. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<SystemTime>>,
}

impl ManualClock {
    /// A clock that stands at the start of 2026.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }

    /// A clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: SystemTime) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(start)),
        }
    }

    /// Moves the clock forward and wakes whatever was waiting for that time.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| {
            if let Some(later) = now.checked_add(by) {
                *now = later;
            }
        });
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: SystemTime) {
        let mut now = self.now.subscribe();
        // fails only once the sender is gone, and this clock holds it
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_passes_its_deadline() {
        let clock = ManualClock::new();
        let deadline = clock.now() + Duration::from_secs(60);
        let mut sleeper = clock.sleep_until(deadline);
        clock.advance(Duration::from_secs(59));
        assert!(futures_util::poll!(&mut sleeper).is_pending());
        clock.advance(Duration::from_secs(1));
        sleeper.await;
        assert_eq!(clock.now(), deadline);
    }
}
