//! One rule.

use std::error::Error as StdError;
use std::fmt;

use super::lab::Lab;
use crate::{BoxFuture, CloseError, Error};

/// What a check comes to.
pub(super) type Check = Result<(), Broken>;
/// The code of a rule.
pub(super) type Run = for<'a> fn(&'a Lab) -> BoxFuture<'a, Check>;

/// One rule: what a factory and its sandboxes promise.
#[derive(Clone, Copy)]
pub struct Rule {
    name: &'static str,
    promise: &'static str,
    hint: &'static str,
    run: Run,
}

impl Rule {
    pub(super) const fn new(
        name: &'static str,
        promise: &'static str,
        hint: &'static str,
        run: Run,
    ) -> Self {
        Self {
            name,
            promise,
            hint,
            run,
        }
    }

    /// Its name, such as `exit-codes`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What is promised.
    #[must_use]
    pub fn promise(&self) -> &'static str {
        self.promise
    }

    /// How to keep it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.hint
    }

    pub(super) fn check<'a>(&self, lab: &'a Lab) -> BoxFuture<'a, Check> {
        (self.run)(lab)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("name", &self.name)
            .field("promise", &self.promise)
            .finish_non_exhaustive()
    }
}

/// How a rule was broken, in words.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("a call failed: {}", chain(&error)))
    }
}

impl From<CloseError> for Broken {
    fn from(error: CloseError) -> Self {
        Self(format!("close failed: {}", chain(&error)))
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// `Ok` if `kept`; else broken, in these words.
pub(super) fn ensure(kept: bool, words: impl FnOnce() -> String) -> Check {
    if kept { Ok(()) } else { Err(Broken(words())) }
}

/// `Ok` if both are the same.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it reads as an assertion does"
)]
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, wanted: T) -> Check {
    ensure(found == wanted, || {
        format!("{what}: found {found:?}, wanted {wanted:?}")
    })
}
