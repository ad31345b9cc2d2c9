//! Parameters: a value, a variable or a template.

use std::fmt;

use crate::error::{Problems, Reason, ResolveError, Site};
use crate::key::KeyView;
use crate::resolve::Field;
use crate::source::Source;
use crate::template::{Segment, Template};
use crate::value::{Kind, ValueRef};
use crate::variable::{Fallback, Variable};

mod map;
mod optional;
mod types;

pub use map::{MapView, ParamMap, SecretMap};
pub use optional::OptParam;
pub use types::{FromText, Invalid, Mismatch, ParamType, ParamValue};

/// A parameter that must have a value: a constant, a [`Variable`] or a [`Template`].
///
/// Builders take `impl Into<Param<T>>`. A plain string is always literal.
///
/// ```
/// use context_vars::{Param, Template, Variable};
///
/// fn image(image: impl Into<Param<String>>) -> Param<String> {
///     image.into()
/// }
///
/// image("python:3.12");
/// image(Variable::new("image"));
/// image(Template::parse("registry/${team}:latest")?);
/// # Ok::<(), context_vars::TemplateError>(())
/// ```
#[derive(Clone)]
pub struct Param<T>(Repr<T>);

#[derive(Clone)]
enum Repr<T> {
    Constant(T),
    Invalid(Invalid),
    Variable(Variable<T>),
    Template(Templated<T>),
}

/// A template with what is needed of `T: FromText`, so that a parameter of any type may hold one.
#[derive(Clone)]
struct Templated<T> {
    template: Template,
    build: fn(String) -> Result<T, Invalid>,
    takes_secrets: bool,
}

impl<T: ParamType> Param<T> {
    /// Resolves this one parameter, called `name`, into an owned value.
    ///
    /// # Errors
    ///
    /// The value is missing or of another type.
    ///
    /// ```
    /// use context_vars::{Param, Variable, Vars};
    ///
    /// let port: Param<u16> = Variable::new("port").into();
    /// assert_eq!(port.get("port", &Vars::new().with("port", 8080))?, 8080);
    /// assert_eq!(
    ///     port.get("port", &Vars::new()).unwrap_err().to_string(),
    ///     "cannot resolve parameter `port`: variable `port` is missing and has no default",
    /// );
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    pub fn get(&self, name: &str, source: &dyn Source) -> Result<T, ResolveError> {
        let mut problems = Problems::new();
        match self.resolve_field(Site::new(name), source, &mut problems) {
            Some(view) => Ok(view.to_resolved()),
            None => Err(problems.into_error()),
        }
    }

    /// The value, if it is the same in every context.
    #[must_use]
    #[inline]
    pub fn constant(&self) -> Option<&T> {
        match &self.0 {
            Repr::Constant(value) => Some(value),
            Repr::Invalid(_) | Repr::Variable(_) | Repr::Template(_) => None,
        }
    }

    /// True if no context changes the value.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.0, Repr::Constant(_) | Repr::Invalid(_))
    }

    /// `Some(None)` is a null, `None` a problem that has been noted.
    fn find<'a>(
        &'a self,
        site: Site<'_>,
        source: &'a dyn Source,
        problems: &mut Problems,
    ) -> Option<Option<T::View<'a>>> {
        match &self.0 {
            Repr::Constant(value) => Some(Some(value.view())),
            Repr::Invalid(invalid) => {
                problems.push(site, None, T::WANTED, Reason::Invalid(invalid.reason()));
                None
            }
            Repr::Variable(variable) => {
                let name = variable.name().unwrap_or_else(|| site.name());
                let reason = match look_up(variable, name, source) {
                    Ok(found) => return Some(found),
                    Err(reason) => reason,
                };
                problems.push(site, Some(name), T::WANTED, reason);
                None
            }
            Repr::Template(templated) => templated
                .render(site, source, problems)
                .map(|value| Some(value.into_view())),
        }
    }

    /// The name an error shows for a null.
    fn variable_name<'s>(&'s self, site: Site<'s>) -> Option<&'s str> {
        match &self.0 {
            Repr::Variable(variable) => Some(variable.name().unwrap_or_else(|| site.name())),
            Repr::Constant(_) | Repr::Invalid(_) | Repr::Template(_) => None,
        }
    }
}

