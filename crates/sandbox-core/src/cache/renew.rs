//! Renewals: one timer task for all sandboxes of a factory, there while there are any.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;

use super::Shared;
use super::parts::Entry;
use super::spans::{self, Told};
use super::tools::{guarded, jittered};
use crate::event::EventKind;
use crate::{Error, ErrorKind, Provider};

/// How many renewals are under way at once.
const AT_ONCE: usize = 32;
/// How long one renewal may take.
pub(super) const ONE_REQUEST: Duration = Duration::from_secs(30);

pub(super) struct Renewals<P: Provider> {
    queue: Mutex<Queue<P>>,
    wake: Notify,
    permits: Arc<Semaphore>,
}

struct Queue<P: Provider> {
    due: BinaryHeap<Reverse<Due<P>>>,
    running: bool,
}

struct Due<P: Provider> {
    at: Instant,
    epoch: u64,
    entry: Weak<Entry<P>>,
}

impl<P: Provider> Renewals<P> {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                due: BinaryHeap::new(),
                running: false,
            }),
            wake: Notify::new(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<P>> {
        // No code of others runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the sandboxes of an epoch that is over; without others the task ends.
    pub(super) fn end(&self, ended: u64) {
        self.lock().due.retain(|Reverse(due)| due.epoch > ended);
        self.wake.notify_one();
    }

    /// Makes everything due at once.
    pub(super) fn hasten(&self) {
        let now = Instant::now();
        let mut queue = self.lock();
        let hurried = queue.due.drain().map(|Reverse(due)| {
            let at = due.at.min(now);
            Reverse(Due { at, ..due })
        });
        let hurried: BinaryHeap<_> = hurried.collect();
        queue.due = hurried;
        drop(queue);
        self.wake.notify_one();
    }

    /// Notes when a sandbox is due; true if the task has to be started.
    fn add(&self, entry: &Arc<Entry<P>>, at: Instant) -> bool {
        let mut queue = self.lock();
        let earliest = queue.due.peek().is_none_or(|Reverse(first)| at < first.at);
        queue.due.push(Reverse(Due {
            at,
            epoch: entry.epoch,
            entry: Arc::downgrade(entry),
        }));
        let starts = !queue.running;
        queue.running = true;
        drop(queue);
        if earliest && !starts {
            self.wake.notify_one();
        }
        starts
    }

    /// The sandboxes due by now, and when the next is; `None` if there is no other, which ends the
    /// task.
    fn take(&self, now: Instant) -> (Vec<Arc<Entry<P>>>, Option<Instant>) {
        let mut queue = self.lock();
        let mut due = Vec::new();
        while let Some(Reverse(first)) = queue.due.peek() {
            if first.at > now {
                return (due, Some(first.at));
            }
            if let Some(Reverse(first)) = queue.due.pop()
                && let Some(entry) = first.entry.upgrade()
            {
                due.push(entry);
            }
        }
        queue.running = !due.is_empty();
        (due, None)
    }
}

impl<P: Provider> Shared<P> {
    /// Has a sandbox renewed from now on, if its kind needs it.
    pub(super) fn renew(self: &Arc<Self>, entry: &Arc<Entry<P>>) {
        if let Some(interval) = self.provider.renew_interval() {
            self.renew_at(entry, Instant::now() + jittered(interval));
        }
    }

    fn renew_at(self: &Arc<Self>, entry: &Arc<Entry<P>>, at: Instant) {
        if entry.attempt.liveness().is_live() && self.renewals.add(entry, at) {
            let timer = Timer {
                handed_over: self.is_orphaned(),
                shared: Arc::clone(self),
                ended: false,
            };
            self.spawn(Box::pin(timer.run()));
        }
    }
}

/// The timer task. However it ends, the next sandbox starts another; if it is dropped, it is handed
/// over.
struct Timer<P: Provider> {
    shared: Arc<Shared<P>>,
    ended: bool,
    handed_over: bool,
}

impl<P: Provider> Drop for Timer<P> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Renewals that were under way have been dropped too: all begins anew.
        let mut queue = self.shared.renewals.lock();
        queue.running = false;
        queue.due.clear();
        drop(queue);
        self.shared.orphan();
        if !self.handed_over {
            for entry in self.shared.ready() {
                self.shared.renew_at(&entry, Instant::now());
            }
        }
    }
}

impl<P: Provider> Timer<P> {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            let (due, next) = shared.renewals.take(Instant::now());
            if due.is_empty() && next.is_none() {
                self.ended = true;
                return;
            }
            for entry in due {
                let Ok(permit) = Arc::clone(&shared.renewals.permits).acquire_owned().await else {
                    return;
                };
                let job = renew_one(Arc::clone(&shared), entry);
                shared.spawn(Box::pin(async move {
                    job.await;
                    drop(permit);
                }));
            }
            let woken = shared.renewals.wake.notified();
            match next {
                Some(next) => {
                    let _ = timeout_at(next, woken).await;
                }
                None => woken.await,
            }
        }
    }
}

async fn renew_one<P: Provider>(shared: Arc<Shared<P>>, entry: Arc<Entry<P>>) {
    let Some(interval) = shared.provider.renew_interval() else {
        return;
    };
    if !entry.attempt.liveness().is_live() {
        return;
    }
    let told = spans::renew(&entry.subject);
    let renewal = renewal(&shared, &entry, interval, &told);
    renewal.instrument(told.span().clone()).await;
}

async fn renewal<P: Provider>(
    shared: &Arc<Shared<P>>,
    entry: &Arc<Entry<P>>,
    interval: Duration,
    told: &Told,
) {
    // After a long pause of this process, or failures, the service may have stopped it.
    shared.doubt_if_silent(entry);
    let work = shared.provider.renew(&entry.sandbox);
    let answer = match timeout(ONE_REQUEST.min(interval), guarded(work)).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "the renewal was not answered in time",
        )),
    };
    let pause = match answer {
        Ok(()) => {
            let now = shared.now();
            entry.heard.store(now, atomic::Ordering::Relaxed);
            entry.renewed.store(now, atomic::Ordering::Relaxed);
            entry.trouble.note(None);
            told.ended("renewed", None);
            if entry.at_risk.swap(false, atomic::Ordering::Relaxed) {
                shared.note(&entry.subject, &EventKind::LeaseRestored);
            }
            interval
        }
        Err(error) if error.is_lost() || error.is_not_found() => {
            entry
                .attempt
                .liveness()
                .mark_lost("its renewal found nothing");
            told.ended("lost", Some(&error));
            let chores = shared.vacate(entry);
            return shared.attend(chores);
        }
        Err(error) => {
            tracing::warn!(
                name = entry.target.name(),
                id = entry.target.id(),
                key = %entry.subject.key(),
                %error,
                "sandbox not renewed"
            );
            let soon = (interval / 6).min(Duration::from_secs(10));
            let pause = soon.max(error.retry_after().unwrap_or_default().min(interval));
            told.ended("failed", Some(&error));
            entry.trouble.note(Some(error));
            pause
        }
    };
    shared.renew_at(entry, Instant::now() + jittered(pause));
}

impl<P: Provider> PartialEq for Due<P> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<P: Provider> Eq for Due<P> {}

impl<P: Provider> PartialOrd for Due<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P: Provider> Ord for Due<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
