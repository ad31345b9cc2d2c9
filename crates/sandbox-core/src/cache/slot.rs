//! What the table holds for a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

use super::key::StoredKey;
use crate::{Attempt, Error, ErrorKind, Provider, ResolvedOf, Target};

/// The state of one key. All changes are made under the table's lock for the key.
pub(super) struct Slot<P: Provider> {
    /// Which epoch it belongs to; a close ends the epochs up to its own.
    pub(super) epoch: u64,
    /// The generation of the next sandbox.
    pub(super) generation: u64,
    /// True if the last sandbox was lost with its state.
    pub(super) lost: bool,
    pub(super) state: State<P>,
}

pub(super) enum State<P: Provider> {
    /// Nothing is here. An attempt whose fate is unknown is remembered, so that the next one uses
    /// its name.
    Vacant { unclear: Option<Unclear> },
    /// A task of the factory is making a sandbox.
    Creating(Arc<Creation<P>>),
    /// A sandbox, unless its liveness says else.
    Ready(Arc<Entry<P>>),
}

/// An attempt whose fate is unknown, and its place in the ledger.
pub(super) struct Unclear {
    pub(super) item: u64,
    pub(super) attempt: Attempt,
}

impl<P: Provider> Slot<P> {
    pub(super) fn vacant(epoch: u64) -> Self {
        Self {
            epoch,
            generation: 1,
            lost: false,
            state: State::Vacant { unclear: None },
        }
    }

    /// True if forgetting the slot would lose nothing.
    pub(super) fn is_forgettable(&self) -> bool {
        !self.lost && matches!(self.state, State::Vacant { unclear: None })
    }
}

/// A sandbox in the table.
pub(super) struct Entry<P: Provider> {
    pub(super) sandbox: Arc<P::Sandbox>,
    pub(super) target: Target,
    pub(super) attempt: Attempt,
    pub(super) key: StoredKey<ResolvedOf<P>>,
    pub(super) epoch: u64,
    /// When it was last heard of, in milliseconds of the factory's time.
    pub(super) heard: AtomicU64,
}

impl<P: Provider> Entry<P> {
    pub(super) fn is_live(&self) -> bool {
        self.attempt.liveness().is_live()
    }

    /// True if it can be handed out without asking.
    pub(super) fn is_sound(&self) -> bool {
        self.is_live() && !self.attempt.liveness().is_doubtful()
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
    /// Its place in the ledger.
    pub(super) item: u64,
    /// True if an earlier try under this name has an unknown fate.
    pub(super) reposts: bool,
    /// The sandbox in doubt, if that is what it is about.
    pub(super) revives: Option<Arc<Entry<P>>>,
    cancelled: AtomicBool,
    ended: watch::Sender<Option<End<P>>>,
}

impl<P: Provider> Creation<P> {
    pub(super) fn new(
        attempt: Attempt,
        key: StoredKey<ResolvedOf<P>>,
        epoch: u64,
        item: u64,
        reposts: bool,
    ) -> Self {
        Self {
            attempt,
            key,
            epoch,
            item,
            reposts,
            revives: None,
            cancelled: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        }
    }

    pub(super) fn revival(entry: Arc<Entry<P>>, item: u64) -> Self {
        let (attempt, key) = (entry.attempt.clone(), entry.key.clone());
        let mut revival = Self::new(attempt, key, entry.epoch, item, false);
        revival.revives = Some(entry);
        revival
    }

    /// Tells everybody who waits, once.
    pub(super) fn end(&self, end: End<P>) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            if first {
                *ended = Some(end);
            }
            first
        });
    }

    /// The epoch is over: what comes is not wanted any more.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.end(End::Failed(closed()));
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) async fn wait(&self) -> End<P> {
        let mut ended = self.ended.subscribe();
        let end = ended.wait_for(Option::is_some).await;
        match end.ok().and_then(|end| end.clone()) {
            Some(end) => end,
            None => End::Failed(Error::new(
                ErrorKind::Internal,
                "the creation ended without a result",
            )),
        }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the factory was closed meanwhile")
}
