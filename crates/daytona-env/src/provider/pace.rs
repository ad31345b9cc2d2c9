//! How often to ask whether a sandbox has started.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);
/// A wait is at most this fraction of what has already passed: a start is noticed about 4 % late, and a start of five
/// seconds costs fewer than a hundred requests.
const FRACTION: u32 = 24;
/// The shortest and the longest pause while the server tells what happens, and the fraction: only a safety net then.
const NET: (Duration, Duration, u32) = (Duration::from_millis(500), Duration::from_secs(5), 4);
/// Beyond this the shares below keep a crowd of starts within the request limits of a small account.
const RUSH: Duration = Duration::from_secs(1);

/// Shared by all waits of one provider, so that many at once ask less often each.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    waiting: AtomicUsize,
}

impl Pace {
    /// Joins the waits; the returned guard leaves when dropped.
    pub(crate) fn join(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting { pace: self }
    }
}

#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    pace: &'a Pace,
}

impl Waiting<'_> {
    /// How long to wait before the next look, this long after the wait began.
    pub(crate) fn next(&self, elapsed: Duration) -> Duration {
        let waiting = u32::try_from(self.pace.waiting.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let share =
            Duration::from_millis(if elapsed < RUSH { 1 } else { 6 }).saturating_mul(waiting);
        (elapsed / FRACTION)
            .max(share)
            .clamp(SHORTEST, LONGEST.max(share.min(LONGEST * 10)))
    }

    /// The same while the server tells what happens.
    pub(crate) fn beside_events(&self, elapsed: Duration) -> Duration {
        let (shortest, longest, fraction) = NET;
        let net = (elapsed / fraction).clamp(shortest, longest);
        net.max(self.next(elapsed))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pace.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks made and the longest gap before `start`, when each look takes no time.
    fn looks_until(start: Duration) -> (u32, Duration) {
        let pace = Pace::default();
        let waiting = pace.join();
        let (mut now, mut looks) = (Duration::ZERO, 1);
        loop {
            let gap = waiting.next(now);
            now += gap;
            looks += 1;
            if now >= start {
                return (looks, gap);
            }
        }
    }

    #[test]
    fn a_start_is_noticed_soon_and_cheaply() {
        let (looks, gap) = looks_until(Duration::from_millis(90));
        assert!(
            looks <= 11 && gap <= Duration::from_millis(10),
            "{looks} {gap:?}"
        );
        let (looks, gap) = looks_until(Duration::from_millis(700));
        assert!(
            looks <= 60 && gap <= Duration::from_millis(30),
            "{looks} {gap:?}"
        );
        let (looks, _) = looks_until(Duration::from_secs(5));
        assert!(looks <= 100, "{looks}");
        let (looks, gap) = looks_until(Duration::from_secs(600));
        assert!(looks <= 720 && gap <= LONGEST, "{looks} {gap:?}");
    }

    #[test]
    fn events_make_it_a_safety_net() {
        let pace = Pace::default();
        let waiting = pace.join();
        for (seconds, pause) in [(0, 500), (4, 1000), (12, 3000), (600, 5000)] {
            let told = waiting.beside_events(Duration::from_secs(seconds));
            assert_eq!(told, Duration::from_millis(pause), "{seconds}");
        }
    }

    #[test]
    fn a_crowd_asks_less_often_each() {
        let pace = Pace::default();
        let crowd: Vec<_> = (0..1000).map(|_| pace.join()).collect();
        assert_eq!(crowd[0].next(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(
            crowd[0].next(Duration::from_secs(2)),
            Duration::from_secs(6)
        );
        drop(crowd);
        assert_eq!(pace.join().next(Duration::ZERO), SHORTEST);
    }
}