fn look_up<'a, T: ParamType>(
    variable: &'a Variable<T>,
    name: &str,
    source: &'a dyn Source,
) -> Result<Option<T::View<'a>>, Reason> {
    match source.get(name) {
        Some(ValueRef::Null) => Ok(None),
        Some(ValueRef::Variable(_)) => Err(Reason::Variable),
        Some(value) => T::from_value(value)
            .map(Some)
            .map_err(|mismatch| match mismatch {
                Mismatch::Type => Reason::WrongType(value.kind()),
                Mismatch::Invalid(invalid) => Reason::Invalid(invalid.reason()),
            }),
        None => match variable.fallback() {
            Fallback::None => Err(Reason::Missing),
            Fallback::Null => Ok(None),
            Fallback::Borrowed(value) => Ok(Some(value.view())),
            Fallback::Made(value) => Ok(Some(value.into_view())),
        },
    }
}

impl<T: ParamType> Templated<T> {
    fn render(&self, site: Site<'_>, source: &dyn Source, problems: &mut Problems) -> Option<T> {
        let mut parts = Vec::with_capacity(self.template.segments().len());
        let mut complete = true;
        for segment in self.template.segments() {
            match segment {
                Segment::Text(text) => parts.push(text.as_str()),
                Segment::Name { name, default } => {
                    match self.part(name, default.as_deref(), source) {
                        Ok(part) => parts.push(part),
                        Err(reason) => {
                            problems.push(site, Some(name), T::WANTED, reason);
                            complete = false;
                        }
                    }
                }
            }
        }
        if !complete {
            return None;
        }
        // `concat` sizes its buffer first: no half-grown copy of a secret is left behind.
        match (self.build)(parts.concat()) {
            Ok(value) => Some(value),
            Err(invalid) => {
                problems.push(site, None, T::WANTED, Reason::Invalid(invalid.reason()));
                None
            }
        }
    }

    fn part<'a>(
        &self,
        name: &str,
        default: Option<&'a str>,
        source: &'a dyn Source,
    ) -> Result<&'a str, Reason> {
        match source.get(name) {
            Some(ValueRef::Str(text)) => Ok(text),
            Some(ValueRef::Secret(secret)) if self.takes_secrets => Ok(secret.expose()),
            Some(ValueRef::Variable(_)) => Err(Reason::Variable),
            Some(value) => Err(Reason::WrongType(value.kind())),
            None => default.ok_or(Reason::Missing),
        }
    }
}

impl<T: ParamType> Field for Param<T> {
    type Owned = T;
    type View<'a> = T::View<'a>;

    fn resolve_field<'a>(
        &'a self,
        site: Site<'_>,
        source: &'a dyn Source,
        problems: &mut Problems,
    ) -> Option<T::View<'a>> {
        let found = self.find(site, source, problems)?;
        if found.is_none() {
            let name = self.variable_name(site);
            problems.push(site, name, T::WANTED, Reason::WrongType(Kind::Null));
        }
        found
    }

    fn check_field(&self, site: Site<'_>, problems: &mut Problems) {
        if let Repr::Invalid(invalid) = &self.0 {
            problems.push(site, None, T::WANTED, Reason::Invalid(invalid.reason()));
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Param<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Constant(value) => value.fmt(f),
            Repr::Invalid(invalid) => write!(f, "<{}>", invalid.reason()),
            Repr::Variable(variable) => variable.fmt(f),
            Repr::Template(templated) => templated.template.fmt(f),
        }
    }
}

fn from_text<T: FromText>(text: String) -> Param<T> {
    Param(T::from_text(text).map_or_else(Repr::Invalid, Repr::Constant))
}

impl<T: ParamValue> From<T> for Param<T> {
    fn from(value: T) -> Self {
        Self(Repr::Constant(value))
    }
}

impl<T: FromText> From<&str> for Param<T> {
    fn from(text: &str) -> Self {
        from_text(text.to_owned())
    }
}

impl<T: FromText> From<String> for Param<T> {
    fn from(text: String) -> Self {
        from_text(text)
    }
}

impl<T> From<Variable<T>> for Param<T> {
    fn from(variable: Variable<T>) -> Self {
        Self(Repr::Variable(variable))
    }
}

impl<T: FromText> From<Template> for Param<T> {
    fn from(template: Template) -> Self {
        Self(Repr::Template(Templated {
            template,
            build: T::from_text,
            takes_secrets: T::TAKES_SECRETS,
        }))
    }
}
