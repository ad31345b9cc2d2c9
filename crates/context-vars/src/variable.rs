//! A parameter's value, to be found in the context of each call.

use std::fmt;
use std::sync::Arc;

/// Names a value that each resolution looks up in its context.
///
/// A present value wins over the default, and so does a present null. `default` wins over
/// `default_factory`. Nothing is ever written back to the context.
///
/// ```
/// use context_vars::{NoVars, Param, Variable};
///
/// let image: Param<String> = Variable::new("image").default("python:3.12").into();
/// assert_eq!(image.get("image", &NoVars)?, "python:3.12");
/// # Ok::<(), context_vars::ResolveError>(())
/// ```
pub struct Variable<T> {
    name: Option<Arc<str>>,
    default: Option<Absent<T>>,
    factory: Option<Arc<dyn Fn() -> T + Send + Sync>>,
}

enum Absent<T> {
    Null,
    Value(Arc<T>),
}

/// What stands in for an absent variable.
pub(crate) enum Fallback<'a, T> {
    None,
    Null,
    Borrowed(&'a T),
    Made(T),
}

impl<T> Variable<T> {
    /// The variable called `name`.
    ///
    /// ```
    /// use context_vars::{Param, Variable, Vars};
    ///
    /// let image: Param<String> = Variable::new("tenant_image").into();
    /// assert_eq!(image.get("image", &Vars::new().with("tenant_image", "node:20"))?, "node:20");
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: Some(name.into()),
            default: None,
            factory: None,
        }
    }

    /// The variable called like the parameter it fills.
    ///
    /// ```
    /// use context_vars::{Param, Variable, Vars};
    ///
    /// let image: Param<String> = Variable::unnamed().into();
    /// assert_eq!(image.get("image", &Vars::new().with("image", "node:20"))?, "node:20");
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn unnamed() -> Self {
        Self {
            name: None,
            default: None,
            factory: None,
        }
    }

    /// The value if the context does not have the name.
    ///
    /// ```
    /// use context_vars::{Param, Variable, Vars};
    ///
    /// let mode: Param<String> = Variable::new("mode").default("slow").into();
    /// assert_eq!(mode.get("mode", &Vars::new())?, "slow");
    /// assert_eq!(mode.get("mode", &Vars::new().with("mode", "fast"))?, "fast");
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn default(mut self, value: impl Into<T>) -> Self {
        self.default = Some(Absent::Value(Arc::new(value.into())));
        self
    }

    /// Null if the context does not have the name: an optional parameter is then unset, and a
    /// required one is in error.
    ///
    /// ```
    /// use context_vars::{NoVars, OptParam, Variable};
    ///
    /// let image: OptParam<String> = Variable::new("image").default_null().into();
    /// assert_eq!(image.get("image", &NoVars)?, None);
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn default_null(mut self) -> Self {
        self.default = Some(Absent::Null);
        self
    }

    /// Makes the value, anew on each resolution, if the context does not have the name and there
    /// is no [`default`](Self::default).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use context_vars::{NoVars, Param, Variable};
    ///
    /// let n = AtomicU32::new(0);
    /// let make = move || format!("img{}", n.fetch_add(1, Ordering::Relaxed));
    /// let image: Param<String> = Variable::new("image").default_factory(make).into();
    /// assert_eq!(image.get("image", &NoVars)?, "img0");
    /// assert_eq!(image.get("image", &NoVars)?, "img1");
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn default_factory(mut self, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        self.factory = Some(Arc::new(make));
        self
    }

    /// The name, unless the parameter's is to be taken.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// True if an absent name is an error: there is no default and no factory.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.default.is_none() && self.factory.is_none()
    }

    pub(crate) fn fallback(&self) -> Fallback<'_, T> {
        match (&self.default, &self.factory) {
            (Some(Absent::Null), _) => Fallback::Null,
            (Some(Absent::Value(value)), _) => Fallback::Borrowed(value),
            (None, Some(make)) => Fallback::Made(make()),
            (None, None) => Fallback::None,
        }
    }
}

impl<T> Clone for Absent<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Value(value) => Self::Value(Arc::clone(value)),
        }
    }
}

impl<T> Clone for Variable<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            default: self.default.clone(),
            factory: self.factory.clone(),
        }
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("default", &self.default.is_some())
            .field("default_factory", &self.factory.is_some())
            .finish()
    }
}
