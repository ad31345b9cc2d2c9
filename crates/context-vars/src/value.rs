//! What a context holds.

use std::any::Any;
use std::fmt;

use crate::secret::Secret;

mod compound;
#[cfg(feature = "serde_json")]
mod json;
mod owned;

pub use compound::{AsValue, ListRef, MapRef};
pub use owned::Value;

/// One value of a context, borrowed from it.
///
/// Its `Debug` names the type only: a context holds secrets.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// Present, and empty on purpose.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text that may be shown once it is a plain parameter.
    Str(&'a str),
    /// Text that may fill secret parameters only.
    Secret(&'a Secret),
    /// Values by name.
    Map(&'a dyn MapRef),
    /// Values in order.
    List(&'a dyn ListRef),
    /// Another variable, by name. Looking it up is nobody's job: it is an error everywhere.
    Variable(&'a str),
    /// A value of a framework's own type, for parameters that know it.
    Opaque(&'a (dyn Any + Send + Sync)),
}

impl ValueRef<'_> {
    /// The type of the value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Str(_) => Kind::Str,
            Self::Secret(_) => Kind::Secret,
            Self::Map(_) => Kind::Map,
            Self::List(_) => Kind::List,
            Self::Variable(_) => Kind::Variable,
            Self::Opaque(_) => Kind::Opaque,
        }
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.kind())
    }
}

/// The type of a value; `Display` is its name in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `string`
    Str,
    /// `secret`
    Secret,
    /// `map`
    Map,
    /// `list`
    List,
    /// `variable`
    Variable,
    /// `opaque`
    Opaque,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "string",
            Self::Secret => "secret",
            Self::Map => "map",
            Self::List => "list",
            Self::Variable => "variable",
            Self::Opaque => "opaque",
        })
    }
}
