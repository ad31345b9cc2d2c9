//! The spans of a factory; docs/observability.md has the table of their fields.
//!
//! None is made under a lock of the table: a subscriber is code of others.

use tokio::time::Instant;
use tracing::Span;
use tracing::field::{Empty, display};

use super::create::Outcome;
use crate::event::Subject;
use crate::telling::{self, millis};
use crate::{CloseReport, Error, Fingerprint, Provider, Sandbox};

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

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Whether anybody listens.
    pub(super) fn is_on(&self) -> bool {
        self.began.is_some()
    }

    /// On which key.
    pub(super) fn key(&self, key: Fingerprint) {
        if self.is_on() {
            self.span.record("key", display(key));
        }
    }

    /// It is over.
    pub(super) fn ended(&self, outcome: &'static str, error: Option<&Error>) {
        let Some(began) = self.began else {
            return;
        };
        self.span.record("outcome", outcome);
        if let Some(error) = error {
            self.failed(error);
        }
        self.span.record("took_ms", millis(began.elapsed()));
    }

    /// Something did not go well, and may go on.
    pub(super) fn failed(&self, error: &Error) {
        self.span.record("error", telling::kind(error.kind()));
    }

    /// Which sandbox it is about.
    pub(super) fn about(&self, subject: &Subject) {
        if !self.is_on() {
            return;
        }
        self.span.record("name", subject.name());
        self.span.record("id", subject.id());
        self.span.record("generation", subject.generation());
        self.key(subject.key());
    }

    /// An open has got its sandbox.
    pub(super) fn opened(&self, outcome: &'static str, sandbox: &impl Sandbox) {
        if !self.is_on() {
            return;
        }
        let info = sandbox.info();
        self.span.record("name", info.name());
        self.span.record("id", info.id());
        self.span.record("generation", info.generation());
        self.ended(outcome, None);
    }
}

/// Of one open.
pub(super) fn open() -> Told {
    Told::new(tracing::info_span!(
        target: telling::TARGET,
        "sandbox.open",
        key = Empty,
        name = Empty,
        id = Empty,
        generation = Empty,
        outcome = Empty,
        error = Empty,
        took_ms = Empty,
    ))
}

/// Of one close.
pub(super) fn close() -> Told {
    Told::new(tracing::info_span!(
        target: telling::TARGET,
        "sandbox.close",
        left = Empty,
        outcome = Empty,
        took_ms = Empty,
    ))
}

/// That close is over.
pub(super) fn closed(told: &Told, report: &CloseReport) {
    let left = report.left().len();
    told.span().record("left", left);
    told.ended(if left == 0 { "clean" } else { "left" }, None);
}

macro_rules! work {
    ($level:ident, $name:literal, $subject:expr $(, parent: $parent:expr)?) => {
        Told::new(tracing::$level!(
            target: telling::TARGET,
            $(parent: $parent,)?
            $name,
            name = $subject.name(),
            id = $subject.id(),
            generation = $subject.generation(),
            key = %$subject.key(),
            scope = %$subject.scope(),
            account = %$subject.account(),
            outcome = Empty,
            error = Empty,
            took_ms = Empty,
        ))
    };
}

/// Of a creation, within the open that began it.
pub(super) fn create(subject: &Subject) -> Told {
    work!(info_span, "sandbox.create", subject)
}

/// Of a look at a sandbox in doubt, within the open that began it.
pub(super) fn revalidate(subject: &Subject) -> Told {
    work!(info_span, "sandbox.revalidate", subject)
}

/// Of a removal. It is nobody's part, and follows from what asked for it.
pub(super) fn delete(subject: &Subject, cause: &Span) -> Told {
    let told = work!(info_span, "sandbox.delete", subject, parent: None);
    told.span().follows_from(cause);
    told
}

/// Of a renewal. It is nobody's part.
pub(super) fn renew(subject: &Subject) -> Told {
    work!(debug_span, "sandbox.renew", subject, parent: None)
}

/// How a creation is told to have ended.
pub(super) fn created<P: Provider>(told: &Told, outcome: &Outcome<P>) {
    if !told.is_on() {
        return;
    }
    match outcome {
        Outcome::Ready {
            target, adopted, ..
        } => {
            told.span().record("id", target.id());
            told.ended(if *adopted { "adopted" } else { "created" }, None);
        }
        Outcome::Failed(error) | Outcome::Broken { reason: error, .. } => {
            told.ended("failed", Some(error));
        }
        Outcome::Unclear(error) => told.ended("unresolved", Some(error)),
    }
}
