//! Real time, or a multiple of it.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

use super::Clock;

/// Real time, optionally faster: an hour of intervals in a minute.
#[derive(Debug)]
pub struct SystemClock {
    wall: SystemTime,
    started: Instant,
    speed: f64,
}

impl SystemClock {
    /// Real time.
    #[must_use]
    pub fn new() -> Self {
        Self::accelerated(1.0)
    }

    /// Real time from now on, times `speed`. A speed that is not a positive number counts as 1; the most is one
    /// million.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock others take")]
    pub fn accelerated(speed: f64) -> Self {
        let valid = speed.is_finite() && speed > 0.0;
        Self {
            wall: SystemTime::now(),
            started: Instant::now(),
            speed: if valid { speed.min(1e6) } else { 1.0 },
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        let passed = self.started.elapsed().mul_f64(self.speed);
        self.wall.checked_add(passed).unwrap_or(self.wall)
    }

    async fn sleep_until(&self, deadline: SystemTime) {
        // a sleep may end a little early in fast time because of rounding
        while let Ok(left) = deadline.duration_since(self.now()) {
            if left.is_zero() {
                break;
            }
            let real = left.div_f64(self.speed).max(Duration::from_micros(1));
            tokio::time::sleep(real).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fast_clock_sleeps_through_an_hour_in_milliseconds() {
        let clock = SystemClock::accelerated(1e6);
        let deadline = clock.now() + Duration::from_secs(3600);
        clock.sleep_until(deadline).await;
        assert!(clock.now() >= deadline);
    }

    #[test]
    fn a_speed_that_makes_no_sense_is_real_time() {
        for speed in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert!((SystemClock::accelerated(speed).speed - 1.0).abs() < f64::EPSILON);
        }
    }
}
