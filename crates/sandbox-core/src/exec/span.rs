//! The span of a command.

use std::fmt;
use std::future::Future;

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::outcome::{ExecOutcome, ExecStatus};
use crate::Error;
use crate::telling::{TARGET, kind, millis};

/// The span `sandbox.exec` of one command; for those who write a sandbox.
///
/// It says which sandbox, how the command ended and how long it took, and nothing of what it is or printed. It begins
/// within the current span, and costs next to nothing where nobody listens.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sandbox_core::Error> {
/// use std::time::Duration;
/// use sandbox_core::{ExecOutcome, ExecSpan, ExecStatus, Output};
///
/// let work = async {
///     // here the command is run
///     let (out, err) = (Output::complete("42\n"), Output::complete(""));
///     Ok(ExecOutcome::new(ExecStatus::Exited(0), out, err, Duration::from_millis(3)))
/// };
/// assert!(ExecSpan::begin("sb-1").exec(work).await?.success());
/// # Ok(()) }
/// ```
pub struct ExecSpan {
    span: Span,
    began: Option<Instant>,
}

impl ExecSpan {
    /// Of a command in the sandbox with this id.
    #[must_use]
    pub fn begin(id: &str) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "sandbox.exec",
            id,
            streamed = false,
            status = Empty,
            exit_code = Empty,
            signal = Empty,
            error = Empty,
            took_ms = Empty,
        );
        let began = (!span.is_disabled()).then(Instant::now);
        Self { span, began }
    }

    /// Runs the command of a [`Sandbox::exec`](crate::Sandbox::exec) within it, which ends it.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    ///
    /// # Cancel safety
    ///
    /// As `work`.
    pub async fn exec<F>(self, work: F) -> Result<ExecOutcome, Error>
    where
        F: Future<Output = Result<ExecOutcome, Error>> + Send,
    {
        let done = work.instrument(self.span.clone()).await;
        match &done {
            Ok(outcome) => self.ended(outcome),
            Err(error) => self.failed(error),
        }
        done
    }

    /// Does a part of the work of a [`Sandbox::start`](crate::Sandbox::start) within it, which does not end it.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    ///
    /// # Cancel safety
    ///
    /// As `work`.
    pub async fn prepare<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        self.span.record("streamed", true);
        let done = work.instrument(self.span.clone()).await;
        if let Err(error) = &done {
            self.failed(error);
        }
        done
    }

    /// Drives a command that was started within it, which ends it.
    ///
    /// # Cancel safety
    ///
    /// As `work`.
    pub async fn drive<F>(self, work: F) -> ExecOutcome
    where
        F: Future<Output = ExecOutcome> + Send,
    {
        let outcome = work.instrument(self.span.clone()).await;
        self.ended(&outcome);
        outcome
    }

    fn ended(&self, outcome: &ExecOutcome) {
        let status = match outcome.status() {
            ExecStatus::Exited(code) => {
                self.span.record("exit_code", code);
                "exited"
            }
            ExecStatus::Signaled(signal) => {
                self.span.record("signal", signal);
                "signaled"
            }
            ExecStatus::TimedOut => "timed_out",
            ExecStatus::Lost => "lost",
            ExecStatus::NotStarted => "not_started",
            ExecStatus::Unknown => "unknown",
        };
        self.end(status, outcome.cause());
    }

    fn failed(&self, error: &Error) {
        self.end("not_started", Some(error));
    }

    fn end(&self, status: &'static str, error: Option<&Error>) {
        let Some(began) = self.began else {
            return;
        };
        self.span.record("status", status);
        if let Some(error) = error {
            self.span.record("error", kind(error.kind()));
        }
        self.span.record("took_ms", millis(began.elapsed()));
    }
}

impl fmt::Debug for ExecSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSpan").finish_non_exhaustive()
    }
}
