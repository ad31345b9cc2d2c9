//! Values that hold values, seen without copying them.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::{Value, ValueRef};
use crate::secret::Secret;

/// A map inside a context. Names are unique; their order means nothing.
pub trait MapRef: Send + Sync {
    /// How many entries there are.
    fn len(&self) -> usize;

    /// True if there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of one name.
    fn get(&self, name: &str) -> Option<ValueRef<'_>>;

    /// Calls `visit` once for each entry.
    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, ValueRef<'a>));
}

/// A list inside a context.
pub trait ListRef: Send + Sync {
    /// How many items there are.
    fn len(&self) -> usize;

    /// True if there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` once for each item, in order.
    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(ValueRef<'a>));
}

/// A type that a map or a context of the standard library may hold.
pub trait AsValue: Send + Sync {
    /// This value, borrowed.
    fn as_value(&self) -> ValueRef<'_>;
}

impl AsValue for String {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Str(self)
    }
}

impl AsValue for &str {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Str(self)
    }
}

impl AsValue for bool {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Bool(*self)
    }
}

impl AsValue for i64 {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Int(*self)
    }
}

impl AsValue for f64 {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Float(*self)
    }
}

impl AsValue for Secret {
    fn as_value(&self) -> ValueRef<'_> {
        ValueRef::Secret(self)
    }
}

impl AsValue for Value {
    fn as_value(&self) -> ValueRef<'_> {
        self.as_ref()
    }
}

impl<V: AsValue> AsValue for Option<V> {
    fn as_value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, AsValue::as_value)
    }
}

impl<V: AsValue> MapRef for BTreeMap<String, V> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        Self::get(self, name).map(AsValue::as_value)
    }

    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, ValueRef<'a>)) {
        for (name, value) in self {
            visit(name, value.as_value());
        }
    }
}

impl<V: AsValue, S: BuildHasher + Send + Sync> MapRef for HashMap<String, V, S> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        Self::get(self, name).map(AsValue::as_value)
    }

    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, ValueRef<'a>)) {
        for (name, value) in self {
            visit(name, value.as_value());
        }
    }
}

impl<V: AsValue> ListRef for Vec<V> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(ValueRef<'a>)) {
        for value in self {
            visit(value.as_value());
        }
    }
}
