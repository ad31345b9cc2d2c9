//! JSON values as context values.

use serde_json::{Map, Value as Json};

use super::{AsValue, ListRef, MapRef, ValueRef};

impl AsValue for Json {
    /// A number outside `i64` is a float.
    fn as_value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Number(number) => number
                .as_i64()
                .map(ValueRef::Int)
                .or_else(|| number.as_f64().map(ValueRef::Float))
                .unwrap_or(ValueRef::Null),
            Self::String(value) => ValueRef::Str(value),
            Self::Array(values) => ValueRef::List(values),
            Self::Object(values) => ValueRef::Map(values),
        }
    }
}

impl MapRef for Map<String, Json> {
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

// `Vec<Json>` is a list by the general rule.
const _: fn(&Vec<Json>) -> &dyn ListRef = |values| values;
