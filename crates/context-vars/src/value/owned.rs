//! Values that own what they hold.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::ValueRef;
use crate::secret::Secret;
use crate::variable::Variable;

/// One owned value of a context. Its `Debug` names the type only.
///
/// A secret given as a plain string is not overwritten on drop; give a [`Secret`] for that.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value {
    /// See [`ValueRef::Null`].
    Null,
    /// See [`ValueRef::Bool`].
    Bool(bool),
    /// See [`ValueRef::Int`].
    Int(i64),
    /// See [`ValueRef::Float`].
    Float(f64),
    /// See [`ValueRef::Str`].
    Str(String),
    /// See [`ValueRef::Secret`].
    Secret(Secret),
    /// See [`ValueRef::Map`].
    Map(BTreeMap<String, Self>),
    /// See [`ValueRef::List`].
    List(Vec<Self>),
    /// See [`ValueRef::Variable`].
    Variable(String),
    /// See [`ValueRef::Opaque`].
    Opaque(Arc<dyn Any + Send + Sync>),
}

impl Value {
    /// Wraps a value of a type of your own, for parameters that know it.
    #[must_use]
    pub fn opaque(value: impl Any + Send + Sync) -> Self {
        Self::Opaque(Arc::new(value))
    }

    /// This value, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Int(value) => ValueRef::Int(*value),
            Self::Float(value) => ValueRef::Float(*value),
            Self::Str(value) => ValueRef::Str(value),
            Self::Secret(value) => ValueRef::Secret(value),
            Self::Map(value) => ValueRef::Map(value),
            Self::List(value) => ValueRef::List(value),
            Self::Variable(name) => ValueRef::Variable(name),
            Self::Opaque(value) => ValueRef::Opaque(&**value),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_ref(), f)
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

from! {
    bool => |value| Self::Bool(value);
    i8 => |value| Self::Int(value.into());
    i16 => |value| Self::Int(value.into());
    i32 => |value| Self::Int(value.into());
    i64 => |value| Self::Int(value);
    u8 => |value| Self::Int(value.into());
    u16 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    f64 => |value| Self::Float(value);
    &str => |value| Self::Str(value.to_owned());
    String => |value| Self::Str(value);
    Secret => |value| Self::Secret(value);
    () => |_value| Self::Null;
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Self>> From<BTreeMap<String, V>> for Value {
    fn from(values: BTreeMap<String, V>) -> Self {
        Self::Map(
            values
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect(),
        )
    }
}

impl<V: Into<Self>, S: BuildHasher> From<HashMap<String, V, S>> for Value {
    fn from(values: HashMap<String, V, S>) -> Self {
        Self::Map(
            values
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect(),
        )
    }
}

impl<T> From<Variable<T>> for Value {
    fn from(variable: Variable<T>) -> Self {
        Self::Variable(variable.name().unwrap_or_default().to_owned())
    }
}
