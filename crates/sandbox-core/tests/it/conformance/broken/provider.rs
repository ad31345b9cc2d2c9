//! Providers that break one rule.

use std::sync::Mutex;

use async_trait::async_trait;
use sandbox_core::conformance::{Outcome, Suite, provider_rules};
use sandbox_core::{Attempt, CreateError, Destroyed, Error, Fate, Found, Provider, Target};

use super::lock;
use crate::conformance::caching::{Held, Locals, Params, ParamsResolved, params};

/// Breaks the rule of this name.
#[derive(Debug)]
struct Broken {
    rule: &'static str,
    good: Locals,
    /// Attempts that were looked for.
    sought: Mutex<Vec<String>>,
}

impl Broken {
    fn new(rule: &'static str) -> Self {
        let (good, sought) = (Locals::default(), Mutex::default());
        Self { rule, good, sought }
    }
}

#[async_trait]
impl Provider for Broken {
    type Params = Params;
    type Sandbox = Held;

    async fn create(
        &self,
        attempt: &Attempt,
        params: &ParamsResolved,
    ) -> Result<Held, CreateError> {
        match self.rule {
            "provider-passes-the-attempt-on" => {
                let own = Attempt::new(attempt.name(), attempt.generation(), true);
                self.good.create(&own, params).await
            }
            "provider-makes-one-of-a-name" => match self.good.create(attempt, params).await {
                Err(error) if error.fate() == Fate::MayExist => {
                    Err(CreateError::not_created(error.into_error()))
                }
                other => other,
            },
            _ => self.good.create(attempt, params).await,
        }
    }

    async fn find(&self, attempt: &Attempt, params: &ParamsResolved) -> Result<Found<Held>, Error> {
        match self.rule {
            "provider-finds-what-it-made" => Ok(Found::Absent),
            "provider-tells-absence" => {
                let again = lock(&self.sought).iter().any(|name| name == attempt.name());
                lock(&self.sought).push(attempt.name().to_owned());
                if again {
                    let made = self.good.create(attempt, params).await;
                    return made.map(Found::Ready).map_err(CreateError::into_error);
                }
                self.good.find(attempt, params).await
            }
            _ => self.good.find(attempt, params).await,
        }
    }

    async fn destroy(&self, target: &Target, params: &ParamsResolved) -> Result<Destroyed, Error> {
        if self.rule == "provider-destroys-by-name" && target.id().is_none() {
            return Ok(Destroyed::Gone);
        }
        self.good.destroy(target, params).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_of_a_provider_is_broken_by_its_provider() {
    for rule in provider_rules() {
        let name = rule.name();
        let suite = Suite::over(move || (Broken::new(name), params())).only(name);
        let report = suite.run().await;
        let [(broken, Outcome::Broken(_))] = report.outcomes() else {
            unreachable!("{name} is not caught: {report}");
        };
        assert_eq!(broken.name(), name);
    }
}
