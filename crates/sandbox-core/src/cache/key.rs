//! Keys of the table: stored ones own the resolved values, a look-up borrows them.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

use context_vars::{KeyView, ResolvedKey};
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

/// What a stored key and a look-up have in common, so that one finds the other.
pub(super) trait Probe<K> {
    fn hash(&self) -> u64;
    fn matches(&self, owned: &K) -> bool;
    fn stored(&self) -> Option<&K>;
}

/// A resolved tuple with its hash; cheap to clone.
pub(super) struct StoredKey<K> {
    hash: u64,
    values: Arc<K>,
}

impl<K> StoredKey<K> {
    pub(super) fn new(hash: u64, values: K) -> Self {
        Self {
            hash,
            values: Arc::new(values),
        }
    }

    pub(super) fn values(&self) -> &K {
        &self.values
    }
}

impl<K> Clone for StoredKey<K> {
    fn clone(&self) -> Self {
        Self {
            hash: self.hash,
            values: Arc::clone(&self.values),
        }
    }
}

impl<K> fmt::Debug for StoredKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredKey(..)")
    }
}

impl<K: ResolvedKey> Probe<K> for StoredKey<K> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn matches(&self, owned: &K) -> bool {
        self.values.eq_key(owned)
    }

    fn stored(&self) -> Option<&K> {
        Some(&self.values)
    }
}

impl<K> Hash for StoredKey<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: ResolvedKey> PartialEq for StoredKey<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.values, &other.values) || self.values.eq_key(&other.values))
    }
}

impl<K: ResolvedKey> Eq for StoredKey<K> {}

impl<'a, K: ResolvedKey> Borrow<dyn Probe<K> + 'a> for StoredKey<K> {
    fn borrow(&self) -> &(dyn Probe<K> + 'a) {
        self
    }
}

impl<K> Hash for dyn Probe<K> + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Probe::hash(self));
    }
}

impl<K> PartialEq for dyn Probe<K> + '_ {
    fn eq(&self, other: &Self) -> bool {
        if Probe::hash(self) != Probe::hash(other) {
            return false;
        }
        match (self.stored(), other.stored()) {
            (_, Some(stored)) => self.matches(stored),
            (Some(stored), None) => other.matches(stored),
            (None, None) => false,
        }
    }
}

impl<K> Eq for dyn Probe<K> + '_ {}

/// A look-up by borrowed values.
pub(super) struct Lookup<'v, V> {
    pub(super) hash: u64,
    pub(super) view: &'v V,
}

impl<K: ResolvedKey, V: KeyView<Owned = K>> Probe<K> for Lookup<'_, V> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn matches(&self, owned: &K) -> bool {
        self.view.matches(owned)
    }

    fn stored(&self) -> Option<&K> {
        None
    }
}

/// The hash of resolved values: fast, and seeded per factory so that nobody can aim at it.
pub(super) struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    pub(super) fn new() -> Self {
        // The standard library's seed comes from the operating system.
        let seed = RandomState::new().hash_one(0_u64);
        Self(SeedableRandomState::with_seed(
            seed,
            SharedSeed::global_random(),
        ))
    }

    pub(super) fn hash<V: KeyView>(&self, view: &V) -> u64 {
        let mut state = self.0.build_hasher();
        view.hash_key(&mut state);
        state.finish()
    }
}

/// Hands the table the hash that a key already carries.
#[derive(Clone, Copy, Default)]
pub(super) struct PassThrough(u64);

impl BuildHasher for PassThrough {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for PassThrough {
    fn write(&mut self, bytes: &[u8]) {
        // Keys only write one u64; anything else still gives a hash, if a poor one.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
