//! The members of an object, of which those are taken that are understood.

use serde::Serialize;
use serde_json::{Map, Number, Value};

#[derive(Debug)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn new(all: Map<String, Value>) -> Self {
        Self(all)
    }

    pub(super) fn of(other: &Map<String, Value>) -> Self {
        Self(other.clone())
    }

    /// What nobody has taken.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Takes a member if `read` understands it, or if it is null.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Value>) -> Option<T> {
        let (name, value) = self.0.remove_entry(name)?;
        if value.is_null() {
            return None;
        }
        match read(value) {
            Ok(found) => Some(found),
            Err(value) => {
                self.0.insert(name, value);
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| match value {
            Value::String(text) => Ok(text),
            value => text(&value).ok_or(value),
        })
    }

    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        self.take(name, |value| number(&value).ok_or(value))
    }

    pub(super) fn value<T>(&mut self, name: &str, read: fn(&Value) -> Option<T>) -> Option<T> {
        self.take(name, |value| read(&value).ok_or(value))
    }

    /// A list, if `read` understands each of its elements.
    pub(super) fn list<T>(&mut self, name: &str, read: fn(&Value) -> Option<T>) -> Vec<T> {
        let found = self.take(name, |value| {
            let all = value.as_array().map(|all| all.iter().map(read).collect());
            all.flatten().ok_or(value)
        });
        found.unwrap_or_default()
    }

    /// A list of objects.
    pub(super) fn objects<T>(&mut self, name: &str, read: fn(Self) -> T) -> Vec<T> {
        let found = self.take(name, |value| match value {
            Value::Array(all) if all.iter().all(Value::is_object) => Ok(all),
            value => Err(value),
        });
        let objects = found.into_iter().flatten();
        let objects = objects.filter_map(|object| match object {
            Value::Object(members) => Some(read(Self(members))),
            _ => None,
        });
        objects.collect()
    }

    pub(super) fn set(&mut self, name: &str, value: Option<impl Serialize>) {
        // text, numbers and lists of them: they can be written
        let value = value.and_then(|value| serde_json::to_value(value).ok());
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }

    pub(super) fn set_list(&mut self, name: &str, all: &[impl Serialize]) {
        self.set(name, Some(all).filter(|all| !all.is_empty()));
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, also one that is written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Number::as_f64(number),
        Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Serde for an object that has `read` and `write`.
macro_rules! impl_members {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.write().serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let found = $crate::models::decode::Lenient::lenient(deserializer)?;
                found.ok_or_else(|| serde::de::Error::custom("expected an object"))
            }
        }

        impl $crate::models::decode::Lenient for $name {
            fn lenient<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<Self>, D::Error> {
                match <Value as serde::Deserialize>::deserialize(deserializer)? {
                    Value::Object(all) => {
                        let members = $crate::models::charts::members::Members::new(all);
                        Ok(Some(Self::read(members)))
                    }
                    _ => Ok(None),
                }
            }
        }
    };
}

pub(super) use impl_members;
