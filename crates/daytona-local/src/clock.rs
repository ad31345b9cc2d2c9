//! The server's time: the system's, the system's made faster, or one that a test moves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

mod shifted;
mod tokio_time;

pub(crate) use shifted::ShiftedClock;
pub use tokio_time::TokioClock;

/// What [`Clock::sleep_until`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the server takes its time from. Intervals, time stamps and the delay of a create all follow it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Ends once [`Clock::now`] has reached `deadline`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect on the clock.
    fn sleep_until(&self, deadline: Timestamp) -> Sleep;
}

pub(crate) fn add(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

pub(crate) fn before(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_sub(duration).ok())
        .unwrap_or(Timestamp::MIN)
}

/// From `earlier` to `later`, 0 if they are the other way around.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let left = between(self.now(), deadline);
        Box::pin(tokio::time::sleep(left))
    }
}

/// The system's clock, running `speed` times as fast since it was made: a minute of lease can pass in a second.
#[derive(Clone, Debug)]
pub struct AcceleratedClock {
    start: Timestamp,
    speed: f64,
}

impl AcceleratedClock {
    /// A clock that starts at the present time. A `speed` that is not a positive number counts as 1.
    #[must_use]
    pub fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        Self {
            start: SystemClock.now(),
            speed,
        }
    }
}

impl Clock for AcceleratedClock {
    fn now(&self) -> Timestamp {
        let real = between(self.start, SystemClock.now());
        let fast = Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).unwrap_or(real);
        add(self.start, fast)
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let fast = between(self.now(), deadline);
        let real = Duration::try_from_secs_f64(fast.as_secs_f64() / self.speed).unwrap_or(fast);
        // A hair more, so that rounding never wakes a sleeper before its time.
        Box::pin(tokio::time::sleep(real + Duration::from_micros(50)))
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<watch::Sender<Timestamp>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that stands at a fixed date.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self {
            now: Mutex::new(watch::Sender::new(start)),
        }
    }

    /// Moves the time on and wakes what was waiting for it.
    pub fn advance(&self, by: Duration) {
        let sender = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        sender.send_modify(|now| *now = add(*now, by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self
            .now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let mut changes = self
            .now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .subscribe();
        Box::pin(async move {
            if changes.wait_for(|now| *now >= deadline).await.is_err() {
                // The clock is gone, so its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}
