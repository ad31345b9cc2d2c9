//! What a run of the suite came to.

use std::fmt;

use super::rule::Rule;

/// What one rule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is kept.
    Kept,
    /// It is broken: how.
    Broken(String),
    /// It was left out: why.
    Skipped(String),
}

/// What a run of the suite came to, rule by rule.
#[derive(Clone, Debug)]
#[must_use = "call `assert_all`, or look at the failures"]
pub struct Report(Vec<(Rule, Outcome)>);

impl Report {
    pub(super) fn new(outcomes: Vec<(Rule, Outcome)>) -> Self {
        Self(outcomes)
    }

    /// Every rule that was looked at, in order.
    #[must_use]
    pub fn outcomes(&self) -> &[(Rule, Outcome)] {
        &self.0
    }

    /// The rules that are broken, and how.
    pub fn failures(&self) -> impl Iterator<Item = (&Rule, &str)> {
        self.0.iter().filter_map(|(rule, outcome)| match outcome {
            Outcome::Broken(how) => Some((rule, how.as_str())),
            Outcome::Kept | Outcome::Skipped(_) => None,
        })
    }

    /// Ends the test unless every rule is kept.
    ///
    /// # Panics
    ///
    /// If a rule is broken, or if none was run; the message names each broken one and says how to
    /// keep it.
    #[expect(clippy::panic, reason = "this is an assertion, made for tests")]
    pub fn assert_all(&self) {
        let run = |(_, outcome): &(Rule, Outcome)| !matches!(outcome, Outcome::Skipped(_));
        if !self.0.iter().any(run) {
            panic!("no rule was run");
        }
        if self.failures().next().is_some() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    /// The broken rules, each with how to keep it; then how many were kept and left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, how) in self.failures() {
            writeln!(f, "{}: {how}", rule.name())?;
            writeln!(f, "  the rule: {}", rule.promise())?;
            writeln!(f, "  to keep it: {}", rule.hint())?;
        }
        let count = |wanted: fn(&Outcome) -> bool| self.0.iter().filter(|(_, o)| wanted(o)).count();
        write!(
            f,
            "{} rules kept, {} broken, {} left out",
            count(|outcome| matches!(outcome, Outcome::Kept)),
            count(|outcome| matches!(outcome, Outcome::Broken(_))),
            count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        )
    }
}
