//! Maps of secrets as a look-up sees them.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;
use std::slice;

use smallvec::SmallVec;

use super::{Entries, SecretMap};
use crate::key::{KeyView, hash_text};
use crate::secret::{Secret, SecretView, same_text};

/// Most environments fit; beyond it a look-up allocates once.
const INLINE: usize = 16;

/// A map of secrets as a look-up sees it, ordered by name. `Debug` shows the names only.
#[derive(Clone)]
pub struct MapView<'a>(Repr<'a>);

#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "boxed, it would allocate in each look-up"
)]
enum Repr<'a> {
    /// Constants stay where they are; what was looked up is here in the order of the entries.
    Entries {
        entries: &'a Entries,
        found: SmallVec<[SecretView<'a>; INLINE]>,
    },
    Merged(SmallVec<[(Cow<'a, str>, SecretView<'a>); INLINE]>),
}

/// Gathers entries from several places.
pub(super) struct Merge<'a>(SmallVec<[(Cow<'a, str>, SecretView<'a>); INLINE]>);

impl<'a> Merge<'a> {
    pub(super) fn push(&mut self, name: Cow<'a, str>, value: SecretView<'a>) {
        self.0.push((name, value));
    }

    pub(super) fn into_view(mut self) -> MapView<'a> {
        let entries = &mut self.0;
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            entries.dedup_by(|a, b| a.0 == b.0);
        }
        MapView(Repr::Merged(self.0))
    }
}

impl<'a> MapView<'a> {
    /// `found` has the values of those entries that are no constants.
    pub(super) fn of_entries(
        entries: &'a Entries,
        found: SmallVec<[SecretView<'a>; INLINE]>,
    ) -> Self {
        Self(Repr::Entries { entries, found })
    }

    /// Begins with no entries.
    pub(super) fn merge() -> Merge<'a> {
        Merge(SmallVec::new())
    }

    pub(super) fn to_map(&self) -> SecretMap {
        self.to_resolved()
    }

    #[inline]
    fn texts(&self) -> Texts<'_> {
        match &self.0 {
            Repr::Entries { entries, found } => Texts::Entries(entries.iter(), found.iter()),
            Repr::Merged(entries) => Texts::Merged(entries.iter()),
        }
    }

    /// The entries, ordered by name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, SecretView<'_>)> {
        self.texts()
            .map(|(name, text)| (name, SecretView::borrowed(text)))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts().len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Names and exposed texts.
enum Texts<'v> {
    Entries(
        slice::Iter<'v, super::Entry>,
        slice::Iter<'v, SecretView<'v>>,
    ),
    Merged(slice::Iter<'v, (Cow<'v, str>, SecretView<'v>)>),
}

impl<'v> Iterator for Texts<'v> {
    type Item = (&'v str, &'v str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Entries(entries, found) => {
                let (name, param) = entries.next()?;
                let text = match param.constant() {
                    Some(constant) => constant.expose(),
                    None => found.next()?.expose(),
                };
                Some((name, text))
            }
            Self::Merged(entries) => {
                let (name, value) = entries.next()?;
                Some((name, value.expose()))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Entries(entries, _) => entries.size_hint(),
            Self::Merged(entries) => entries.size_hint(),
        }
    }
}

impl ExactSizeIterator for Texts<'_> {}

impl fmt::Debug for MapView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl KeyView for MapView<'_> {
    type Owned = SecretMap;

    #[inline]
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.len() as u64);
        for (name, text) in self.texts() {
            hash_text(name, state);
            hash_text(text, state);
        }
    }

    #[inline]
    fn matches(&self, owned: &SecretMap) -> bool {
        self.len() == owned.len()
            && self
                .texts()
                .zip(owned.iter())
                .all(|((name, text), (own_name, own))| {
                    name == own_name && same_text(text, own.expose())
                })
    }

    fn to_resolved(&self) -> SecretMap {
        self.texts()
            .map(|(name, text)| (name, Secret::from(text)))
            .collect()
    }
}
