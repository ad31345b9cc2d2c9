//! The faults of one server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::action::Action;
use super::fault::{Fault, RequestInfo};
use super::plan::{Drawn, FaultPlan};
use super::script::FaultScript;

#[derive(Debug)]
enum What {
    Fault(Fault),
    Plan(Drawn),
}

impl What {
    /// Whether this request is counted, and how often this may strike.
    fn fits(&self, request: &RequestInfo) -> bool {
        match self {
            Self::Fault(fault) => fault.fits(request),
            Self::Plan(plan) => plan.fits(request),
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Self::Fault(fault) => fault.times,
            Self::Plan(plan) => plan.limit(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    id: u64,
    what: What,
    seen: u64,
    hits: u64,
}

impl Entry {
    /// What happens to this request, which fits.
    fn strike(&mut self, request: &RequestInfo) -> Option<Action> {
        self.seen += 1;
        if self.what.limit().is_some_and(|limit| self.hits >= limit) {
            return None;
        }
        let action = match &mut self.what {
            What::Fault(fault) if self.seen <= fault.skip => None,
            What::Fault(fault) => Some(fault.action.clone()),
            What::Plan(plan) => plan.draw(request),
        };
        self.hits += u64::from(action.is_some());
        action
    }

    fn status(&self) -> FaultStatus {
        let (route, does) = match &self.what {
            What::Fault(fault) => (fault.route, fault.action.name().to_owned()),
            What::Plan(plan) => (None, format!("plan with seed {}", plan.seed())),
        };
        FaultStatus {
            id: self.id,
            route,
            does,
            seen: self.seen,
            hits: self.hits,
            left: self
                .what
                .limit()
                .map(|limit| limit.saturating_sub(self.hits)),
        }
    }
}

/// What became of one fault, or of a plan of faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultStatus {
    /// Its number, counted from 0.
    pub id: u64,
    /// The id of the only operation it hits.
    pub route: Option<&'static str>,
    /// What it does, as scripts name it.
    pub does: String,
    /// How many requests fitted, those it let pass included.
    pub seen: u64,
    /// How often it struck.
    pub hits: u64,
    /// How often it will still strike; `None` without an end.
    pub left: Option<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    next: u64,
    /// What became of those that have been used up or taken away.
    finished: Vec<FaultStatus>,
}

/// The faults of one server.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use daytona_api::routes::control_plane::CREATE_SANDBOX;
/// use daytona_api::{Config, Daytona};
/// use daytona_local::{Fault, Isolation, Server};
///
/// let server = Server::builder().isolation(Isolation::None).start().await?;
/// let lost = server.faults().inject(Fault::on(&CREATE_SANDBOX).reset_after_commit());
///
/// let api = Daytona::new(Config::new(server.token()).api_url(server.api_url()))?;
/// let created = api.sandboxes().create().name("mine").send().await;
/// assert!(created.is_err(), "the answer was lost");
/// assert_eq!(lost.hits(), 1);
/// assert!(server.sandbox("mine").is_some(), "but the sandbox is there");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, what: What) -> FaultHandle {
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        inner.entries.push(Entry {
            id,
            what,
            seen: 0,
            hits: 0,
        });
        FaultHandle {
            faults: self.clone(),
            id,
        }
    }

    /// Adds a fault. Of several that fit a request, the one added first strikes.
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        self.add(What::Fault(fault))
    }

    /// Adds faults that are drawn from a seed.
    #[expect(
        clippy::must_use_candidate,
        reason = "a test need not ask what became of it"
    )]
    pub fn plan(&self, plan: FaultPlan) -> FaultHandle {
        self.add(What::Plan(Drawn::new(plan)))
    }

    /// Adds everything a script says, in its order.
    #[expect(
        clippy::must_use_candidate,
        reason = "a test need not ask what became of it"
    )]
    pub fn load(&self, script: FaultScript) -> Vec<FaultHandle> {
        let (faults, plans) = script.into_parts();
        let faults = faults.into_iter().map(|fault| self.inject(fault));
        let faults: Vec<_> = faults.collect();
        let plans = plans.into_iter().map(|plan| self.plan(plan));
        faults.into_iter().chain(plans).collect()
    }

    /// What became of every fault so far, those that are used up included, by number.
    #[must_use]
    pub fn status(&self) -> Vec<FaultStatus> {
        let inner = self.lock();
        let live = inner.entries.iter().map(Entry::status);
        let mut all: Vec<_> = inner.finished.iter().cloned().chain(live).collect();
        all.sort_by_key(|status| status.id);
        all
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        let mut inner = self.lock();
        let entries = std::mem::take(&mut inner.entries);
        inner.finished.extend(entries.iter().map(Entry::status));
    }

    /// Takes one fault away; false if there is none with this number that may still strike.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut inner = self.lock();
        let Some(place) = inner.entries.iter().position(|entry| entry.id == id) else {
            return false;
        };
        let entry = inner.entries.remove(place);
        inner.finished.push(entry.status());
        true
    }

    pub(crate) fn strike(&self, request: &RequestInfo) -> Option<Action> {
        let mut inner = self.lock();
        let mut struck = None;
        for (place, entry) in inner.entries.iter_mut().enumerate() {
            if !entry.what.fits(request) {
                continue;
            }
            if let Some(action) = entry.strike(request) {
                let spent = entry.what.limit().is_some_and(|limit| entry.hits >= limit);
                struck = Some((place, spent, action));
                break;
            }
        }
        let (place, spent, action) = struck?;
        if spent {
            let entry = inner.entries.remove(place);
            inner.finished.push(entry.status());
        }
        Some(action)
    }
}

/// One injected fault, or one plan.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    faults: Faults,
    id: u64,
}

impl FaultHandle {
    /// Its number, as [`FaultStatus::id`] has it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How often it has struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        let inner = self.faults.lock();
        let live = inner.entries.iter().find(|entry| entry.id == self.id);
        let finished = || inner.finished.iter().find(|status| status.id == self.id);
        live.map(|entry| entry.hits)
            .or_else(|| finished().map(|status| status.hits))
            .unwrap_or(0)
    }

    /// Takes it away.
    pub fn remove(&self) {
        self.faults.remove(self.id);
    }
}
