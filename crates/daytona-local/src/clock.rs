//! The clock of the server: timers, timestamps and delays all follow it.

mod manual;
mod system;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

pub use self::manual::ManualClock;
pub use self::system::SystemClock;

/// The time of a server. Whatever a sandbox's intervals, delays and timestamps say is said in this time.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now. Never goes back.
    fn now(&self) -> SystemTime;

    /// Returns once [`Clock::now`] is `deadline` or later. Called on the server's own runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    async fn sleep_until(&self, deadline: SystemTime);
}

/// A time of the server in milliseconds since the Unix epoch: what rows keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn millis(self) -> u64 {
        self.0
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    pub(crate) fn plus_minutes(self, minutes: u64) -> Self {
        Self(self.0.saturating_add(minutes.saturating_mul(60_000)))
    }

    pub(crate) fn system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.min(MAX_MILLIS))
    }
}

/// The end of the year 9999, the last one RFC 3339 can write.
const MAX_MILLIS: u64 = 253_402_300_799_999;

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        Self::default().plus(since.unwrap_or_default())
    }
}

/// ISO 8601 in UTC with milliseconds, as the API writes its times.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0.min(MAX_MILLIS)).unwrap_or(0);
        match jiff::Timestamp::from_millisecond(millis) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_api_writes_them() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Moment(1_700_000_000_120).to_string(),
            "2023-11-14T22:13:20.120Z"
        );
        assert_eq!(Moment(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn moments_do_not_overflow() {
        assert_eq!(Moment(5).plus(Duration::MAX), Moment(u64::MAX));
        assert_eq!(Moment(5).plus_minutes(u64::MAX), Moment(u64::MAX));
        assert_eq!(Moment(60).plus_minutes(1), Moment(60_060));
    }
}
