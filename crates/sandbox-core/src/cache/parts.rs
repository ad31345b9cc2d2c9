//! What a slot holds of a provider: sandboxes, creations, attempts of unknown fate.

use std::marker::PhantomData;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::accounts::Account;
use super::key::StoredKey;
use super::slot::{Condition, Parts, Same};
use super::unanswered::Unanswered;
use crate::event::Subject;
use crate::{Attempt, Error, ErrorKind, Provider, ResolvedOf, Target};

/// The parts of a provider's slots.
pub(super) struct Of<P>(PhantomData<P>);

impl<P: Provider> Parts for Of<P> {
    type Flight = Arc<Creation<P>>;
    type Entry = Arc<Entry<P>>;
    type Unclear = Unclear;
}

impl<T> Same for Arc<T> {
    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }
}

impl<P: Provider> Condition for Arc<Entry<P>> {
    fn is_live(&self) -> bool {
        self.attempt.liveness().is_live()
    }

    fn is_sound(&self) -> bool {
        self.is_live() && !self.attempt.liveness().is_doubtful()
    }

    fn generation(&self) -> u64 {
        self.attempt.generation()
    }
}

/// An attempt whose fate is unknown, and its place in the ledger.
pub(super) struct Unclear {
    pub(super) item: u64,
    pub(super) attempt: Attempt,
}

/// A sandbox in the table.
pub(super) struct Entry<P: Provider> {
    pub(super) sandbox: Arc<P::Sandbox>,
    pub(super) target: Target,
    pub(super) attempt: Attempt,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) epoch: u64,
    /// Its place in the order in which sandboxes were begun.
    pub(super) number: u64,
    pub(super) subject: Subject,
    /// What else may appear under its name once it is gone.
    pub(super) unanswered: Unanswered,
    /// From when on that is over, in milliseconds of the factory's time, as long as it is heard of.
    pub(super) decided: u64,
    /// When its creation began, in milliseconds of the factory's time.
    pub(super) born: u64,
    /// When it was last heard of, in milliseconds of the factory's time.
    pub(super) heard: AtomicU64,
    /// When its lease was last renewed, in milliseconds of the factory's time.
    pub(super) renewed: AtomicU64,
    /// The table's turn at its last hit.
    pub(super) used: AtomicU64,
    /// That turn when the patrol last saw it in use, and the time of that.
    pub(super) seen: AtomicU64,
    pub(super) idle_from: AtomicU64,
    /// True once its lease was told to be at risk, until it is renewed.
    pub(super) at_risk: AtomicBool,
    pub(super) trouble: Trouble,
}

impl<P: Provider> Entry<P> {
    /// True if somebody holds a handle, and so may have a call under way.
    pub(super) fn is_held(&self) -> bool {
        Arc::strong_count(&self.sandbox) > 1
    }

    /// What else may appear under its name once it is gone. The name is its own as long as it lives: heard of when no
    /// request could be carried out any more, it leaves nothing to wait for.
    pub(super) fn unanswered(&self) -> Unanswered {
        if self.heard.load(Ordering::Relaxed) >= self.decided {
            return Unanswered::default();
        }
        self.unanswered
    }
}

/// The last error about a sandbox, for snapshots.
#[derive(Default)]
pub(super) struct Trouble(Mutex<Option<Error>>);

impl Trouble {
    pub(super) fn note(&self, error: Option<Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    pub(super) fn last(&self) -> Option<Error> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How a creation ended, for everybody who waits for it.
pub(super) enum End<P: Provider> {
    Ready(Arc<P::Sandbox>),
    Failed(Error),
    /// The sandbox that was looked at is lost: begin anew.
    Again,
}

impl<P: Provider> Clone for End<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Ready(sandbox) => Self::Ready(Arc::clone(sandbox)),
            Self::Failed(error) => Self::Failed(error.clone()),
            Self::Again => Self::Again,
        }
    }
}

/// A creation under way, or a look at a sandbox in doubt. It belongs to a task of the factory;
/// openers only watch it.
pub(super) struct Creation<P: Provider> {
    pub(super) attempt: Attempt,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) epoch: u64,
    pub(super) subject: Subject,
    pub(super) account: Arc<Account>,
    /// Its place in the ledger.
    pub(super) item: u64,
    pub(super) begun: Instant,
    /// True if an earlier try under this name has an unknown fate.
    pub(super) reposts: bool,
    unanswered: Mutex<Unanswered>,
    /// The sandbox in doubt, if that is what it is about.
    pub(super) revives: Option<Arc<Entry<P>>>,
    cancelled: AtomicBool,
    ended: OnceLock<End<P>>,
    /// Wakes those who wait for the end, in the order in which they came.
    told: Notify,
}

/// What a creation is told when it begins.
pub(super) struct Plan<P: Provider> {
    pub(super) attempt: Attempt,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) epoch: u64,
    pub(super) subject: Subject,
    pub(super) account: Arc<Account>,
    pub(super) item: u64,
    /// The requests of an earlier try under this name, if its fate is unknown.
    pub(super) reposts: Option<Unanswered>,
}

impl<P: Provider> Creation<P> {
    pub(super) fn new(plan: Plan<P>) -> Self {
        Self {
            attempt: plan.attempt,
            key: plan.key,
            epoch: plan.epoch,
            subject: plan.subject,
            account: plan.account,
            item: plan.item,
            begun: Instant::now(),
            reposts: plan.reposts.is_some(),
            unanswered: Mutex::new(plan.reposts.unwrap_or_default()),
            revives: None,
            cancelled: AtomicBool::new(false),
            ended: OnceLock::new(),
            told: Notify::new(),
        }
    }

    pub(super) fn revival(entry: Arc<Entry<P>>, account: Arc<Account>, item: u64) -> Self {
        let mut revival = Self::new(Plan {
            attempt: entry.attempt.clone(),
            key: entry.key.clone(),
            epoch: entry.epoch,
            subject: entry.subject.clone(),
            account,
            item,
            reposts: None,
        });
        revival.revives = Some(entry);
        revival
    }

    /// Its requests that were not answered; locked for as long as the statement.
    pub(super) fn unanswered(&self) -> MutexGuard<'_, Unanswered> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits, once.
    pub(super) fn end(&self, end: End<P>) {
        if self.ended.set(end).is_ok() {
            self.told.notify_waiters();
        }
    }

    /// The epoch is over: what comes is not wanted any more.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.end(End::Failed(closed()));
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ready once it is of no use to anybody.
    pub(super) async fn cancelled(&self) {
        self.wait().await;
    }

    pub(super) async fn wait(&self) -> End<P> {
        let mut told = pin!(self.told.notified());
        loop {
            // before the look: what ends after it is told
            told.as_mut().enable();
            if let Some(end) = self.ended.get() {
                return end.clone();
            }
            told.as_mut().await;
            told.set(self.told.notified());
        }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the factory was closed meanwhile")
}
