//! Failures, with a face for the model and one for the host.

use std::error::Error as StdError;
use std::fmt;

use sandbox_core::{Error, ErrorKind};

/// What kind of failure a [`ToolError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolErrorKind {
    /// The model asked for a tool that is not there.
    UnknownTool,
    /// The model sent something else than the schema says; nothing was done.
    InvalidArguments,
    /// The sandbox could not do it; [`ToolError::host`] says why.
    Sandbox,
}

/// Why a tool did nothing, or did not finish.
///
/// `Display` is what the model is told: short, with what it can do about it, and without anything of the host's.
#[derive(Clone, Debug)]
pub struct ToolError {
    kind: ToolErrorKind,
    message: String,
    host: Option<Error>,
}

impl ToolError {
    /// For a tool of one's own: the model's arguments are wrong, in these words.
    #[must_use]
    pub fn arguments(message: impl Into<String>) -> Self {
        Self {
            kind: ToolErrorKind::InvalidArguments,
            message: format!("Invalid arguments: {}", message.into()),
            host: None,
        }
    }

    pub(crate) fn unknown(name: &str, known: &[&str]) -> Self {
        let name: String = name.chars().take(80).collect();
        let message = format!(
            "There is no tool {name:?}. There are: {}.",
            known.join(", ")
        );
        Self {
            kind: ToolErrorKind::UnknownTool,
            message,
            host: None,
        }
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> ToolErrorKind {
        self.kind
    }

    /// The text for the model.
    #[must_use]
    pub fn for_model(&self) -> &str {
        &self.message
    }

    /// The whole error, for the host alone; `None` where the model's call was wrong.
    #[must_use]
    pub fn host(&self) -> Option<&Error> {
        self.host.as_ref()
    }
}

impl From<Error> for ToolError {
    /// The model learns what it can act on; the reason stays with the host.
    fn from(error: Error) -> Self {
        let (kind, message) = match error.kind() {
            // about what it asked for, in words of ours
            ErrorKind::InvalidInput | ErrorKind::PathEscape | ErrorKind::TooLarge => (
                ToolErrorKind::InvalidArguments,
                format!("Invalid arguments: {}", own_words(&error)),
            ),
            kind => (ToolErrorKind::Sandbox, words(kind).to_owned()),
        };
        tracing::warn!(kind = ?error.kind(), %error, "a tool failed");
        Self {
            kind,
            message,
            host: Some(error),
        }
    }
}

/// What a sandbox says about input before it sends anything holds no secret; what a service answers may hold anything.
fn own_words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::PathEscape => {
            "the path leaves the working directory; give one that is relative to it".to_owned()
        }
        ErrorKind::TooLarge => "that is too large".to_owned(),
        _ if error.source().is_none() && error.operation().is_none() => error.message().to_owned(),
        _ => "the sandbox refused them".to_owned(),
    }
}

fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "There is no such file or directory.",
        ErrorKind::Conflict => "Something else is in the way there.",
        ErrorKind::Lost => {
            "The sandbox was lost, with its files and processes. The next call gets a new, empty one."
        }
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => {
            "The sandbox cannot be reached at the moment. Try again later."
        }
        ErrorKind::Unsupported => "This sandbox cannot do that.",
        _ => "The sandbox is not available. The operator has been told why.",
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ToolError {}
