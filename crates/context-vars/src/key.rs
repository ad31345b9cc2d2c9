//! Keys: what is hashed and compared of a resolved tuple.
//!
//! What goes into the hasher is unambiguous: texts carry their length, optional values, scopes
//! and maps carry a tag or a count, and the tuple is its fields in order. So no two different
//! tuples of one type feed a hasher the same. Only `write`, `write_u8` and `write_u64` are called
//! for the types of this crate; a hasher that overrides `write_u64` with a fixed byte order (an
//! HMAC, say) gives the same answer on every machine.

use std::fmt;
use std::hash::Hasher;

mod impls;

/// The owned side of a key: what a map stores.
pub trait ResolvedKey: Clone + fmt::Debug + Send + Sync + 'static {
    /// Feeds the value to a hasher, exactly as the [`KeyView`] it came from did.
    fn hash_key<H: Hasher>(&self, state: &mut H);

    /// True if both are the same key.
    fn eq_key(&self, other: &Self) -> bool;
}

/// The borrowed side of a key: what a look-up has in hand.
pub trait KeyView: fmt::Debug + Send + Sync {
    /// What a map stores for it.
    type Owned: ResolvedKey;

    /// Feeds the value to a hasher.
    fn hash_key<H: Hasher>(&self, state: &mut H);

    /// True if `owned` is the key this is a view of.
    fn matches(&self, owned: &Self::Owned) -> bool;

    /// Copies what is borrowed, to be stored.
    fn to_resolved(&self) -> Self::Owned;
}

/// A resolved tuple, with its fields one by one: to fingerprint a tuple without its credential, or
/// to say which parameter of two tuples differs.
pub trait ResolvedTuple: ResolvedKey {
    /// The names of the parameters that are in the key, in order.
    const FIELDS: &'static [&'static str];

    /// Feeds one field, by its position in [`FIELDS`](Self::FIELDS), to a hasher; a position
    /// beyond the last does nothing.
    fn hash_field<H: Hasher>(&self, field: usize, state: &mut H);
}

/// Feeds a text to a hasher with its length before it.
#[inline]
pub fn hash_text<H: Hasher>(text: &str, state: &mut H) {
    state.write_u64(text.len() as u64);
    state.write(text.as_bytes());
}
