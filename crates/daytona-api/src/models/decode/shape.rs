//! Models as data: what the generated list for tests is written in.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A generated model.
pub(crate) struct Model {
    /// The Rust name.
    pub(crate) name: &'static str,
    /// The name in the document, which [`Type::Named`] uses.
    pub(crate) wire: &'static str,
    pub(crate) kind: Kind,
    /// Decodes and encodes again.
    pub(crate) again: fn(&str) -> serde_json::Result<Value>,
}

pub(crate) enum Kind {
    Object(&'static [Field]),
    Choice(&'static [&'static str]),
    Alias(Type),
}

pub(crate) struct Field {
    pub(crate) wire: &'static str,
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
}

pub(crate) enum Type {
    Text,
    Bool,
    Integer,
    Float,
    Any,
    List(&'static Self),
    Map(&'static Self),
    Named(&'static str),
    /// An object by hand, which keeps all that it is given.
    Whole,
}

/// What is left of `text` after it went through a model; its Debug is written too, which must not panic.
pub(crate) fn again<T: DeserializeOwned + Serialize + std::fmt::Debug>(
    text: &str,
) -> serde_json::Result<Value> {
    let decoded: T = serde_json::from_str(text)?;
    assert!(!format!("{decoded:?}").is_empty());
    serde_json::to_value(&decoded)
}
