//! One sandbox per key: the factory over any provider.
//!
//! A key's slot is a small state machine (`slot`), changed only under the table's lock (`table`,
//! `conclude`). Whatever may exist and is not in the table is in the ledger (`ledger`); tasks of the
//! factory's spawner create (`create`), remove (`remove`), watch (`watch`), renew (`renew`) and look
//! after what is cached (`patrol`).

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{KeyView, Resolve, Source};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::event::{Broadcast, EventKind};
use crate::fingerprint::Fingerprinter;
use crate::{
    CloseError, Error, ErrorKind, Events, Leftover, Provider, Sandbox, SandboxFactory, Snapshot,
    Spawner,
};

mod accounts;
mod builder;
mod care;
mod close;
mod closed;
mod conclude;
mod create;
mod key;
mod ledger;
#[cfg(feature = "metrics")]
mod metering;
mod miss;
mod notice;
mod parts;
mod patrol;
mod remove;
mod renew;
mod revive;
mod slot;
mod snapshot;
mod spans;
mod table;
mod tools;
mod unanswered;
mod watch;

pub use builder::{AtCapacity, CachingFactoryBuilder};
pub use closed::{CloseReport, ClosedSandbox};

use accounts::Accounts;
use builder::Settings;
use key::StoredKey;
use ledger::Ledger;
use parts::{Creation, End};
use patrol::Patrol;
use renew::Renewals;
use spans::Told;
use table::{Chores, Claim, Table};

/// How often one `open` begins anew because the sandbox it found is lost.
const ROUNDS: usize = 8;

/// Opens the one live sandbox of each resolved tuple of parameters, over any [`Provider`].
///
/// * **One create per key**, however many openers there are and wherever they run. It belongs to
///   the factory: dropping every opener cancels nothing. A failure reaches everybody who waited for
///   that attempt, and the next `open` tries anew.
/// * **Nothing is lost.** What an unclear answer may have left is looked for by its name, then kept
///   or removed. [`close`](Self::close) is `Ok` only if nothing is left. Dropping the last handle
///   hands everything over to be removed.
/// * **A hit** costs one hash and one look-up, and allocates nothing.
///
/// Cloning it is cheap; clones share everything.
pub struct CachingFactory<P: Provider>(Arc<Owner<P>>);

/// What the handles share; its end is the factory's end.
struct Owner<P: Provider> {
    shared: Arc<Shared<P>>,
}

/// What the tasks share.
struct Shared<P: Provider> {
    provider: P,
    params: P::Params,
    settings: Settings,
    spawner: Arc<dyn Spawner>,
    table: Table<P>,
    ledger: Ledger<P>,
    renewals: Renewals<P>,
    patrol: Patrol,
    accounts: Accounts,
    removals: Semaphore,
    events: Broadcast,
    prints: OnceLock<Fingerprinter>,
    /// True once the spawner has dropped a task.
    orphaned: AtomicBool,
    begun: Instant,
    /// For how long this host had been suspended by then.
    slept_before: Duration,
}

impl<P: Provider> CachingFactory<P> {
    /// A factory with default settings.
    #[must_use]
    pub fn new(provider: P, params: P::Params) -> Self {
        Self::builder(provider, params).make()
    }

    /// A factory whose settings are to be chosen.
    #[must_use]
    pub fn builder(provider: P, params: P::Params) -> CachingFactoryBuilder<P> {
        CachingFactoryBuilder::new(provider, params)
    }

    fn from_parts(
        provider: P,
        params: P::Params,
        spawner: Arc<dyn Spawner>,
        settings: Settings,
    ) -> Self {
        let shared = Arc::new(Shared {
            table: Table::new(settings.max_sandboxes),
            ledger: Ledger::new(),
            renewals: Renewals::new(),
            patrol: Patrol::new(),
            accounts: Accounts::new(settings.concurrent_creates),
            removals: Semaphore::new(remove::AT_ONCE),
            events: Broadcast::new(settings.event_capacity),
            prints: OnceLock::new(),
            orphaned: AtomicBool::new(false),
            begun: Instant::now(),
            slept_before: settings.suspension.suspended(),
            provider,
            params,
            settings,
            spawner,
        });
        Self(Arc::new(Owner { shared }))
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &P {
        &self.0.shared.provider
    }

    /// The parameters, as they were given.
    #[must_use]
    pub fn params(&self) -> &P::Params {
        &self.0.shared.params
    }

    /// How many sandboxes there are, those being created included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.shared.table.live()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sandboxes are on their way out, or may exist after an unclear answer.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.0.shared.ledger.len()
    }

