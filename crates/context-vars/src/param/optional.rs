//! Parameters that need not be set.

use std::fmt;

use super::{FromText, Param, ParamType, ParamValue};
use crate::error::{Problems, ResolveError, Site};
use crate::key::KeyView;
use crate::resolve::Field;
use crate::source::Source;
use crate::template::Template;
use crate::variable::Variable;

/// A parameter that may be unset; it resolves to an `Option`. A variable whose value is null
/// resolves to `None`; one that is absent and has no default is still an error.
///
/// ```
/// use context_vars::{NoVars, OptParam, Variable, Vars};
///
/// let unset = OptParam::<String>::unset();
/// assert_eq!(unset.get("image", &NoVars)?, None);
///
/// let image: OptParam<String> = Variable::new("image").into();
/// assert_eq!(image.get("image", &Vars::new().with("image", "node:20"))?.as_deref(), Some("node:20"));
/// assert_eq!(image.get("image", &Vars::new().with("image", None::<&str>))?, None);
/// assert!(image.get("image", &NoVars).is_err());
/// # Ok::<(), context_vars::ResolveError>(())
/// ```
#[derive(Clone)]
pub struct OptParam<T>(Option<Param<T>>);

impl<T: ParamType> OptParam<T> {
    /// Not set.
    #[must_use]
    pub fn unset() -> Self {
        Self(None)
    }

    /// True unless it is unset; a variable is set, whatever it resolves to.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// True if it is set and no context changes the value.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.0.as_ref().is_some_and(Param::is_constant)
    }

    /// The value, if it is set and the same in every context.
    #[must_use]
    pub fn constant(&self) -> Option<&T> {
        self.0.as_ref().and_then(Param::constant)
    }

    /// Resolves this one parameter, called `name`, into an owned value.
    ///
    /// # Errors
    ///
    /// It is set, and the value is missing or of another type.
    pub fn get(&self, name: &str, source: &dyn Source) -> Result<Option<T>, ResolveError> {
        let mut problems = Problems::new();
        match self.resolve_field(Site::new(name), source, &mut problems) {
            Some(view) => Ok(view.to_resolved()),
            None => Err(problems.into_error()),
        }
    }
}

impl<T: ParamType> Field for OptParam<T> {
    type Owned = Option<T>;
    type View<'a> = Option<T::View<'a>>;

    fn resolve_field<'a>(
        &'a self,
        site: Site<'_>,
        source: &'a dyn Source,
        problems: &mut Problems,
    ) -> Option<Option<T::View<'a>>> {
        match &self.0 {
            None => Some(None),
            Some(param) => param.find(site, source, problems),
        }
    }

    fn check_field(&self, site: Site<'_>, problems: &mut Problems) {
        if let Some(param) = &self.0 {
            param.check_field(site, problems);
        }
    }
}

impl<T> Default for OptParam<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: fmt::Debug> fmt::Debug for OptParam<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("unset"),
            Some(param) => param.fmt(f),
        }
    }
}

impl<T> From<Param<T>> for OptParam<T> {
    fn from(param: Param<T>) -> Self {
        Self(Some(param))
    }
}

impl<T: ParamValue> From<T> for OptParam<T> {
    fn from(value: T) -> Self {
        Self(Some(value.into()))
    }
}

impl<T: FromText> From<&str> for OptParam<T> {
    fn from(text: &str) -> Self {
        Self(Some(text.into()))
    }
}

impl<T: FromText> From<String> for OptParam<T> {
    fn from(text: String) -> Self {
        Self(Some(text.into()))
    }
}

impl<T> From<Variable<T>> for OptParam<T> {
    fn from(variable: Variable<T>) -> Self {
        Self(Some(variable.into()))
    }
}

impl<T: FromText> From<Template> for OptParam<T> {
    fn from(template: Template) -> Self {
        Self(Some(template.into()))
    }
}

impl<T, V: Into<Param<T>>> From<Option<V>> for OptParam<T> {
    fn from(value: Option<V>) -> Self {
        Self(value.map(Into::into))
    }
}
