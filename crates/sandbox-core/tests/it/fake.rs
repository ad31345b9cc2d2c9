//! A service in memory: its creates, look-ups and removals follow a script and stop at gates.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests; a poisoned lock means a test has failed already"
)]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hasher;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{OptParam, Param, Resolve, ResolvedKey, Secret, Source, Variable, Vars};
use sandbox_core::{
    Attempt, CachingFactory, CachingFactoryBuilder, CloseError, CreateError, Destroyed, Error,
    ErrorKind, Found, Health, Provider, Scope, Target,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

#[path = "fake/sandbox.rs"]
mod sandbox;

pub(crate) use sandbox::FakeSandbox;

#[derive(Debug, Resolve)]
pub(crate) struct Params {
    pub(crate) key: Param<Secret>,
    pub(crate) image: Param<String>,
    pub(crate) tenant: OptParam<Scope>,
}

pub(crate) fn params() -> Params {
    Params {
        key: Variable::new("key").default("k-canary").into(),
        image: Variable::new("image").default("base").into(),
        tenant: Variable::new("tenant").default(Scope::Shared).into(),
    }
}

pub(crate) fn image(name: impl Into<String>) -> Vars {
    Vars::new().with("image", name.into())
}

/// How one create is answered.
#[derive(Clone, Debug)]
pub(crate) enum Create {
    Ok,
    /// The row is made, the answer is lost.
    Lost,
    /// The row is made broken, the answer is an error.
    Broken,
    /// The row is made, and not ready until it is made so.
    Pending,
    /// No answer, and nothing is made now.
    Silence,
    /// The service itself says that it cannot now; nothing is made.
    Answered,
    /// A refusal; nothing is made.
    Refused(ErrorKind),
    /// Too many; come back later.
    Later(Duration),
    /// The request was never sent.
    Unsent,
    Panic,
    /// Never answered.
    Hang,
}

/// How one removal is answered.
#[derive(Clone, Debug)]
pub(crate) enum Destroy {
    Fail(ErrorKind),
    Hang,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Ready,
    Broken,
    Pending,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) rows: BTreeMap<String, Row>,
    pub(crate) creates: Vec<String>,
    pub(crate) finds: usize,
    pub(crate) destroys: Vec<String>,
    pub(crate) script: VecDeque<Create>,
    pub(crate) removals: VecDeque<Destroy>,
    pub(crate) renewals: usize,
    pub(crate) renewal: Option<ErrorKind>,
    pub(crate) look_ups: Option<ErrorKind>,
    pub(crate) health: Option<Health>,
    pub(crate) inspections: usize,
    pub(crate) starts: usize,
    pub(crate) start: Option<ErrorKind>,
    /// What stands in the way of a removal, by name: removed first.
    pub(crate) dependents: BTreeMap<String, Vec<String>>,
    /// Whether a sandbox can be stopped instead of removed.
    pub(crate) stops: Vec<String>,
    pub(crate) stop: Option<ErrorKind>,
    pub(crate) released: bool,
    pub(crate) now_creating: usize,
    pub(crate) most_creating: usize,
    pub(crate) now_removing: usize,
    pub(crate) most_removing: usize,
}

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) state: Mutex<State>,
    /// Creates stop here; one permit lets one through.
    pub(crate) gate: Semaphore,
    pub(crate) gated: bool,
    pub(crate) create_time: Duration,
    pub(crate) destroy_time: Duration,
    pub(crate) renew_every: Option<Duration>,
    pub(crate) agreed: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Service(pub(crate) Arc<Fake>);

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Fake)) -> Self {
        let mut fake = Fake {
            state: Mutex::default(),
            gate: Semaphore::new(0),
            gated: false,
            create_time: Duration::ZERO,
            destroy_time: Duration::ZERO,
            renew_every: None,
            agreed: None,
        };
        change(&mut fake);
        Self(Arc::new(fake))
    }

    pub(crate) fn script(self, script: impl IntoIterator<Item = Create>) -> Self {
        self.edit(|state| state.script = script.into_iter().collect());
        self
    }

    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap())
    }

    pub(crate) fn creates(&self) -> usize {
        self.edit(|state| state.creates.len())
    }

    pub(crate) fn destroys(&self) -> usize {
        self.edit(|state| state.destroys.len())
    }

    pub(crate) fn rows(&self) -> usize {
        self.edit(|state| state.rows.len())
    }

    /// A request that nobody answered is carried out now.
    pub(crate) fn appears(&self, name: &str) {
        self.edit(|state| state.rows.insert(name.to_owned(), Row::Ready));
    }

    /// A factory whose tasks run here.
    pub(crate) fn factory(&self) -> CachingFactory<Self> {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> CachingFactoryBuilder<Self> {
        CachingFactory::builder(self.clone(), params()).spawner(Arc::new(Handle::current()))
    }
}

