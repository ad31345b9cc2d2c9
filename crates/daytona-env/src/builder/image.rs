//! An image by name or step by step, as one parameter.

use std::fmt;

use context_vars::{OptParam, Param, Template, Variable};
use daytona_api::api::Image;

use crate::params::ShownImage;
use crate::validate::{Invalid, check_image};

/// What [`DaytonaEnvironmentBuilder::image`](super::DaytonaEnvironmentBuilder::image) takes: the name of an image, a
/// variable or a template that resolves to one, or an [`Image`] described step by step.
///
/// An image that is nothing but its base is the same as its name. One that copies files of this machine (feature
/// `context`) is told by what is in them: see [`image`](super::DaytonaEnvironmentBuilder::image). Debug shows no line of a described image: it may
/// hold a secret.
///
/// ```
/// use context_vars::Variable;
/// use daytona_env::{Image, ImageParam};
///
/// let named: ImageParam = "python:3.12".into();
/// let varies: ImageParam = Variable::new("image").into();
/// let described: ImageParam = Image::base("python:3.12").pip_install(["numpy"]).into();
/// assert_eq!(format!("{described:?}"), "Image(2 lines)");
/// # drop((named, varies));
/// ```
#[derive(Clone, Default)]
pub struct ImageParam {
    pub(crate) text: OptParam<String>,
    /// The text is a whole Dockerfile, which an [`Image`] has checked.
    pub(crate) described: bool,
    /// The files of this machine that it copies.
    #[cfg(feature = "context")]
    pub(crate) files: Option<std::sync::Arc<crate::files::ImageFiles>>,
    wrong: Option<String>,
}

impl ImageParam {
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        match &self.wrong {
            Some(why) => Err(Invalid::new(format!("`image`: {why}"))),
            None => Ok(()),
        }
    }

    fn of(text: impl Into<OptParam<String>>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl ImageParam {
    /// What the key is made of.
    pub(crate) fn into_text(self) -> OptParam<String> {
        #[cfg(feature = "context")]
        if self.files.is_some() {
            return Variable::new(crate::files::VARIABLE).into();
        }
        self.text
    }
}

impl fmt::Debug for ImageParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShownImage(&self.text).fmt(f)
    }
}

impl From<&Image> for ImageParam {
    fn from(image: &Image) -> Self {
        let dockerfile = match image.dockerfile() {
            Ok(dockerfile) => dockerfile,
            Err(error) => {
                return Self {
                    wrong: Some(error.to_string()),
                    // counts as given in what is checked besides
                    ..Self::of("invalid")
                };
            }
        };
        let base = dockerfile
            .strip_prefix("FROM ")
            .and_then(|rest| rest.strip_suffix('\n'))
            .filter(|base| check_image(base).is_ok());
        match base {
            Some(base) => Self::of(base),
            None => Self {
                described: true,
                #[cfg(feature = "context")]
                files: crate::files::ImageFiles::of(image),
                ..Self::of(dockerfile)
            },
        }
    }
}

impl From<Image> for ImageParam {
    fn from(image: Image) -> Self {
        Self::from(&image)
    }
}

impl From<&str> for ImageParam {
    fn from(image: &str) -> Self {
        Self::of(image)
    }
}

impl From<String> for ImageParam {
    fn from(image: String) -> Self {
        Self::of(image)
    }
}

impl From<Variable<String>> for ImageParam {
    fn from(image: Variable<String>) -> Self {
        Self::of(image)
    }
}

impl From<Template> for ImageParam {
    fn from(image: Template) -> Self {
        Self::of(image)
    }
}

impl From<Param<String>> for ImageParam {
    fn from(image: Param<String>) -> Self {
        Self::of(image)
    }
}

impl From<OptParam<String>> for ImageParam {
    fn from(image: OptParam<String>) -> Self {
        Self::of(image)
    }
}
