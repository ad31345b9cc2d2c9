//! What came of a command.

use std::fmt;
use std::time::Duration;

use super::Output;
use crate::Error;

/// How a command ended. Trouble on the way is never an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecStatus {
    /// It ended by itself with this code; 127 if the program was not found, 126 if it may not be
    /// executed, with the message on standard error as from a shell.
    Exited(i32),
    /// A signal ended it.
    Signaled(i32),
    /// It was killed at its timeout, with all it had started. The output up to then is there.
    TimedOut,
    /// The sandbox went away; what the command did is gone with it.
    Lost,
    /// It provably never started.
    NotStarted,
    /// It may have run or may be running: the answer did not arrive. Or it ran, and its output can no longer be read,
    /// since it removed the files that held it; the cause says which stream and how it ended.
    Unknown,
}

/// What came of one command.
#[derive(Clone, Debug)]
pub struct ExecOutcome {
    status: ExecStatus,
    stdout: Output,
    stderr: Output,
    duration: Duration,
    cause: Option<Error>,
}

impl ExecOutcome {
    /// An outcome; what runs commands makes these.
    #[must_use]
    pub fn new(status: ExecStatus, stdout: Output, stderr: Output, duration: Duration) -> Self {
        Self {
            status,
            stdout,
            stderr,
            duration,
            cause: None,
        }
    }

    /// An outcome without output: lost, not started or unknown, and why.
    #[must_use]
    pub fn without_output(status: ExecStatus, duration: Duration, cause: Error) -> Self {
        Self::new(status, Output::default(), Output::default(), duration).with_cause(cause)
    }

    /// Adds why the command was lost, did not start, or has no known end.
    #[must_use]
    pub fn with_cause(mut self, cause: Error) -> Self {
        self.cause = Some(cause);
        self
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> ExecStatus {
        self.status
    }

    /// True only for exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == ExecStatus::Exited(0)
    }

    /// Standard output.
    #[must_use]
    pub fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// Standard error.
    #[must_use]
    pub fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// How long it took, as seen from here.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Why it was lost, did not start, or has no known end.
    #[must_use]
    pub fn cause(&self) -> Option<&Error> {
        self.cause.as_ref()
    }

    /// The short view that tools show to a model: one text and one number.
    #[must_use]
    pub fn to_result(&self) -> ExecResult {
        let mut output = self.stdout.text_lossy();
        let errors = self.stderr.text_lossy();
        append(&mut output, &errors);
        output.truncate(output.trim_end().len());
        let (exit_code, note) = match self.status {
            ExecStatus::Exited(code) => (code, None),
            ExecStatus::Signaled(signal) => (128 + signal, None),
            ExecStatus::TimedOut => (124, Some("timed out")),
            ExecStatus::Lost => (125, Some("the sandbox was lost")),
            ExecStatus::NotStarted => (125, Some("the command was not started")),
            ExecStatus::Unknown => (125, Some("it is not known whether the command ran")),
        };
        if let Some(note) = note {
            let text = match (&self.cause, self.status) {
                (_, ExecStatus::TimedOut) => {
                    format!("[{note} after {:.1} s]", self.duration.as_secs_f64())
                }
                (Some(cause), _) => format!("[{note}: {cause}]"),
                (None, _) => format!("[{note}]"),
            };
            append(&mut output, &text);
        }
        ExecResult { output, exit_code }
    }
}

fn append(text: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(more);
}

/// The short view of an outcome.
///
/// `output` is standard output, then standard error, without trailing white space. `exit_code` is
/// the command's; 128 + n for a signal, 124 for a timeout, 125 where there is no code because the
/// command was lost, did not start or has no known end.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecResult {
    /// Both streams as text.
    pub output: String,
    /// One number for how it ended.
    pub exit_code: i32,
}

impl ExecResult {
    /// The text for a model: the output, with `[exit code: N]` on a line of its own behind it
    /// unless that is 0.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sandbox_core::{ExecOutcome, ExecStatus, Output};
    ///
    /// let ended = |code, text: &'static str| {
    ///     let (out, err) = (Output::complete(text), Output::default());
    ///     ExecOutcome::new(ExecStatus::Exited(code), out, err, Duration::ZERO).to_result()
    /// };
    /// assert_eq!(ended(0, "done\n").to_text(), "done");
    /// assert_eq!(ended(7, "boom\n").to_text(), "boom\n[exit code: 7]");
    /// assert_eq!(ended(7, "").to_text(), "[exit code: 7]");
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.output.clone();
        if self.exit_code != 0 {
            append(&mut text, &format!("[exit code: {}]", self.exit_code));
        }
        text
    }
}

impl fmt::Debug for ExecResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecResult")
            .field("output", &self.output.len())
            .field("exit_code", &self.exit_code)
            .finish()
    }
}
