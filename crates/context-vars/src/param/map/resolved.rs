//! Resolved maps of secrets.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use crate::key::{ResolvedKey, hash_text};
use crate::secret::Secret;

/// A map of secrets by name. `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretMap(BTreeMap<String, Secret>);

impl SecretMap {
    /// No entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The secret of one name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// The text of one name. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self, name: &str) -> Option<&str> {
        self.get(name).map(Secret::expose)
    }

    /// The entries, ordered by name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many entries there are.
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

impl fmt::Debug for SecretMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

impl IntoIterator for SecretMap {
    type Item = (String, Secret);
    type IntoIter = std::collections::btree_map::IntoIter<String, Secret>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<N: Into<String>, V: Into<Secret>> FromIterator<(N, V)> for SecretMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl<N: Into<String>, V: Into<Secret>, const COUNT: usize> From<[(N, V); COUNT]> for SecretMap {
    fn from(entries: [(N, V); COUNT]) -> Self {
        entries.into_iter().collect()
    }
}

impl<V: Into<Secret>> From<BTreeMap<String, V>> for SecretMap {
    fn from(entries: BTreeMap<String, V>) -> Self {
        entries.into_iter().collect()
    }
}

impl<V: Into<Secret>, S: BuildHasher> From<HashMap<String, V, S>> for SecretMap {
    fn from(entries: HashMap<String, V, S>) -> Self {
        entries.into_iter().collect()
    }
}

impl ResolvedKey for SecretMap {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.len() as u64);
        for (name, value) in self.iter() {
            hash_text(name, state);
            value.hash_key(state);
        }
    }

    fn eq_key(&self, other: &Self) -> bool {
        self == other
    }
}
