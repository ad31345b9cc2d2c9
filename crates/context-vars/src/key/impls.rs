//! Keys of single values.

use std::borrow::Cow;
use std::hash::Hasher;

use super::{KeyView, ResolvedKey, hash_text};
use crate::scope::{Scope, ScopeView};
use crate::secret::{Secret, SecretView, same_text};

impl ResolvedKey for String {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_text(self, state);
    }

    fn eq_key(&self, other: &Self) -> bool {
        self == other
    }
}

impl KeyView for Cow<'_, str> {
    type Owned = String;

    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_text(self, state);
    }

    fn matches(&self, owned: &String) -> bool {
        **self == **owned
    }

    fn to_resolved(&self) -> String {
        self.clone().into_owned()
    }
}

impl ResolvedKey for Secret {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_text(self.expose(), state);
    }

    fn eq_key(&self, other: &Self) -> bool {
        self == other
    }
}

impl KeyView for SecretView<'_> {
    type Owned = Secret;

    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_text(self.expose(), state);
    }

    fn matches(&self, owned: &Secret) -> bool {
        same_text(self.expose(), owned.expose())
    }

    fn to_resolved(&self) -> Secret {
        Secret::from(self.expose())
    }
}

/// A scope's name is never empty, so a length of 0 is free to mean `Shared`.
fn hash_scope<H: Hasher>(name: Option<&str>, state: &mut H) {
    hash_text(name.unwrap_or_default(), state);
}

impl ResolvedKey for Scope {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_scope(self.name(), state);
    }

    fn eq_key(&self, other: &Self) -> bool {
        self == other
    }
}

impl KeyView for ScopeView<'_> {
    type Owned = Scope;

    fn hash_key<H: Hasher>(&self, state: &mut H) {
        hash_scope(self.name(), state);
    }

    fn matches(&self, owned: &Scope) -> bool {
        self.name() == owned.name()
    }

    fn to_resolved(&self) -> Scope {
        self.to_scope()
    }
}

impl<T: ResolvedKey> ResolvedKey for Option<T> {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        state.write_u8(u8::from(self.is_some()));
        if let Some(value) = self {
            value.hash_key(state);
        }
    }

    fn eq_key(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(a), Some(b)) => a.eq_key(b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<V: KeyView> KeyView for Option<V> {
    type Owned = Option<V::Owned>;

    fn hash_key<H: Hasher>(&self, state: &mut H) {
        state.write_u8(u8::from(self.is_some()));
        if let Some(value) = self {
            value.hash_key(state);
        }
    }

    fn matches(&self, owned: &Self::Owned) -> bool {
        match (self, owned) {
            (Some(view), Some(owned)) => view.matches(owned),
            (None, None) => true,
            _ => false,
        }
    }

    fn to_resolved(&self) -> Self::Owned {
        self.as_ref().map(KeyView::to_resolved)
    }
}

macro_rules! plain {
    ($($type:ty => |$value:ident| $bits:expr;)*) => {$(
        impl ResolvedKey for $type {
            fn hash_key<H: Hasher>(&self, state: &mut H) {
                let $value = *self;
                state.write_u64($bits);
            }

            fn eq_key(&self, other: &Self) -> bool {
                let bits = |$value: Self| -> u64 { $bits };
                bits(*self) == bits(*other)
            }
        }

        impl KeyView for $type {
            type Owned = Self;

            fn hash_key<H: Hasher>(&self, state: &mut H) {
                ResolvedKey::hash_key(self, state);
            }

            fn matches(&self, owned: &Self) -> bool {
                self.eq_key(owned)
            }

            fn to_resolved(&self) -> Self {
                *self
            }
        }
    )*};
}

plain! {
    bool => |value| u64::from(value);
    i32 => |value| i64::from(value).cast_unsigned();
    i64 => |value| value.cast_unsigned();
    u16 => |value| u64::from(value);
    u32 => |value| u64::from(value);
    u64 => |value| value;
    f64 => |value| value.to_bits();
}