    /// Everything that exists or may: in use, being created, being removed, of unknown fate. For an
    /// end that cannot wait for [`close`](Self::close) to say what is left.
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        let shared = &self.0.shared;
        let bound = shared.provider.server_bound();
        let mut all = shared.ledger.leftovers(u64::MAX, &shared.provider);
        all.extend(shared.ready().into_iter().map(|entry| {
            let target = &entry.target;
            let why = Error::new(ErrorKind::Conflict, "it has not been closed");
            Leftover::new(target.id().map(str::to_owned), target.name(), why)
                .with_generation(entry.subject.generation())
                .with_server_bound(bound)
        }));
        all
    }

    /// What there is at this moment, cached or not; for people and dashboards. Looks at every
    /// sandbox.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.shared.snapshot()
    }

    /// What happens from now on. Any number may listen; nothing waits for any of them.
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.shared.events.subscribe()
    }

    /// The live sandbox for what the parameters resolve to in `context`, created if need be.
    ///
    /// # Errors
    ///
    /// [`Unresolved`](ErrorKind::Unresolved) with everything that does not resolve;
    /// [`Capacity`](ErrorKind::Capacity); [`Closed`](ErrorKind::Closed) if the factory was closed
    /// meanwhile; [`Timeout`](ErrorKind::Timeout); else what the provider says.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: a creation goes on and serves the next opener.
    pub async fn open(&self, context: &dyn Source) -> Result<Arc<P::Sandbox>, Error> {
        let told = spans::open();
        let failed = |error: Error| {
            told.ended("failed", Some(&error));
            error.with_operation("open")
        };
        let shared = &self.0.shared;
        let epoch = shared.table.epoch();
        let mut deadline = None;
        for _ in 0..ROUNDS {
            let begun = told
                .span()
                .in_scope(|| shared.begin_open(context, epoch, &told));
            let (creation, outcome) = match begun.map_err(failed)? {
                Begun::Hit(sandbox) => {
                    told.opened("hit", &*sandbox);
                    return Ok(sandbox);
                }
                Begun::Join(creation) => (creation, "joined"),
                Begun::Begin(creation) if creation.revives.is_some() => (creation, "revalidated"),
                Begun::Begin(creation) => (creation, "created"),
            };
            told.about(&creation.subject);
            let wait = shared.wait(&creation, &mut deadline);
            match wait.instrument(told.span().clone()).await {
                End::Ready(sandbox) => {
                    told.opened(outcome, &*sandbox);
                    return Ok(sandbox);
                }
                End::Failed(error) => return Err(failed(error)),
                End::Again => {}
            }
        }
        Err(failed(Error::new(
            ErrorKind::Lost,
            "the sandbox was lost again and again while it was being opened",
        )))
    }
}

enum Begun<P: Provider> {
    Hit(Arc<P::Sandbox>),
    Join(Arc<Creation<P>>),
    /// This open has begun it.
    Begin(Arc<Creation<P>>),
}

impl<P: Provider> Shared<P> {
    /// Waits for a creation, until the deadline of the whole `open`.
    async fn wait(&self, creation: &Creation<P>, deadline: &mut Option<Instant>) -> End<P> {
        let Some(most) = self.settings.acquire_timeout else {
            return creation.wait().await;
        };
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + most);
        match timeout_at(deadline, creation.wait()).await {
            Ok(end) => end,
            Err(_) => End::Failed(Error::new(
                ErrorKind::Timeout,
                "the sandbox is still being created; the next open joins that",
            )),
        }
    }

    fn begin_open(
        self: &Arc<Self>,
        context: &dyn Source,
        epoch: u64,
        told: &Told,
    ) -> Result<Begun<P>, Error> {
        let view = self.params.resolve(context)?;
        let hash = self.table.hasher.hash(&view);
        match self.table.look_up(hash, &view, epoch) {
            Some(Claim::Hit(sandbox)) => {
                // a second look, only where somebody listens
                if told.is_on()
                    && let Some(key) = self.table.print_of(hash, &view)
                {
                    told.key(key);
                }
                return Ok(Begun::Hit(sandbox));
            }
            Some(Claim::Join(creation) | Claim::Begin(creation)) => {
                return Ok(Begun::Join(creation));
            }
            None => {}
        }
        self.provider.check(&view)?;
        let key = StoredKey::new(hash, view.to_resolved());
        let miss = self.miss(key, epoch)?;
        told.key(miss.print);
        match self.claim_a_place(&miss)? {
            Claim::Hit(sandbox) => Ok(Begun::Hit(sandbox)),
            Claim::Join(creation) => Ok(Begun::Join(creation)),
            Claim::Begin(creation) => {
                if creation.revives.is_none() {
                    self.note(&creation.subject, &EventKind::Creating);
                }
                let task = create::Task::new(Arc::clone(self), Arc::clone(&creation));
                let span = task.span();
                self.spawn(Box::pin(task.run().instrument(span)));
                Ok(Begun::Begin(creation))
            }
        }
    }

    fn attend(self: &Arc<Self>, chores: Chores) {
        for (subject, kind) in &chores.notes {
            self.note(subject, kind);
        }
        for item in chores.doomed {
            self.remove(item);
        }
    }

    /// Ends the epoch and starts the removal of all that is in it; gives the epoch that ended.
    fn end(self: &Arc<Self>) -> u64 {
        let (ended, chores) = self.end_epoch();
        self.renewals.end(ended);
        self.patrol.wake();
        self.attend(chores);
        ended
    }
}

impl<P: Provider> Drop for Owner<P> {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl<P: Provider> Clone for CachingFactory<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Provider> fmt::Debug for CachingFactory<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingFactory")
            .field("provider", &self.0.shared.provider)
            .field("sandboxes", &self.len())
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: Provider> SandboxFactory for CachingFactory<P> {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        let sandbox = Self::open(self, context).await?;
        Ok(sandbox)
    }

    fn workdir(&self) -> Option<&str> {
        self.0.shared.provider.workdir()
    }

    async fn close(&self) -> Result<(), CloseError> {
        Self::close(self).await
    }
}
