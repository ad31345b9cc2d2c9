//! What a provider promises to the caching factory, which nobody sees who only opens.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{KeyView, Resolve};

use super::lab::{Lab, context, ended};
use super::rule::{Broken, Check, Rule, ensure, same};
use crate::{
    Attempt, BoxFuture, CreateError, Destroyed, Error, ExecRequest, ExecStatus, Fate, Found,
    Provider, ResolvedOf, Sandbox, Target,
};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "provider-passes-the-attempt-on",
        "what `create` makes has the attempt's name, generation, loss and liveness",
        "build the info from the attempt, keep a clone of its liveness, and check that first in every call",
        |lab| {
            with_attempt(lab, |bench, attempt| {
                Box::pin(passes_attempt_on(bench, attempt))
            })
        },
    ),
    Rule::new(
        "provider-finds-what-it-made",
        "`find` gives a working handle of what the attempt made, the same sandbox",
        "look the attempt's name up at the service, not in a list of your own",
        |lab| {
            with_attempt(lab, |bench, attempt| {
                Box::pin(finds_what_it_made(bench, attempt))
            })
        },
    ),
    Rule::new(
        "provider-tells-absence",
        "`find` answers `Absent` for an attempt that made nothing",
        "make nothing in `find`, and map `not found` to `Absent`",
        |lab| {
            with_attempt(lab, |bench, attempt| {
                Box::pin(tells_absence(bench, attempt))
            })
        },
    ),
    Rule::new(
        "provider-makes-one-of-a-name",
        "a second `create` of an attempt makes no second sandbox, nor says that none can exist",
        "create under the attempt's name, and fail as `MayExist` where it is taken",
        |lab| {
            with_attempt(lab, |bench, attempt| {
                Box::pin(makes_one_of_a_name(bench, attempt))
            })
        },
    ),
    Rule::new(
        "provider-destroys-by-name",
        "`destroy` needs no more than the name; what is gone, or never was, is no error but `NotFound`",
        "look the id up by the name where it is missing, and take `not found` for success",
        |lab| {
            with_attempt(lab, |bench, attempt| {
                Box::pin(destroys_by_name(bench, attempt))
            })
        },
    ),
];

/// A provider with its parameters, whatever they are.
#[async_trait]
pub(super) trait Bench: Send + Sync {
    fn prefix(&self) -> &str;
    async fn create(&self, attempt: &Attempt) -> Result<Arc<dyn Sandbox>, CreateError>;
    async fn find(&self, attempt: &Attempt) -> Result<Found<Arc<dyn Sandbox>>, Error>;
    async fn destroy(&self, target: &Target) -> Result<Destroyed, Error>;
}

/// The provider and the parameters of one tenant.
pub(super) struct Of<P: Provider> {
    pub(super) provider: P,
    pub(super) params: P::Params,
}

impl<P: Provider> Of<P> {
    fn resolved(&self) -> Result<ResolvedOf<P>, Error> {
        let context = context("one");
        let view = self.params.resolve(&context)?;
        Ok(view.to_resolved())
    }
}

#[async_trait]
impl<P: Provider> Bench for Of<P> {
    fn prefix(&self) -> &str {
        self.provider.name_prefix()
    }

    async fn create(&self, attempt: &Attempt) -> Result<Arc<dyn Sandbox>, CreateError> {
        let params = self.resolved().map_err(CreateError::not_created)?;
        let made = self.provider.create(attempt, &params).await?;
        Ok(Arc::new(made))
    }

    async fn find(&self, attempt: &Attempt) -> Result<Found<Arc<dyn Sandbox>>, Error> {
        let found = self.provider.find(attempt, &self.resolved()?).await?;
        Ok(match found {
            Found::Ready(sandbox) => Found::Ready(Arc::new(sandbox)),
            Found::Broken { target, reason } => Found::Broken { target, reason },
            Found::Pending => Found::Pending,
            Found::Absent => Found::Absent,
        })
    }

    async fn destroy(&self, target: &Target) -> Result<Destroyed, Error> {
        match self.provider.destroy(target, &self.resolved()?).await {
            // As the factory takes it.
            Err(error) if error.is_not_found() || error.is_lost() => Ok(Destroyed::Gone),
            other => other,
        }
    }
}

/// An attempt of a name nobody else has.
fn attempt(bench: &dyn Bench) -> Result<Attempt, Broken> {
    let mut bytes = [0_u8; 13];
    getrandom::fill(&mut bytes).map_err(|_| Broken("there is no randomness".to_owned()))?;
    let random: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Attempt::new(format!("{}{random}", bench.prefix()), 3, true))
}

type Work = for<'a> fn(&'a dyn Bench, &'a Attempt) -> BoxFuture<'a, Check>;

/// Does something with an attempt and removes what came of it, whatever that was.
fn with_attempt(lab: &Lab, work: Work) -> BoxFuture<'_, Check> {
    Box::pin(async move {
        let Some(bench) = lab.bench.as_deref() else {
            return Err(Broken("the suite has no provider".to_owned()));
        };
        let attempt = attempt(bench)?;
        let checked = work(bench, &attempt).await;
        let destroyed = destroy(bench, &Target::new(None, attempt.name())).await;
        checked?;
        destroyed?;
        Ok(())
    })
}

