//! Why a command line was refused.

use std::error::Error as StdError;
use std::fmt;

/// Which rule refused a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// It is longer than [`MAX_COMMAND`](super::CommandPolicy::MAX_COMMAND).
    TooLong,
    /// A quote is not closed, or it ends in a backslash.
    UnbalancedQuotes,
    /// No pattern of `allowed` matches.
    NotAllowed,
    /// It uses pipes, redirects, chaining or substitution, which restricted mode does not have.
    ShellSyntax,
    /// A pattern of `blocked` matches.
    Blocked,
    /// A word is a path that leaves the working directory, or that a pattern of `ignore` matches.
    AccessDenied,
}

/// A command line was refused: nothing of it reached a sandbox.
///
/// `Display` is the message for whoever wrote the command, a model say; it repeats the command or
/// a path of it. `Debug` shows the reason alone, since a command may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    reason: RefusalReason,
    message: String,
}

impl Refusal {
    pub(super) fn new(reason: RefusalReason, message: String) -> Self {
        Self { reason, message }
    }

    /// Which rule refused it.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        self.reason
    }

    /// The message for whoever wrote the command.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl StdError for Refusal {}
