//! The types a parameter may have.

use std::borrow::Cow;
use std::fmt;

use crate::key::{KeyView, ResolvedKey};
use crate::scope::{Scope, ScopeView};
use crate::secret::{Secret, SecretView};
use crate::value::ValueRef;

/// A type a parameter may have. Nothing is converted: a number does not fill a text, and a secret
/// does not fill a plain text, which would lose its protection; a plain text may fill a secret.
///
/// Implement it for a type of your own to take variables of that type, with [`ParamValue`] to
/// convert the type itself into a parameter and [`FromText`] to convert strings and templates.
pub trait ParamType: ResolvedKey {
    /// The type's name in errors, such as `string`.
    const WANTED: &'static str;

    /// The value as a look-up sees it.
    type View<'a>: KeyView<Owned = Self>;

    /// Borrows a constant or a default.
    fn view(&self) -> Self::View<'_>;

    /// Moves what a default factory or a template made.
    fn into_view<'a>(self) -> Self::View<'a>;

    /// Reads a value of the context, which is neither null nor a variable.
    ///
    /// # Errors
    ///
    /// The value is not of this type.
    fn from_value(value: ValueRef<'_>) -> Result<Self::View<'_>, Mismatch>;
}

/// A type whose own values convert into a parameter. (`String` is not marked: it converts as text,
/// see [`FromText`].)
pub trait ParamValue: ParamType {}

/// A type that strings and templates convert into.
pub trait FromText: ParamType {
    /// True if a template of this type may contain secrets.
    const TAKES_SECRETS: bool = false;

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// The text is no value of this type. A builder keeps the error for later: it is reported
    /// when the parameters are checked or resolved.
    fn from_text(text: String) -> Result<Self, Invalid>;
}

/// Why a value of the right type is still wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(&'static str);

impl Invalid {
    pub(crate) const EMPTY: Self = Self("is empty");
    const OUT_OF_RANGE: Self = Self("is out of range");

    /// `reason` continues a sentence that begins with the parameter, such as `is empty`.
    #[must_use]
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value {}", self.0)
    }
}

impl std::error::Error for Invalid {}

/// Why a value of the context does not fill a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is of another type.
    Type,
    /// It is of the right type, and wrong.
    Invalid(Invalid),
}

impl ParamType for String {
    const WANTED: &'static str = "string";
    type View<'a> = Cow<'a, str>;

    fn view(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn into_view<'a>(self) -> Cow<'a, str> {
        Cow::Owned(self)
    }

    fn from_value(value: ValueRef<'_>) -> Result<Cow<'_, str>, Mismatch> {
        match value {
            ValueRef::Str(text) => Ok(Cow::Borrowed(text)),
            _ => Err(Mismatch::Type),
        }
    }
}

impl FromText for String {
    fn from_text(text: String) -> Result<Self, Invalid> {
        Ok(text)
    }
}

impl ParamType for Secret {
    const WANTED: &'static str = "string or secret";
    type View<'a> = SecretView<'a>;

    fn view(&self) -> SecretView<'_> {
        SecretView::borrowed(self.expose())
    }

    fn into_view<'a>(self) -> SecretView<'a> {
        SecretView::owned(self)
    }

    fn from_value(value: ValueRef<'_>) -> Result<SecretView<'_>, Mismatch> {
        match value {
            ValueRef::Str(text) => Ok(SecretView::borrowed(text)),
            ValueRef::Secret(secret) => Ok(SecretView::borrowed(secret.expose())),
            _ => Err(Mismatch::Type),
        }
    }
}

impl ParamValue for Secret {}

impl FromText for Secret {
    const TAKES_SECRETS: bool = true;

    fn from_text(text: String) -> Result<Self, Invalid> {
        Ok(Self::from(text))
    }
}

impl ParamType for Scope {
    const WANTED: &'static str = "string";
    type View<'a> = ScopeView<'a>;

    fn view(&self) -> ScopeView<'_> {
        self.name().map_or(ScopeView::Shared, |name| {
            ScopeView::Named(Cow::Borrowed(name))
        })
    }

    fn into_view<'a>(self) -> ScopeView<'a> {
        self.name().map_or(ScopeView::Shared, |name| {
            ScopeView::Named(Cow::Owned(name.to_owned()))
        })
    }

    fn from_value(value: ValueRef<'_>) -> Result<ScopeView<'_>, Mismatch> {
        match value {
            ValueRef::Str("") => Err(Mismatch::Invalid(Invalid::EMPTY)),
            ValueRef::Str(name) => Ok(ScopeView::Named(Cow::Borrowed(name))),
            _ => Err(Mismatch::Type),
        }
    }
}

impl ParamValue for Scope {}

impl FromText for Scope {
    fn from_text(text: String) -> Result<Self, Invalid> {
        Self::named(text)
    }
}

macro_rules! plain {
    ($($type:ty, $wanted:literal, $value:ident => $read:expr;)*) => {$(
        impl ParamType for $type {
            const WANTED: &'static str = $wanted;
            type View<'a> = Self;

            fn view(&self) -> Self {
                *self
            }

            fn into_view<'a>(self) -> Self::View<'a> {
                self
            }

            fn from_value($value: ValueRef<'_>) -> Result<Self, Mismatch> {
                $read
            }
        }

        impl ParamValue for $type {}
    )*};
}

fn int<T: TryFrom<i64>>(value: ValueRef<'_>) -> Result<T, Mismatch> {
    match value {
        ValueRef::Int(value) => {
            T::try_from(value).map_err(|_| Mismatch::Invalid(Invalid::OUT_OF_RANGE))
        }
        _ => Err(Mismatch::Type),
    }
}

plain! {
    bool, "bool", value => match value {
        ValueRef::Bool(value) => Ok(value),
        _ => Err(Mismatch::Type),
    };
    i32, "int", value => int(value);
    i64, "int", value => int(value);
    u16, "int", value => int(value);
    u32, "int", value => int(value);
    u64, "int", value => int(value);
    f64, "float", value => match value {
        ValueRef::Float(value) => Ok(value),
        _ => Err(Mismatch::Type),
    };
}
