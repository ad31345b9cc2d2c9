//! What came of source code.

use std::error::Error as StdError;
use std::fmt;

use crate::ExecOutcome;
use crate::adapter::repr::repr;

/// What came of source code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CodeReply {
    /// Its language is not enabled; nothing was opened.
    NotEnabled(NotEnabled),
    /// The sandbox has no such program as the runner needs, so the code was not run.
    #[non_exhaustive]
    RunnerMissing {
        /// The program.
        program: String,
        /// The answer to the attempt: exit code 127.
        outcome: ExecOutcome,
    },
    /// It was handed to a sandbox; what became of it is told apart there.
    Ran(ExecOutcome),
}

impl CodeReply {
    /// The outcome, if it was handed to a sandbox.
    #[must_use]
    pub fn outcome(&self) -> Option<&ExecOutcome> {
        match self {
            Self::Ran(outcome) | Self::RunnerMissing { outcome, .. } => Some(outcome),
            Self::NotEnabled(_) => None,
        }
    }

    /// The text for a model: the output, with `[exit code: N]` behind it unless that is 0. A
    /// language that is not enabled has code 2, and a missing runner 127 with a hint.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::NotEnabled(refused) => format!("{refused}\n[exit code: 2]"),
            Self::RunnerMissing { program, .. } => format!(
                "{} is not installed in this sandbox: its image lacks it. Install it, or use \
                 another language.\n[exit code: 127]",
                repr(program)
            ),
            Self::Ran(outcome) => outcome.to_result().to_text(),
        }
    }
}

/// Code of a language that is not enabled: nothing of it reached a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEnabled {
    language: String,
    available: Vec<String>,
}

impl NotEnabled {
    pub(super) fn new(language: &str, available: &[String]) -> Self {
        Self {
            language: language.to_owned(),
            available: available.to_vec(),
        }
    }

    /// The language asked for.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The enabled languages.
    #[must_use]
    pub fn available(&self) -> &[String] {
        &self.available
    }
}

impl fmt::Display for NotEnabled {
    /// The message of the original.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let available: Vec<_> = self.available.iter().map(|name| repr(name)).collect();
        write!(
            f,
            "Language {} is not enabled. Available: [{}]",
            repr(&self.language),
            available.join(", ")
        )
    }
}

impl StdError for NotEnabled {}