/// A little time for a service that takes its own; `Err` once it has taken too long.
async fn pause(tries: &mut u32, what: &str) -> Check {
    *tries += 1;
    ensure(*tries < 300, || {
        format!("{what} did not come to its end within 30 s")
    })?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

async fn create(bench: &dyn Bench, attempt: &Attempt) -> Result<Arc<dyn Sandbox>, Broken> {
    let made = bench.create(attempt).await;
    made.map_err(|error| Broken::from(error.into_error()))
}

/// As the factory does it: again, as long as the error says that this may help.
async fn destroy(bench: &dyn Bench, target: &Target) -> Result<Destroyed, Broken> {
    let mut tries = 0;
    loop {
        match bench.destroy(target).await {
            Err(error) if error.is_transient() => pause(&mut tries, "the removal").await?,
            other => return Ok(other?),
        }
    }
}

async fn works(sandbox: &dyn Sandbox) -> Check {
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await?;
    ended(&outcome, ExecStatus::Exited(0))
}

/// What the attempt made, once it is ready.
async fn ready(bench: &dyn Bench, attempt: &Attempt) -> Result<Arc<dyn Sandbox>, Broken> {
    let mut tries = 0;
    loop {
        match bench.find(attempt).await? {
            Found::Ready(sandbox) => return Ok(sandbox),
            Found::Pending => pause(&mut tries, "the creation").await?,
            other => return Err(Broken(format!("`find` of what was made: {other:?}"))),
        }
    }
}

async fn passes_attempt_on(bench: &dyn Bench, attempt: &Attempt) -> Check {
    let sandbox = create(bench, attempt).await?;
    works(&*sandbox).await?;
    let info = sandbox.info();
    same("the name", info.name(), attempt.name())?;
    same("the generation", info.generation(), attempt.generation())?;
    same(
        "whether state was lost",
        info.state_lost(),
        attempt.previous_lost(),
    )?;
    attempt.liveness().mark_closed();
    super::lab::refuses_all(&*sandbox).await
}

async fn finds_what_it_made(bench: &dyn Bench, attempt: &Attempt) -> Check {
    let made = create(bench, attempt).await?;
    made.put("file", "text".into()).await?;
    let found = ready(bench, attempt).await?;
    same(
        "the id of what was found",
        found.info().id(),
        made.info().id(),
    )?;
    same("its name", found.info().name(), attempt.name())?;
    same(
        "its generation",
        found.info().generation(),
        attempt.generation(),
    )?;
    works(&*found).await?;
    let content = found.get("file").await?;
    same("the file in it", &content[..], b"text")?;
    attempt.liveness().mark_closed();
    super::lab::refuses_all(&*found).await
}

async fn tells_absence(bench: &dyn Bench, attempt: &Attempt) -> Check {
    for _ in 0..2 {
        let found = bench.find(attempt).await?;
        ensure(matches!(found, Found::Absent), || {
            format!("`find` of what was never made: {found:?}")
        })?;
    }
    Ok(())
}

async fn makes_one_of_a_name(bench: &dyn Bench, attempt: &Attempt) -> Check {
    let first = create(bench, attempt).await?;
    first.put("file", "text".into()).await?;
    match bench.create(attempt).await {
        Ok(second) => {
            same(
                "the id of the second",
                second.info().id(),
                first.info().id(),
            )?;
        }
        Err(error) => ensure(error.fate() == Fate::MayExist, || {
            format!(
                "the second `create` says that nothing can exist: {}",
                error.error()
            )
        })?,
    }
    let found = ready(bench, attempt).await?;
    same(
        "the id of what is found then",
        found.info().id(),
        first.info().id(),
    )?;
    let content = first.get("file").await?;
    same("the file in the first", &content[..], b"text")
}

async fn destroys_by_name(bench: &dyn Bench, attempt: &Attempt) -> Check {
    let target = Target::new(None, attempt.name());
    // Nothing is there yet.
    destroy(bench, &target).await?;
    let sandbox = create(bench, attempt).await?;
    works(&*sandbox).await?;
    let destroyed = destroy(bench, &target).await?;
    let mut tries = 0;
    loop {
        let found = bench.find(attempt).await?;
        if matches!(found, Found::Absent) {
            break;
        }
        // What was accepted may still need a moment.
        ensure(destroyed != Destroyed::Gone, || {
            format!("`destroy` says `Gone`, and `find` {found:?}")
        })?;
        pause(&mut tries, "the removal").await?;
    }
    destroy(bench, &target).await?;
    destroy(bench, &Target::of(&sandbox.info())).await?;
    match sandbox.exec(ExecRequest::argv(["true"])).await {
        Ok(outcome) => ensure(!outcome.success(), || {
            "a command ran in a destroyed sandbox".to_owned()
        }),
        Err(_) => Ok(()),
    }
}
