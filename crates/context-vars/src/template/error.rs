//! What can be wrong with a template.

use std::ops::Range;

/// Why a template does not parse, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {} of the template", span.start)]
pub struct TemplateError {
    kind: TemplateErrorKind,
    span: Range<usize>,
}

impl TemplateError {
    pub(super) fn new(kind: TemplateErrorKind, span: Range<usize>) -> Self {
        Self { kind, span }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> TemplateErrorKind {
        self.kind
    }

    /// The bytes of the template that are wrong.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// What can be wrong with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateErrorKind {
    /// A `$` followed by neither `{` nor `$`.
    #[error("`$` that begins nothing (write `$$` for a dollar sign)")]
    LoneDollar,
    /// A `${` that never ends.
    #[error("`${{` without `}}`")]
    Unclosed,
    /// `${}` or `${:-default}`.
    #[error("empty name")]
    EmptyName,
    /// A `${` within another.
    #[error("`${{` inside `${{`")]
    Nested,
}
