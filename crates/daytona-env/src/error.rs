//! Errors of Daytona and of the parameters, in the terms of `sandbox-core`.

use sandbox_core::{Error, ErrorKind};

use crate::validate::Invalid;

/// An input that must be changed. The text stands alone: it names the parameter and says what to do.
pub(crate) fn invalid(error: &Invalid) -> Error {
    Error::new(ErrorKind::InvalidInput, error.to_string())
}

/// Daytona did something it should not have, or gave up.
pub(crate) fn provider_error(operation: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Provider, message.into()).with_operation(operation)
}

/// Should not happen.
pub(crate) fn internal(message: &'static str) -> Error {
    Error::new(ErrorKind::Internal, message)
}

/// An error of the client, with the kind that tells callers what to do about it.
///
/// An answer of the server becomes the message, since it holds the reason; what went wrong on the way stays the source.
pub(crate) fn api_error(operation: &'static str, error: daytona_api::Error) -> Error {
    let retry_after = error.retry_after();
    let mapped = match error.status() {
        // a web server's words about a path say nothing about a sandbox
        Some(404) if error.is_not_daytona() => {
            Error::new(ErrorKind::Unavailable, error.to_string())
        }
        Some(status) => Error::new(
            kind_of_status(status, error.message().unwrap_or_default()),
            error.to_string(),
        ),
        None if error.is_timeout() && !error.is_connect() => {
            Error::new(ErrorKind::Timeout, "Daytona did not answer in time").with_source(error)
        }
        None => {
            let (kind, message) = without_answer(&error);
            Error::new(kind, message).with_source(error)
        }
    };
    let mapped = mapped.with_operation(operation);
    match retry_after {
        Some(after) => mapped.with_retry_after(after),
        None => mapped,
    }
}

/// Whether something that is no Daytona API answered.
pub(crate) fn is_no_api(error: &Error) -> bool {
    error.message().contains(NO_API)
}

/// In the text of every such error of the client.
const NO_API: &str = "not a daytona api";

fn kind_of_status(status: u16, message: &str) -> ErrorKind {
    match status {
        // there is no room now, whatever was asked for
        400 if message.starts_with("No available runners") => ErrorKind::Unavailable,
        // no other key would help: the plan's credits are used up, or it is not paid for
        403 if message.starts_with("Organization is suspended") => ErrorKind::Quota,
        // Daytona refuses what is over a quota with 400 or 403 and says which in the text
        400 | 403
            if message.contains("limit exceeded")
                || message.contains("exceeds maximum allowed") =>
        {
            ErrorKind::Quota
        }
        401 | 403 => ErrorKind::Auth,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400 | 422 => ErrorKind::InvalidInput,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Provider,
    }
}

fn without_answer(error: &daytona_api::Error) -> (ErrorKind, &'static str) {
    match error.kind() {
        daytona_api::ErrorKind::Build => (ErrorKind::InvalidInput, "the request cannot be made"),
        daytona_api::ErrorKind::Connect => (ErrorKind::Unavailable, "Daytona cannot be reached"),
        daytona_api::ErrorKind::Transport => {
            (ErrorKind::Unavailable, "the connection to Daytona broke")
        }
        daytona_api::ErrorKind::Decode => (
            ErrorKind::Provider,
            "what answered is not a Daytona API of a known kind",
        ),
        _ => (ErrorKind::Provider, "the call to Daytona failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for (status, text, wanted) in [
            (401, "", ErrorKind::Auth),
            (403, "", ErrorKind::Auth),
            (
                403,
                "Total memory limit exceeded. Maximum allowed: 10GiB.",
                ErrorKind::Quota,
            ),
            (404, "", ErrorKind::NotFound),
            (409, "", ErrorKind::Conflict),
            (429, "", ErrorKind::RateLimited),
            (
                400,
                "Total CPU limit exceeded. Maximum allowed: 10.",
                ErrorKind::Quota,
            ),
            (
                400,
                "CPU request 9 exceeds maximum allowed per sandbox (4).",
                ErrorKind::Quota,
            ),
            (400, "Snapshot x not found", ErrorKind::InvalidInput),
            (400, "No available runners", ErrorKind::Unavailable),
            (
                403,
                "Organization is suspended: Depleted credits",
                ErrorKind::Quota,
            ),
            (418, "", ErrorKind::Provider),
            (500, "", ErrorKind::Unavailable),
            (503, "", ErrorKind::Unavailable),
            (504, "", ErrorKind::Timeout),
        ] {
            assert_eq!(kind_of_status(status, text), wanted, "{status} {text}");
        }
    }
}
