//! Text with variables in it.

use std::fmt;

mod error;
mod parse;

pub use error::{TemplateError, TemplateErrorKind};

/// Text with `${name}` and `${name:-default}` in it; `$$` stands for one `$`.
///
/// The default is taken only where the name is absent: unlike in a shell, a present empty string
/// stays empty. A present null is an error. Only strings fill a template, and secrets only that
/// of a secret parameter.
///
/// ```
/// use context_vars::{Param, Template, Vars};
///
/// let image: Param<String> = Template::parse("registry/${team:-base}:latest")?.into();
/// assert_eq!(image.get("image", &Vars::new())?, "registry/base:latest");
/// assert_eq!(image.get("image", &Vars::new().with("team", "blue"))?, "registry/blue:latest");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(String),
    Name {
        name: String,
        default: Option<String>,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// A `$` that begins nothing, an unclosed or nested `${`, or an empty name. The error says
    /// where, and never repeats the text.
    ///
    /// ```
    /// use context_vars::Template;
    ///
    /// let error = Template::parse("registry/${team").unwrap_err();
    /// assert_eq!(error.span(), 9..15);
    /// assert_eq!(error.to_string(), "`${` without `}` at byte 9 of the template");
    /// ```
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::segments(text).map(|segments| Self { segments })
    }

    /// The names in it, in order, repeated ones too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Name { name, .. } => Some(name.as_str()),
        })
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// Shows the names only: the text around them may be half of a secret.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template")?;
        f.debug_list().entries(self.names()).finish()
    }
}
