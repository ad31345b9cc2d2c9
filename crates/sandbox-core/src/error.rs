//! What went wrong, in words a caller can act on.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use context_vars::ResolveError;

mod close;
mod kind;

pub use close::{CloseError, Leftover};
pub use kind::ErrorKind;

/// The error of this crate and of everything that implements its traits.
///
/// Cheap to clone, so one failed attempt can be told to everybody who waited for it. `Display`
/// prints this level only; causes come through [`source`](StdError::source).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. The message is lower case, has no trailing period and no secret, and
    /// does not repeat what its source says.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation: None,
            message: message.into(),
            retry_after: None,
            source: None,
        }))
    }

    /// An error of the operating system while doing `what`, such as `write the file`, for backends
    /// that work on files and processes of a host. What is not there is
    /// [`NotFound`](ErrorKind::NotFound), what is in the way [`Conflict`](ErrorKind::Conflict), a
    /// deadline [`Timeout`](ErrorKind::Timeout), and all else
    /// [`Provider`](ErrorKind::Provider).
    ///
    /// ```
    /// use sandbox_core::Error;
    ///
    /// let error = Error::io("read the file", std::io::ErrorKind::NotFound.into());
    /// assert_eq!(error.to_string(), "cannot read the file");
    /// assert!(error.is_not_found());
    /// ```
    #[must_use]
    pub fn io(what: &str, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Provider,
        };
        Self::new(kind, format!("cannot {what}")).with_source(error)
    }

    /// Names what was being done, such as `open`; printed before the message.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        Arc::make_mut(&mut self.0).operation = Some(operation);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// Adds how long the other side asked to wait before the next try.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        Arc::make_mut(&mut self.0).retry_after = Some(after);
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done, if it was noted.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The message alone, without the operation.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How long the other side asked to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// True for [`ErrorKind::InvalidInput`] and [`ErrorKind::PathEscape`].
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidInput | ErrorKind::PathEscape)
    }

    /// True for [`ErrorKind::Unresolved`].
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        self.kind() == ErrorKind::Unresolved
    }

    /// True for [`ErrorKind::Auth`].
    #[must_use]
    pub fn is_auth(&self) -> bool {
        self.kind() == ErrorKind::Auth
    }

    /// True for [`ErrorKind::NotFound`].
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// True for [`ErrorKind::Timeout`].
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// True for [`ErrorKind::Closed`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.kind() == ErrorKind::Closed
    }

    /// True for [`ErrorKind::Lost`].
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.kind() == ErrorKind::Lost
    }

    /// True for [`ErrorKind::Capacity`].
    #[must_use]
    pub fn is_capacity(&self) -> bool {
        self.kind() == ErrorKind::Capacity
    }

    /// True for [`ErrorKind::Quota`].
    #[must_use]
    pub fn is_quota(&self) -> bool {
        self.kind() == ErrorKind::Quota
    }

    /// True for [`ErrorKind::RateLimited`].
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.kind() == ErrorKind::RateLimited
    }

    /// True if the same call may succeed later without any change by the caller.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Conflict
                | ErrorKind::RateLimited
                | ErrorKind::Unavailable
                | ErrorKind::Timeout
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind);
        if let Some(operation) = self.0.operation {
            out.field("operation", &operation);
        }
        out.field("message", &self.0.message);
        if let Some(after) = self.0.retry_after {
            out.field("retry_after", &after);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        Self::new(
            ErrorKind::Unresolved,
            "the parameters do not resolve against this context",
        )
        .with_source(error)
    }
}
