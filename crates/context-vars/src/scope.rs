//! Who may share a resolved value.

use std::borrow::Cow;
use std::fmt;

use crate::param::Invalid;

/// Who shares what is opened: everybody whose other parameters resolve alike, or only those of
/// one name, such as a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Sharing follows the other resolved values alone.
    Shared,
    /// Only openers of the same name share.
    Named(ScopeName),
}

impl Scope {
    /// A named scope.
    ///
    /// # Errors
    ///
    /// The empty name is refused: it is what a lost tenant id looks like.
    ///
    /// ```
    /// use context_vars::Scope;
    ///
    /// assert!(Scope::named("acme").is_ok());
    /// assert!(Scope::named("").is_err());
    /// ```
    pub fn named(name: impl Into<String>) -> Result<Self, Invalid> {
        let name = name.into();
        if name.is_empty() {
            Err(Invalid::EMPTY)
        } else {
            Ok(Self::Named(ScopeName(name)))
        }
    }

    /// The name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Shared => None,
            Self::Named(name) => Some(name.as_str()),
        }
    }
}

/// The name of a scope; never empty, and not shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct ScopeName(String);

impl ScopeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a tenant's name is nobody else's business
        f.write_str("..")
    }
}

/// A scope as a look-up sees it.
#[derive(Clone)]
#[non_exhaustive]
pub enum ScopeView<'a> {
    /// See [`Scope::Shared`].
    Shared,
    /// See [`Scope::Named`].
    Named(Cow<'a, str>),
}

impl fmt::Debug for ScopeView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("Shared"),
            Self::Named(_) => f.write_str("Named(..)"),
        }
    }
}

impl ScopeView<'_> {
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Shared => None,
            Self::Named(name) => Some(name),
        }
    }

    pub(crate) fn to_scope(&self) -> Scope {
        match self {
            Self::Shared => Scope::Shared,
            Self::Named(name) => Scope::Named(ScopeName(name.clone().into_owned())),
        }
    }
}
