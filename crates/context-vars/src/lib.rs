//! Typed parameters that may be variables, resolved against a context without cloning it.
//!
//! A factory is configured once and used for many callers. What differs between them (a tenant's
//! key, an image, an environment variable) is given as a [`Variable`], and each call brings a
//! context, any [`Source`], in which it is found:
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use context_vars::{KeyView, Param, ParamMap, Resolve, Scope, Secret, Variable, Vars};
//!
//! #[derive(Resolve)]
//! struct PodParams {
//!     image: Param<String>,
//!     token: Param<Secret>,
//!     env_vars: ParamMap,
//!     scope: Param<Scope>,
//! }
//!
//! let params = PodParams {
//!     image: "python:3.12".into(),
//!     token: Variable::new("token").into(),
//!     env_vars: ParamMap::new().entry("TENANT", Variable::new("tenant")),
//!     scope: Variable::new("tenant").into(),
//! };
//!
//! // One call, with its context.
//! let context = Vars::new().with("token", Secret::new("t-1")).with("tenant", "acme");
//! let view = params.resolve(&context)?;
//! assert_eq!(view.token.expose(), "t-1");
//!
//! // The first time, the values are stored; later, a view finds them.
//! let stored: PodParamsResolved = view.to_resolved();
//! assert!(params.resolve(&context)?.matches(&stored));
//!
//! // A call without its variables: everything that is missing, at once.
//! let error = params.resolve(&Vars::new()).unwrap_err();
//! assert_eq!(error.problems().len(), 3);
//! # }
//! # Ok::<(), context_vars::ResolveError>(())
//! ```
//!
//! # Concepts
//!
//! * **Parameter**: [`Param<T>`](Param) must have a value, [`OptParam<T>`](OptParam) may be unset,
//!   [`ParamMap`] is a map of secrets such as the environment of a process. Each is a constant, a
//!   [`Variable`] or a [`Template`]; a plain string is always a constant.
//! * **Context**: a [`Source`] lends values by name. [`Vars`] is one to start with, [`Layered`] puts
//!   several over one another, [`NoVars`] is none.
//! * **Present, null, absent**: a present value wins over a default, and so does a present null,
//!   which unsets an optional parameter. Only an absent name takes the default, then the default
//!   factory, which runs on every resolution. Nothing is written back to the context. Defaults
//!   apply without a context too.
//! * **Key**: a resolved tuple is its own key. A view borrows it ([`KeyView`]), a map owns it
//!   ([`ResolvedKey`]); both feed a hasher alike, and no two different tuples do. Finding a
//!   stored tuple allocates nothing, unless a template or a default factory is involved or a map
//!   has more than 16 entries.
//! * **Secret**: a [`Secret`] is shown by nothing. Values of a [`ParamMap`] are secrets too.
//!
//! # Stricter than one might expect
//!
//! * Nothing is converted: an int does not fill a text.
//! * A null does not fill a required parameter.
//! * A [`Secret`] does not fill a plain text, which would show it; a plain text fills a secret.
//! * A variable whose value is a variable is an error, and is not followed.
//! * An empty scope is an error, and so is an empty list where a map is wanted.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `derive` | yes | `#[derive(Resolve)]` |
//! | `serde_json` | no | JSON objects as contexts |
//!
//! # Errors
//!
//! [`ResolveError`] lists every [`Problem`] in the order of the parameters, names parameters,
//! variables and types, and never holds a value. [`TemplateError`] says where a template is wrong.
//!
//! # Cancel safety
//!
//! There is nothing asynchronous here, no network, and no look at the process environment.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. What is public is held as a text, so it
//! does not change unnoticed. The texts of errors are for people and may change at any time. Code that the derive makes
//! is the same version's as the crate.

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
