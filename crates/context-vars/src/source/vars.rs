//! The context for those who have no type of their own.

use std::collections::BTreeMap;
use std::fmt;

use super::Source;
use crate::value::{Value, ValueRef};

/// Owned variables by name. `Debug` shows names and types, never a value.
///
/// ```
/// use context_vars::{Secret, Vars};
///
/// let vars = Vars::new().with("tenant", "acme").with("key", Secret::new("k-1"));
/// assert_eq!(format!("{vars:?}"), r#"{"key": <secret>, "tenant": <string>}"#);
/// ```
#[derive(Clone, Default)]
pub struct Vars(BTreeMap<String, Value>);

impl Vars {
    /// No variables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable, or replaces it.
    ///
    /// ```
    /// use context_vars::{Source, Vars};
    ///
    /// let vars = Vars::new().with("tenant", "acme").with("debug", true).with("team", None::<&str>);
    /// assert!(vars.get("team").is_some(), "a null is present");
    /// ```
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds a variable and returns the value it replaces, if any.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }

    /// Removes a variable and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many variables there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Source for Vars {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.0.get(name).map(Value::as_ref)
    }
}

impl fmt::Debug for Vars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Vars {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Vars {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, variables: I) {
        self.0.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
    }
}
