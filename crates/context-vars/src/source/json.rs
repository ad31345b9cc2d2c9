//! JSON objects as contexts.

use serde_json::{Map, Value as Json};

use super::Source;
use crate::value::{AsValue, ValueRef};

impl Source for Map<String, Json> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        Self::get(self, name).map(AsValue::as_value)
    }
}

impl Source for Json {
    /// Only an object holds variables.
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.as_object()?.get(name).map(AsValue::as_value)
    }
}
