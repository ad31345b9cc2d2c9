//! Contexts over one another.

use std::fmt;

use super::Source;
use crate::value::ValueRef;

/// Several contexts, of which the first that has a name answers. A present null counts, so an
/// upper layer can blank what a lower one sets.
///
/// ```
/// use context_vars::{Layered, Source, ValueRef, Vars};
///
/// let agent = Vars::new().with("tenant", "acme").with("team", "base");
/// let call = Vars::new().with("team", "blue");
/// let both = Layered::new().layer(&call).layer(&agent);
/// assert!(matches!(both.get("team"), Some(ValueRef::Str("blue"))));
/// assert!(matches!(both.get("tenant"), Some(ValueRef::Str("acme"))));
/// ```
#[derive(Default)]
pub struct Layered<'s>(Vec<Box<dyn Source + 's>>);

impl<'s> Layered<'s> {
    /// No layers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer below those already there.
    #[must_use]
    pub fn layer(mut self, source: impl Source + 's) -> Self {
        self.0.push(Box::new(source));
        self
    }
}

impl Source for Layered<'_> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.0.iter().find_map(|source| source.get(name))
    }
}

impl fmt::Debug for Layered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layered({} layers)", self.0.len())
    }
}