#[async_trait]
impl Provider for Service {
    type Params = Params;
    type Sandbox = FakeSandbox;

    fn name_prefix(&self) -> &str {
        "fake-"
    }

    fn agreed_name(&self, _params: &ParamsResolved) -> Result<Option<String>, Error> {
        Ok(self.0.agreed.map(str::to_owned))
    }

    fn account(&self, params: &ParamsResolved, mut account: &mut dyn Hasher) {
        params.key.hash_key(&mut account);
    }

    fn scope<'p>(&self, params: &'p ParamsResolved) -> Option<&'p Scope> {
        params.tenant.as_ref()
    }

    async fn create(
        &self,
        attempt: &Attempt,
        _params: &ParamsResolved,
    ) -> Result<FakeSandbox, CreateError> {
        let name = attempt.name().to_owned();
        let step = self.edit(|state| {
            state.creates.push(name.clone());
            state.now_creating += 1;
            state.most_creating = state.most_creating.max(state.now_creating);
            state.script.pop_front().unwrap_or(Create::Ok)
        });
        if self.0.gated {
            self.0.gate.acquire().await.unwrap().forget();
        }
        if !self.0.create_time.is_zero() {
            tokio::time::sleep(self.0.create_time).await;
        }
        self.edit(|state| state.now_creating -= 1);
        let lost = || CreateError::may_exist(Error::new(ErrorKind::Unavailable, "reset by peer"));
        let add = |row| {
            self.edit(|state| match state.rows.contains_key(&name) {
                true => Err(CreateError::may_exist(Error::new(
                    ErrorKind::Conflict,
                    "the name is taken",
                ))),
                false => {
                    state.rows.insert(name.clone(), row);
                    Ok(())
                }
            })
        };
        match step {
            Create::Ok => add(Row::Ready)?,
            Create::Lost => {
                add(Row::Ready)?;
                return Err(lost());
            }
            Create::Broken => {
                add(Row::Broken)?;
                return Err(CreateError::may_exist(Error::new(
                    ErrorKind::Provider,
                    "sandbox failed to start",
                )));
            }
            Create::Pending => {
                add(Row::Pending)?;
                return Err(lost());
            }
            Create::Silence => return Err(lost()),
            Create::Answered => return Err(lost().answered()),
            Create::Refused(kind) => {
                return Err(CreateError::may_exist(Error::new(kind, "refused")));
            }
            Create::Later(after) => {
                let error = Error::new(ErrorKind::RateLimited, "too many");
                return Err(CreateError::may_exist(error.with_retry_after(after)));
            }
            Create::Unsent => {
                return Err(CreateError::not_created(Error::new(
                    ErrorKind::Unavailable,
                    "connection refused",
                )));
            }
            Create::Panic => panic!("a panic with k-canary"),
            Create::Hang => std::future::pending().await,
        }
        Ok(FakeSandbox::new(attempt))
    }

    async fn find(
        &self,
        attempt: &Attempt,
        _params: &ParamsResolved,
    ) -> Result<Found<FakeSandbox>, Error> {
        self.edit(|state| {
            state.finds += 1;
            if let Some(kind) = state.look_ups {
                return Err(Error::new(kind, "no answer"));
            }
            Ok(match state.rows.get(attempt.name()) {
                None => Found::Absent,
                Some(Row::Ready) => Found::Ready(FakeSandbox::new(attempt)),
                Some(Row::Pending) => Found::Pending,
                Some(Row::Broken) => Found::Broken {
                    target: Target::new(Some(format!("id-{}", attempt.name())), attempt.name()),
                    reason: Error::new(ErrorKind::Provider, "the disk is full"),
                },
            })
        })
    }

    async fn destroy(&self, target: &Target, _params: &ParamsResolved) -> Result<Destroyed, Error> {
        let step = self.edit(|state| {
            state.destroys.push(target.name().to_owned());
            state.now_removing += 1;
            state.most_removing = state.most_removing.max(state.now_removing);
            state.removals.pop_front()
        });
        if !self.0.destroy_time.is_zero() {
            tokio::time::sleep(self.0.destroy_time).await;
        }
        let answer = match step {
            Some(Destroy::Fail(kind)) => Err(Error::new(kind, "not now")),
            Some(Destroy::Hang) => std::future::pending().await,
            None => Ok(()),
        };
        self.edit(|state| {
            state.now_removing -= 1;
            answer?;
            if let Some(dependents) = state.dependents.get(target.name())
                && dependents.iter().any(|name| state.rows.contains_key(name))
            {
                return Err(Error::new(ErrorKind::InvalidInput, "it has active forks"));
            }
            if state.released {
                return Ok(Destroyed::Released);
            }
            Ok(match state.rows.remove(target.name()) {
                Some(_) => Destroyed::Accepted,
                None => Destroyed::Gone,
            })
        })
    }

    async fn stop(&self, target: &Target, _params: &ParamsResolved) -> Result<(), Error> {
        self.edit(|state| {
            state.stops.push(target.name().to_owned());
            match state.stop {
                None => Ok(()),
                Some(kind) => Err(Error::new(kind, "it does not stop")),
            }
        })
    }

    async fn dependents(
        &self,
        target: &Target,
        _params: &ParamsResolved,
    ) -> Result<Vec<Target>, Error> {
        self.edit(|state| {
            let names = state.dependents.get(target.name()).cloned();
            let names = names.unwrap_or_default().into_iter();
            Ok(names.map(|name| Target::new(None, name)).collect())
        })
    }

    async fn inspect(&self, _sandbox: &FakeSandbox) -> Result<Health, Error> {
        let health = self.edit(|state| {
            state.inspections += 1;
            state.health.clone()
        });
        if self.0.gated {
            self.0.gate.acquire().await.unwrap().forget();
        }
        health.ok_or_else(|| Error::new(ErrorKind::Unavailable, "no answer"))
    }

    async fn start(&self, _sandbox: &FakeSandbox) -> Result<(), Error> {
        self.edit(|state| {
            state.starts += 1;
            match state.start {
                None => Ok(()),
                Some(kind) => Err(Error::new(kind, "it does not start")),
            }
        })
    }

    async fn renew(&self, _sandbox: &FakeSandbox) -> Result<(), Error> {
        self.edit(|state| {
            state.renewals += 1;
            match state.renewal {
                None => Ok(()),
                Some(kind) => Err(Error::new(kind, "not renewed")),
            }
        })
    }

    fn renew_interval(&self) -> Option<Duration> {
        self.0.renew_every
    }

    fn server_bound(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }
}

/// Lets every other task run until nothing is left to do at this instant.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Opens in a task of its own.
pub(crate) fn opening(
    factory: &CachingFactory<Service>,
    context: impl Source + 'static,
) -> tokio::task::JoinHandle<Result<Arc<FakeSandbox>, Error>> {
    let factory = factory.clone();
    Handle::current().spawn(async move { factory.open(&context).await })
}

/// Closes in a task of its own.
pub(crate) fn closing(
    factory: &CachingFactory<Service>,
) -> tokio::task::JoinHandle<Result<(), CloseError>> {
    let factory = factory.clone();
    Handle::current().spawn(async move { factory.close().await })
}
