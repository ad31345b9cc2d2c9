//! What a resolution could not do.

use std::fmt;

use crate::value::Kind;

/// Every parameter that could not be resolved, in the order of their declaration.
///
/// It names parameters, map keys, variables and types, and holds no value.
#[derive(Clone)]
pub struct ResolveError(Box<[Problem]>);

impl ResolveError {
    /// The problems, in the order of the parameters.
    #[must_use]
    pub fn problems(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [problem] => write!(f, "cannot resolve parameter {problem}"),
            problems => {
                write!(f, "cannot resolve {} values: ", problems.len())?;
                for (at, problem) in problems.iter().enumerate() {
                    let separator = if at == 0 { "" } else { "; " };
                    write!(f, "{separator}{problem}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResolveError").field(&self.0).finish()
    }
}

impl std::error::Error for ResolveError {}

/// One parameter, map entry or template name that could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    parameter: String,
    key: Option<String>,
    variable: Option<String>,
    wanted: &'static str,
    reason: Reason,
}

/// What is wrong with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The context does not have the variable, and it has no default.
    Missing,
    /// The value is of another type than the parameter's.
    WrongType(Kind),
    /// The value of the variable is itself a variable.
    Variable,
    /// The type is right, the value is not: the text says why, such as `is empty`.
    Invalid(&'static str),
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The context does not have the variable, and it has no default.
    Missing,
    /// The value is of another type than the parameter's.
    WrongType,
    /// The value of the variable is itself a variable.
    Variable,
    /// The type is right, the value is not.
    Invalid,
}

impl Problem {
    /// The name of the parameter.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.parameter
    }

    /// The entry, if the parameter is a map and one entry is at fault.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The name that was looked up; none for a constant.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// The type the parameter takes.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        self.wanted
    }

    /// The type that was found instead, for a wrong type.
    #[must_use]
    pub fn found(&self) -> Option<Kind> {
        match self.reason {
            Reason::WrongType(kind) => Some(kind),
            Reason::Variable => Some(Kind::Variable),
            Reason::Missing | Reason::Invalid(_) => None,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        match self.reason {
            Reason::Missing => ProblemKind::Missing,
            Reason::WrongType(_) => ProblemKind::WrongType,
            Reason::Variable => ProblemKind::Variable,
            Reason::Invalid(_) => ProblemKind::Invalid,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.parameter.escape_debug())?;
        if let Some(key) = &self.key {
            write!(f, " key `{}`", key.escape_debug())?;
        }
        match &self.variable {
            Some(variable) => write!(f, ": variable `{}` ", variable.escape_debug())?,
            None => f.write_str(": the value ")?,
        }
        match self.reason {
            Reason::Missing => f.write_str("is missing and has no default"),
            Reason::WrongType(found) => write!(f, "gives {found}, wanted {}", self.wanted),
            Reason::Variable => write!(f, "gives another variable, wanted {}", self.wanted),
            Reason::Invalid(why) => f.write_str(why),
        }
    }
}

/// Which parameter, and which entry of it, is being resolved.
#[derive(Clone, Copy, Debug)]
pub struct Site<'s> {
    parameter: &'s str,
    key: Option<&'s str>,
}

impl<'s> Site<'s> {
    /// A parameter as a whole.
    #[must_use]
    pub fn new(parameter: &'s str) -> Self {
        Self {
            parameter,
            key: None,
        }
    }

    /// One entry of the parameter.
    #[must_use]
    pub fn entry(self, key: &'s str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// The name an unnamed variable takes here: the entry's, else the parameter's.
    #[must_use]
    pub fn name(&self) -> &'s str {
        self.key.unwrap_or(self.parameter)
    }
}

/// The problems of a resolution under way. Allocates only once there is one.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problem yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// True if nothing went wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts the problems of a map into the order of its keys: a hash map has none of its own.
    pub(crate) fn sort_keys_from(&mut self, start: usize) {
        if let Some(problems) = self.0.get_mut(start..) {
            problems.sort_by(|a, b| a.key.cmp(&b.key));
        }
    }

    /// Notes that the value at `site` is not to be had; `variable` is the name looked up, if one
    /// was, `wanted` the type.
    pub fn push(
        &mut self,
        site: Site<'_>,
        variable: Option<&str>,
        wanted: &'static str,
        reason: Reason,
    ) {
        self.0.push(Problem {
            parameter: site.parameter.to_owned(),
            key: site.key.map(str::to_owned),
            variable: variable.map(str::to_owned),
            wanted,
            reason,
        });
    }

    /// The error that lists them all.
    #[must_use]
    pub fn into_error(self) -> ResolveError {
        ResolveError(self.0.into_boxed_slice())
    }
}
