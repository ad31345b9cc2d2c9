//! Running the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::lab::{Lab, Make};
#[cfg(feature = "cache")]
use super::provider;
use super::report::{Outcome, Report};
use super::rule::{Broken, Check, Rule};
use super::{cancellation, concurrency, exec, files, lifecycle, secrets};
use crate::SandboxFactory;
#[cfg(feature = "cache")]
use crate::{CachingFactory, Provider};

#[cfg(feature = "cache")]
type MakeBench = Arc<dyn Fn() -> Arc<dyn provider::Bench> + Send + Sync>;

/// Every rule, in the order of a run.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        lifecycle::RULES,
        concurrency::RULES,
        cancellation::RULES,
        exec::RULES,
        files::RULES,
        secrets::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Every rule of a provider, which [`Suite::over`] runs before those of a factory.
#[cfg(feature = "cache")]
pub fn provider_rules() -> impl Iterator<Item = &'static Rule> {
    provider::RULES.iter()
}

/// A run of the rules, to be set up.
#[must_use = "nothing runs until `run`"]
pub struct Suite {
    make: Make,
    #[cfg(feature = "cache")]
    bench: Option<MakeBench>,
    only: BTreeSet<String>,
    skip: BTreeMap<String, String>,
    at_once: usize,
    timeout: Duration,
}

impl Suite {
    /// All rules, over factories that `make` makes: a new one for each, with nothing open.
    pub fn new<F: SandboxFactory>(make: impl Fn() -> F + Send + Sync + 'static) -> Self {
        Self {
            make: Arc::new(move || Arc::new(make())),
            #[cfg(feature = "cache")]
            bench: None,
            only: BTreeSet::new(),
            skip: BTreeMap::new(),
            at_once: 4,
            timeout: Duration::from_mins(2),
        }
    }

    /// All rules, over a [`CachingFactory`](crate::CachingFactory) of the provider and the
    /// parameters that `make` makes, and before them the [rules of a provider](provider_rules).
    /// Each time it makes both anew, with nothing open; they may share what stands for the service.
    #[cfg(feature = "cache")]
    pub fn over<P: Provider>(make: impl Fn() -> (P, P::Params) + Send + Sync + 'static) -> Self {
        let make = Arc::new(make);
        let for_bench = Arc::clone(&make);
        let bench: MakeBench = Arc::new(move || {
            let (provider, params) = for_bench();
            Arc::new(provider::Of { provider, params })
        });
        let mut suite = Self::new(move || {
            let (provider, params) = make();
            CachingFactory::new(provider, params)
        });
        suite.bench = Some(bench);
        suite
    }

    /// The rules of this run, before any is left out.
    fn rules(&self) -> Vec<Rule> {
        #[cfg(feature = "cache")]
        let of_provider = self.bench.iter().flat_map(|_| provider_rules());
        #[cfg(not(feature = "cache"))]
        let of_provider = std::iter::empty();
        of_provider.chain(rules()).copied().collect()
    }

    /// Runs this rule, and others named so, and no more. A name that is no rule's is a failure.
    pub fn only(mut self, name: impl Into<String>) -> Self {
        self.only.insert(name.into());
        self
    }

    /// Leaves this rule out, for a reason. A name that is no rule's is a failure.
    pub fn skip(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.skip.insert(name.into(), reason.into());
        self
    }

    /// How many rules run at the same time, each with a factory of its own. At least 1; default: 4.
    pub fn at_once(mut self, rules: usize) -> Self {
        self.at_once = rules.max(1);
        self
    }

    /// After how long a rule counts as broken because something hangs. Default: 2 minutes.
    pub fn rule_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the run; a sandbox that a rule had open may be left.
    pub async fn run(self) -> Report {
        let mut outcomes: Vec<(Rule, Option<Outcome>)> = Vec::new();
        let mut running = JoinSet::new();
        for rule in self.rules() {
            let place = outcomes.len();
            if let Some(reason) = self.skip.get(rule.name()) {
                outcomes.push((rule, Some(Outcome::Skipped(reason.clone()))));
                continue;
            }
            if !self.only.is_empty() && !self.only.contains(rule.name()) {
                continue;
            }
            outcomes.push((rule, None));
            if running.len() >= self.at_once {
                collect(&mut running, &mut outcomes).await;
            }
            let lab = Lab {
                factory: (self.make)(),
                make: Arc::clone(&self.make),
                #[cfg(feature = "cache")]
                bench: self.bench.as_ref().map(|make| make()),
            };
            let work = run_one(rule, lab, self.timeout);
            running.spawn(async move { (place, work.await) });
        }
        while !running.is_empty() {
            collect(&mut running, &mut outcomes).await;
        }
        let mut outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|(rule, outcome)| {
                let panicked = || Outcome::Broken("a call panicked".to_owned());
                (rule, outcome.unwrap_or_else(panicked))
            })
            .collect();
        outcomes.extend(self.unknown_names());
        Report::new(outcomes)
    }

    fn unknown_names(&self) -> Vec<(Rule, Outcome)> {
        let names = self.only.iter().chain(self.skip.keys());
        names
            .filter(|name| self.rules().iter().all(|rule| rule.name() != *name))
            .map(|name| {
                let how = format!("there is no rule of the name {name:?}");
                (NAMES, Outcome::Broken(how))
            })
            .collect()
    }
}

const NAMES: Rule = Rule::new(
    "names",
    "every rule that is asked for or left out exists",
    "take the names from `rules`",
    |_| Box::pin(async { Ok(()) }),
);

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("only", &self.only)
            .field("skip", &self.skip)
            .field("at_once", &self.at_once)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A rule that panics leaves its place empty.
async fn collect(
    running: &mut JoinSet<(usize, Outcome)>,
    outcomes: &mut [(Rule, Option<Outcome>)],
) {
    if let Some(Ok((place, outcome))) = running.join_next().await
        && let Some((_, slot)) = outcomes.get_mut(place)
    {
        *slot = Some(outcome);
    }
}

async fn run_one(rule: Rule, lab: Lab, timeout: Duration) -> Outcome {
    let hangs = |what: &str| Broken(format!("{what} hangs: it took more than {timeout:?}"));
    let checked: Check = match tokio::time::timeout(timeout, rule.check(&lab)).await {
        Ok(checked) => checked,
        Err(_) => Err(hangs("a call")),
    };
    // Whatever came of it, nothing may be left.
    let closed: Check = match tokio::time::timeout(timeout, lab.factory.close()).await {
        Ok(closed) => closed.map_err(Broken::from),
        Err(_) => Err(hangs("the close after it")),
    };
    match checked.and(closed) {
        Ok(()) => Outcome::Kept,
        Err(Broken(how)) => Outcome::Broken(how),
    }
}
