//! The spans of a call; docs/observability.md has the table of their fields.

use http::HeaderMap;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::auth::Base;
use super::redact::clean;
use crate::error::{Error, ErrorKind};
use crate::request::Call;

const TARGET: &str = "daytona_api";
/// The longest request id that is shown, in bytes.
const REQUEST_ID: usize = 128;

/// A span, and since when it is open. It costs next to nothing where nobody listens.
pub(super) struct Told {
    span: Span,
    began: Option<Instant>,
}

impl Told {
    fn new(span: Span) -> Self {
        let began = (!span.is_disabled()).then(Instant::now);
        Self { span, began }
    }

    /// Of a whole call.
    pub(super) fn call(base: &Base, call: &Call) -> Self {
        Self::new(tracing::debug_span!(
            target: TARGET,
            "daytona.request",
            operation = call.route.id,
            method = call.route.method.as_str(),
            route = call.route.path,
            sandbox = call.sandbox(base),
            attempts = Empty,
            status = Empty,
            request_id = Empty,
            error = Empty,
            took_ms = Empty,
        ))
    }

    /// Of one attempt of it, within the current span.
    pub(super) fn attempt(&self, number: u32) -> Self {
        self.span.record("attempts", number);
        Self::new(tracing::debug_span!(
            target: TARGET,
            parent: &self.span,
            "daytona.attempt",
            attempt = number,
            status = Empty,
            request_id = Empty,
            error = Empty,
            took_ms = Empty,
        ))
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The head of an answer is here.
    pub(super) fn answered<'a>(
        &self,
        status: u16,
        headers: &HeaderMap,
        secrets: impl Iterator<Item = &'a str>,
    ) {
        if self.began.is_none() {
            return;
        }
        self.span.record("status", status);
        let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        if let Some(id) = id {
            let id = clean(id, secrets, REQUEST_ID);
            self.span.record("request_id", id.as_str());
        }
    }

    /// It is over.
    pub(super) fn ended(&self, error: Option<&Error>) {
        let Some(began) = self.began else {
            return;
        };
        if let Some(error) = error {
            self.span.record("error", kind(error.kind()));
            if let Some(status) = error.status() {
                self.span.record("status", status);
            }
        }
        self.span.record("took_ms", millis(began.elapsed()));
    }
}

pub(super) fn retrying(
    operation: &'static str,
    attempt: u32,
    error: &Error,
    delay: std::time::Duration,
) {
    tracing::debug!(
        target: TARGET,
        operation,
        attempt,
        reason = kind(error.kind()),
        status = error.status(),
        delay_ms = millis(delay),
        "retrying"
    );
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Build => "build",
        ErrorKind::Connect => "connect",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Transport => "transport",
        ErrorKind::Status => "status",
        ErrorKind::Decode => "decode",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Archive => "archive",
        ErrorKind::Local => "local",
        ErrorKind::Changed => "changed",
        ErrorKind::Failed => "failed",
    }
}
