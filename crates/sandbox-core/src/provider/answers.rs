//! What a provider answers.

use crate::{Error, SandboxInfo};

/// Whether a failed create may have made something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// Provably nothing was made: the request was never sent.
    NotCreated,
    /// Something may exist under the attempt's name, now or soon.
    MayExist,
}

/// A create that did not succeed.
#[derive(Clone, Debug)]
pub struct CreateError {
    error: Error,
    fate: Fate,
    answered: bool,
}

impl CreateError {
    /// Provably nothing was made.
    #[must_use]
    pub fn not_created(error: Error) -> Self {
        Self {
            error,
            fate: Fate::NotCreated,
            answered: true,
        }
    }

    /// Something may exist.
    #[must_use]
    pub fn may_exist(error: Error) -> Self {
        Self {
            error,
            fate: Fate::MayExist,
            answered: false,
        }
    }

    /// The service itself answered, so that the request is over: what it made is there by now, and
    /// it will not be carried out later. Without this, a request whose error is
    /// [`Unavailable`](crate::ErrorKind::Unavailable), [`Timeout`](crate::ErrorKind::Timeout) or
    /// [`Internal`](crate::ErrorKind::Internal) counts as one that may still be carried out: what
    /// its attempt made is watched for two minutes after it was removed, and a `close` in that time
    /// says so.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.answered = true;
        self
    }

    /// True if the service itself answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Whether something may exist.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.fate
    }

    /// What went wrong, by value.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.error
    }
}

/// What exists under an attempt's name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found<S> {
    /// A sandbox of this attempt that can be used.
    Ready(S),
    /// A sandbox of this attempt that will never work; it is removed and the open fails.
    Broken {
        /// What to remove.
        target: Target,
        /// Why it does not work.
        reason: Error,
    },
    /// A sandbox of this attempt that is not ready yet.
    Pending,
    /// Nothing, as far as the service can tell; a late request may still make it.
    Absent,
}

/// What to remove.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    id: Option<String>,
    name: String,
}

impl Target {
    /// A sandbox by its id, where known, and its name.
    #[must_use]
    pub fn new(id: Option<String>, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
        }
    }

    /// The sandbox of a handle.
    #[must_use]
    pub fn of(info: &SandboxInfo) -> Self {
        Self::new(Some(info.id().to_owned()), info.name())
    }

    /// The id, if an answer ever told it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The name it was created under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A removal that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destroyed {
    /// It does not exist.
    Gone,
    /// The service has accepted the removal, and nothing can take it back.
    Accepted,
    /// It is let go of and not removed: others may still use it, and the service removes it once
    /// nobody renews it. A `close` counts it as done and reports it as released.
    Released,
}

/// How a sandbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It can be used.
    Healthy,
    /// It exists and must be started first, or is just changing: [`Provider::start`](crate::Provider::start) is called,
    /// and waits until it can be used.
    Stopped,
    /// It does not exist any more.
    Gone {
        /// What the service said about it.
        reason: String,
    },
    /// It cannot be told.
    Unknown,
}
