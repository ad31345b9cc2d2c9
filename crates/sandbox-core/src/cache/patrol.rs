//! Rounds over the cached sandboxes: what is lost, at risk, in doubt or over its time. One task per
//! factory, there while there are any.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::parts::Entry;
use super::table::Chores;
use crate::Provider;
use crate::event::{EventKind, Expiry};

/// How often to look whether this host was suspended.
const GLANCE: Duration = Duration::from_secs(10);
/// Rounds are no closer than this.
const CLOSEST: Duration = Duration::from_millis(100);
/// A suspension shorter than this is none.
const BLINK: Duration = Duration::from_secs(1);

pub(super) struct Patrol {
    running: Mutex<bool>,
    wake: Notify,
}

impl Patrol {
    pub(super) fn new() -> Self {
        Self {
            running: Mutex::new(false),
            wake: Notify::new(),
        }
    }

    fn running(&self) -> MutexGuard<'_, bool> {
        // No code of others runs under this lock.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the task look whether there is anything left to look after.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl<P: Provider> Shared<P> {
    /// Starts the rounds, unless they are under way or there is nothing to look for.
    pub(super) fn patrol(self: &Arc<Self>) {
        let settings = &self.settings;
        if self.provider.lease().is_none()
            && settings.idle_ttl.is_none()
            && settings.max_lifetime.is_none()
        {
            return;
        }
        let mut running = self.patrol.running();
        if !std::mem::replace(&mut *running, true) {
            drop(running);
            let rounds = Rounds {
                handed_over: self.is_orphaned(),
                slept: self.slept(),
                shared: Arc::clone(self),
                ended: false,
            };
            self.spawn(Box::pin(rounds.run()));
        }
    }
}

/// The task. However it ends, the next sandbox starts another; if it is dropped, it is handed over.
struct Rounds<P: Provider> {
    shared: Arc<Shared<P>>,
    /// For how long this host was suspended, at the last look.
    slept: Duration,
    ended: bool,
    handed_over: bool,
}

impl<P: Provider> Drop for Rounds<P> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        *self.shared.patrol.running() = false;
        self.shared.orphan();
        if !self.handed_over && self.shared.table.live() > 0 {
            self.shared.patrol();
        }
    }
}

impl<P: Provider> Rounds<P> {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            self.notice_suspension();
            let mut next = shared.provider.lease().map(|_| GLANCE);
            // A hit from here on is told from all before.
            shared.table.stamp();
            for entry in shared.ready() {
                let due = shared.look_after(&entry);
                next = [next, due].into_iter().flatten().min();
            }
            {
                let mut running = shared.patrol.running();
                if shared.table.live() == 0 {
                    *running = false;
                    self.ended = true;
                    return;
                }
            }
            let next = Instant::now() + next.unwrap_or(GLANCE).max(CLOSEST);
            let _ = timeout_at(next, shared.patrol.wake.notified()).await;
        }
    }

    /// After a suspension of this host everything is renewed at once; what had been silent for too
    /// long by then is in doubt.
    fn notice_suspension(&mut self) {
        let slept = self.shared.slept();
        let by = slept.saturating_sub(self.slept);
        if by >= BLINK {
            self.slept = slept;
            tracing::info!(seconds = by.as_secs(), "this host was suspended");
            self.shared.renewals.hasten();
        }
    }
}

impl<P: Provider> Shared<P> {
    /// Looks at one sandbox; tells in how long to look again.
    fn look_after(self: &Arc<Self>, entry: &Arc<Entry<P>>) -> Option<Duration> {
        if !entry.attempt.liveness().is_live() {
            let chores = self.vacate(entry);
            self.attend(chores);
            return None;
        }
        let now = self.now();
        let lifetime = self.settings.max_lifetime.map(|most| (most, entry.born));
        if let Some((most, born)) = lifetime
            && since(born, now) >= most
        {
            self.expire(entry, Expiry::Lifetime, |_| true);
            return None;
        }
        let idle = match self.settings.idle_ttl {
            None => None,
            Some(most) if self.is_idle(entry, most, now) => {
                let (used, held) = (entry.seen.load(Relaxed), Entry::is_held);
                self.expire(entry, Expiry::Idle, |entry| {
                    !held(entry) && entry.used.load(Relaxed) == used
                });
                return None;
            }
            Some(most) => Some(most / 8),
        };
        let lifetime = lifetime.map(|(most, born)| most.saturating_sub(since(born, now)));
        let lease = self.look_at_lease(entry, now);
        [idle, lifetime, lease].into_iter().flatten().min()
    }

    /// True if nobody has opened or held it for the idle time.
    fn is_idle(&self, entry: &Entry<P>, most: Duration, now: u64) -> bool {
        let used = entry.used.load(Relaxed);
        if entry.is_held() || entry.seen.swap(used, Relaxed) != used {
            entry.idle_from.store(now, Relaxed);
        }
        since(entry.idle_from.load(Relaxed), now) >= most
    }

    /// A sandbox that has been silent for half of its lease is in doubt, and at risk after four
    /// fifths.
    fn look_at_lease(&self, entry: &Entry<P>, now: u64) -> Option<Duration> {
        let lease = self.provider.lease()?;
        let risky = lease * 4 / 5;
        let silent = since(entry.renewed.load(Relaxed), now);
        self.doubt_if_silent(entry);
        if silent < risky {
            return Some(risky - silent);
        }
        if !entry.at_risk.swap(true, Relaxed) {
            self.note(&entry.subject, &EventKind::LeaseAtRisk { silent, lease });
        }
        None
    }

    /// Takes a sandbox out whose time is over; its handles answer `Lost` from then on.
    fn expire(
        self: &Arc<Self>,
        entry: &Arc<Entry<P>>,
        because: Expiry,
        still: impl FnOnce(&Entry<P>) -> bool,
    ) {
        let mut chores = Chores::default();
        if self.take_out(entry, &mut chores, still) {
            let reason = match because {
                Expiry::Idle => "nobody used it for its idle time",
                Expiry::Lifetime => "it reached its maximal lifetime",
            };
            entry.attempt.liveness().mark_lost(reason);
            self.note(&entry.subject, &EventKind::Expired { because });
        }
        self.attend(chores);
    }

    /// Takes the least recently used sandbox out that nobody holds; false if there is none.
    pub(super) fn make_room(self: &Arc<Self>) -> bool {
        let ready = self.ready();
        let candidates = ready
            .iter()
            .map(|entry| {
                (
                    entry.attempt.liveness().is_live(),
                    entry.used.load(Relaxed),
                    entry,
                )
            })
            .filter(|(live, _, entry)| !live || !entry.is_held());
        // What is lost goes first.
        let Some((live, used, entry)) = candidates.min_by_key(|(live, used, _)| (*live, *used))
        else {
            return false;
        };
        if !live {
            let chores = self.vacate(entry);
            self.attend(chores);
            return true;
        }
        let mut chores = Chores::default();
        let still = |entry: &Entry<P>| !entry.is_held() && entry.used.load(Relaxed) == used;
        if self.take_out(entry, &mut chores, still) {
            entry
                .attempt
                .liveness()
                .mark_lost("it was idle and made room for another");
            self.note(&entry.subject, &EventKind::Evicted);
        }
        self.attend(chores);
        true
    }
}

fn since(then: u64, now: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(then))
}
