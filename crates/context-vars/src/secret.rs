//! A string that nothing prints.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// An owned secret string.
///
/// It has no `Display`, no `Hash` and no `Serialize`, its `Debug` is `Secret(..)`, its memory is
/// overwritten when it is dropped, and `==` takes the same time wherever two secrets of one
/// length differ.
///
/// ```
/// use context_vars::Secret;
///
/// let key = Secret::new("k-123");
/// assert_eq!(format!("{key:?}"), "Secret(..)");
/// assert_eq!(key.expose(), "k-123");
/// ```
///
/// ```compile_fail
/// println!("{}", context_vars::Secret::new("k-123"));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of `text`; a `String` is not copied.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    #[must_use]
    #[inline]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same_text(self.expose(), other.expose())
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// A secret as a look-up sees it: borrowed from the parameters or the context where it can be,
/// owned where a template or a default factory made it. `Debug` is `Secret(..)`.
#[derive(Clone)]
pub struct SecretView<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Borrowed(&'a str),
    // boxed, so that a view is as small as a `&str`: an environment has many
    Owned(Box<Secret>),
}

impl<'a> SecretView<'a> {
    /// A view of text that lives elsewhere.
    #[must_use]
    #[inline]
    pub fn borrowed(text: &'a str) -> Self {
        Self(Repr::Borrowed(text))
    }

    /// A view that owns its text.
    #[must_use]
    pub fn owned(secret: Secret) -> Self {
        Self(Repr::Owned(Box::new(secret)))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    #[must_use]
    #[inline]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Repr::Borrowed(text) => text,
            Repr::Owned(secret) => secret.expose(),
        }
    }
}

impl fmt::Debug for SecretView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Compares without stopping at the first difference: differences are gathered a word at a time
/// and looked at once, since a guarded comparison per byte would dominate a look-up with many
/// variables.
#[inline]
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (a, a_rest) = a.as_bytes().as_chunks::<8>();
    let (b, b_rest) = b.as_bytes().as_chunks::<8>();
    let mut difference = 0;
    for (a, b) in a.iter().zip(b) {
        difference |= u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b);
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        difference |= u64::from(a ^ b);
    }
    difference.ct_eq(&0).into()
}

#[cfg(test)]
mod tests {
    use super::same_text;

    #[test]
    fn every_position_counts() {
        for len in 0..40 {
            let a = "x".repeat(len);
            assert!(same_text(&a, &a.clone()));
            assert!(!same_text(&a, &format!("{a}x")));
            for at in 0..len {
                let mut b = a.clone();
                b.replace_range(at..=at, "y");
                assert!(!same_text(&a, &b), "length {len}, position {at}");
            }
        }
    }
}
