//! Where variables come from.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::value::{AsValue, ValueRef};

#[cfg(feature = "serde_json")]
mod json;
mod layered;
mod vars;

pub use layered::Layered;
pub use vars::Vars;

/// A context that can look a variable up by name.
///
/// A framework implements this one method for its own context type. `None` means absent, so that
/// a default applies; `Some(ValueRef::Null)` means present and empty. Nothing is cloned, and no
/// name is filtered.
///
/// ```
/// use context_vars::{Source, ValueRef};
///
/// struct Request {
///     tenant: String,
/// }
///
/// impl Source for Request {
///     fn get(&self, name: &str) -> Option<ValueRef<'_>> {
///         (name == "tenant").then_some(ValueRef::Str(&self.tenant))
///     }
/// }
/// ```
pub trait Source: Send + Sync {
    /// The value of `name`, borrowed.
    fn get(&self, name: &str) -> Option<ValueRef<'_>>;
}

/// The context of someone who has none: every name is absent, and only constants and defaults
/// resolve.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVars;

impl Source for NoVars {
    fn get(&self, _name: &str) -> Option<ValueRef<'_>> {
        None
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        (**self).get(name)
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        (**self).get(name)
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        (**self).get(name)
    }
}

impl<S: Source> Source for Option<S> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.as_ref().and_then(|source| source.get(name))
    }
}

impl<V: AsValue> Source for BTreeMap<String, V> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        Self::get(self, name).map(AsValue::as_value)
    }
}

impl<V: AsValue, S: BuildHasher + Send + Sync> Source for HashMap<String, V, S> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        Self::get(self, name).map(AsValue::as_value)
    }
}
