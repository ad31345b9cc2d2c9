//! What spans and their fields are made of, here and in other crates' sandboxes.

use std::time::Duration;

use crate::ErrorKind;

/// The target of all spans.
pub(crate) const TARGET: &str = "sandbox_core";

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A kind's name in logs.
pub(crate) const fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid_input",
        ErrorKind::PathEscape => "path_escape",
        ErrorKind::Unresolved => "unresolved",
        ErrorKind::Auth => "auth",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Quota => "quota",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Closed => "closed",
        ErrorKind::Lost => "lost",
        ErrorKind::Capacity => "capacity",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Provider => "provider",
        ErrorKind::Internal => "internal",
    }
}
