//! Resolving a whole set of parameters.

use crate::error::{Problems, ResolveError, Site};
use crate::key::{KeyView, ResolvedKey, ResolvedTuple};
use crate::source::Source;

/// A set of parameters that resolves against a context. Derive it.
///
/// `#[derive(Resolve)]` on `struct PodParams` makes `PodParamsView<'a>`, what a look-up sees, and
/// `PodParamsResolved`, what a map stores, both with the fields of `PodParams` resolved.
///
/// On the struct: `#[resolve(view = "Name", resolved = "Name")]` names the two otherwise. On a
/// field: `#[resolve(name = "..")]` is the parameter's name in errors and for unnamed variables,
/// `#[resolve(constant)]` is for a plain value (`Hash + Eq`) that is in the key, and
/// `#[resolve(skip_key)]` for a plain value that is carried along and not in the key.
///
/// ```
/// use context_vars::{KeyView, Param, Resolve, Scope, Secret, Variable, Vars};
///
/// #[derive(Resolve)]
/// struct PodParams {
///     image: Param<String>,
///     token: Param<Secret>,
///     scope: Param<Scope>,
/// }
///
/// let params = PodParams {
///     image: "python:3.12".into(),
///     token: Variable::new("token").into(),
///     scope: Variable::new("tenant").into(),
/// };
/// let vars = Vars::new().with("token", "t-1").with("tenant", "acme");
/// let view = params.resolve(&vars)?;
/// assert_eq!(view.image, "python:3.12");
/// let stored: PodParamsResolved = view.to_resolved();
/// assert!(view.matches(&stored));
/// # Ok::<(), context_vars::ResolveError>(())
/// ```
///
/// Generic structs, tuple structs, enums and unknown attributes are refused:
///
/// ```compile_fail
/// #[derive(context_vars::Resolve)]
/// struct Params {
///     #[resolve(skipp_key)]
///     image: context_vars::Param<String>,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(context_vars::Resolve)]
/// struct Params(context_vars::Param<String>);
/// ```
pub trait Resolve {
    /// The resolved values, borrowed from the parameters and the context.
    type View<'a>: KeyView<Owned = Self::Resolved>
    where
        Self: 'a;

    /// The resolved values, owned.
    type Resolved: ResolvedTuple;

    /// Looks every variable up. Allocates nothing unless a template or a default factory does, or
    /// a map has more than 16 entries.
    ///
    /// # Errors
    ///
    /// Every parameter that is missing or of another type, at once.
    fn resolve<'a>(&'a self, source: &'a dyn Source) -> Result<Self::View<'a>, ResolveError>;

    /// Checks what can be checked without a context, such as an empty scope.
    ///
    /// # Errors
    ///
    /// Every constant that is no value of its parameter's type.
    fn check(&self) -> Result<(), ResolveError>;
}

/// A field of a set of parameters.
pub trait Field {
    /// The resolved value, owned.
    type Owned: ResolvedKey;

    /// The resolved value, borrowed.
    type View<'a>: KeyView<Owned = Self::Owned>
    where
        Self: 'a;

    /// Resolves the field; `None` if a problem has been noted.
    fn resolve_field<'a>(
        &'a self,
        site: Site<'_>,
        source: &'a dyn Source,
        problems: &mut Problems,
    ) -> Option<Self::View<'a>>;

    /// Notes what is wrong in every context.
    fn check_field(&self, site: Site<'_>, problems: &mut Problems);
}
