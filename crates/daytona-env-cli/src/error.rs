//! Failures of ours: one line that says what and why, and perhaps one with what to do.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use sandbox_core::ErrorKind;
use serde::Serialize;

use crate::host::Account;
use crate::output;

/// Exit code of every failure of ours; what the command of a `run` exits with is its own.
pub(crate) const FAILED: u8 = 125;
/// Exit code of a `run` whose command reached its timeout.
pub(crate) const TIMED_OUT: u8 = 124;

/// Something we could not do.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    source: Option<anyhow::Error>,
    hint: Option<String>,
}

impl Failure {
    /// What could not be done; no trailing period, no secret.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
            hint: None,
        }
    }

    /// Adds the cause.
    pub(crate) fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure of a factory or a sandbox, with the hint its kind deserves.
    pub(crate) fn of(what: impl Into<String>, error: sandbox_core::Error) -> Self {
        let hint = hint_for(error.kind());
        let failure = Self::new(what).because(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// A refusal of what the user gave, by the name under which it was given: a factory knows its own alone.
    pub(crate) fn of_arguments(what: &str, error: impl Into<anyhow::Error>) -> Self {
        let text = Self::new(what).because(error).to_string();
        Self::new(GIVEN.iter().fold(text, |text, (parameter, given)| {
            text.replace(&format!("`{parameter}`"), given)
        }))
    }

    /// With the hint that the account's URL deserves, where what answered there is no Daytona API.
    pub(crate) fn at(self, account: Option<&Account>) -> Self {
        match account {
            Some(account) if is_no_api(&self.to_string()) => {
                let hint = account.not_daytona();
                self.hint(hint)
            }
            _ => self,
        }
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Prints it; the code to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(FAILED)
    }

    /// Prints it, and for `--json` an object on stdout too, so that there always is one document.
    pub(crate) fn report_as(&self, json: bool) -> ExitCode {
        self.print();
        if json {
            output::json(&JsonFailure::of(self));
        }
        ExitCode::from(FAILED)
    }

    pub(crate) fn json(&self) -> JsonError {
        JsonError {
            message: output::one_line(&self.to_string()),
            hint: self.hint.clone(),
        }
    }

    pub(crate) fn print(&self) {
        output::note(&self.to_string());
        if let Some(hint) = &self.hint {
            output::hint(hint);
        }
    }
}

/// The parameters of a factory, and where this program takes them from.
const GIVEN: [(&str, &str); 15] = [
    ("api_key", "DAYTONA_API_KEY"),
    ("jwt", "DAYTONA_JWT_TOKEN"),
    ("organization", "DAYTONA_ORGANIZATION_ID"),
    ("api_url", "DAYTONA_API_URL"),
    ("target", "DAYTONA_TARGET"),
    ("image", "--image"),
    ("snapshot", "--snapshot"),
    ("scope", "--scope"),
    ("workdir", "--workdir"),
    ("timeout", "--timeout"),
    ("lease", "--lease"),
    ("renew_interval", "--renew-interval"),
    ("close_timeout", "--close-timeout"),
    ("idle", "--idle"),
    ("namespace", "--namespace"),
];

/// What `--json` prints of a failure, where the command has no object of its own to put it into.
#[derive(Debug, Serialize)]
pub(crate) struct JsonFailure {
    status: &'static str,
    exit_code: u8,
    errors: [JsonError; 1],
}

impl JsonFailure {
    pub(crate) fn of(failure: &Failure) -> Self {
        Self {
            status: "failed",
            exit_code: FAILED,
            errors: [failure.json()],
        }
    }
}

/// One failure in an object.
#[derive(Debug, Serialize)]
pub(crate) struct JsonError {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Whether the text of an error says that what answered is no Daytona API.
pub(crate) fn is_no_api(text: &str) -> bool {
    text.contains("not a daytona api")
}

/// What it is and the chain of causes, leaving out a level that says what the one above it has said.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut above = self.what.clone();
        let mut next: Option<&dyn StdError> = self
            .source
            .as_ref()
            .map(|source| &**source as &dyn StdError);
        while let Some(level) = next {
            let text = level.to_string();
            if !above.contains(&text) {
                write!(f, ": {text}")?;
                above = text;
            }
            next = level.source();
        }
        Ok(())
    }
}

fn hint_for(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Auth => {
            Some("check DAYTONA_API_KEY, and that DAYTONA_API_URL is the server it belongs to")
        }
        ErrorKind::Unavailable => {
            Some("check DAYTONA_API_URL; `daytona-env doctor` shows what is reachable")
        }
        ErrorKind::Unresolved => Some("give every variable a value with --var VARIABLE=VALUE"),
        ErrorKind::RateLimited => Some("try again later"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_one_line_and_repeats_nothing() {
        let cause = sandbox_core::Error::new(ErrorKind::Auth, "the server answered 401")
            .with_operation("open")
            .with_source(std::io::Error::other("the server answered 401"));
        let failure = Failure::of("cannot open a sandbox", cause);
        assert_eq!(
            failure.to_string(),
            "cannot open a sandbox: open: the server answered 401"
        );
        assert!(
            failure
                .hint_text()
                .is_some_and(|hint| hint.contains("DAYTONA_API_KEY"))
        );
    }
}
