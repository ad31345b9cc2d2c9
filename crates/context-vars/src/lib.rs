//! Typed parameters that may be variables, resolved against a context without cloning it.

mod error;
mod key;
mod param;
mod resolve;
mod scope;
mod secret;
mod source;
mod template;
mod value;
mod variable;

#[cfg(feature = "derive")]
pub use context_vars_derive::Resolve;
pub use error::{Problem, ProblemKind, Problems, Reason, ResolveError, Site};
pub use key::{KeyView, ResolvedKey, ResolvedTuple, hash_text};
pub use param::{
    FromText, Invalid, MapView, Mismatch, OptParam, Param, ParamMap, ParamType, ParamValue,
    SecretMap,
};
pub use resolve::{Field, Resolve};
pub use scope::{Scope, ScopeName, ScopeView};
pub use secret::{Secret, SecretView};
pub use source::{Layered, NoVars, Source, Vars};
pub use template::{Template, TemplateError, TemplateErrorKind};
pub use value::{AsValue, Kind, ListRef, MapRef, Value, ValueRef};
pub use variable::Variable;
