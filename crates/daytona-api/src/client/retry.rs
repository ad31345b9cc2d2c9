//! When to try again, and after how long.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::DATE;

use super::budget::{COST_THROTTLED, COST_TROUBLE};
use crate::error::{Error, ErrorKind};

const CAP: Duration = Duration::from_secs(20);
const BASE: Duration = Duration::from_millis(50);
const BASE_THROTTLED: Duration = Duration::from_secs(1);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What a retry costs, or `None` where there must be none.
pub(crate) fn cost(error: &Error, idempotent: bool) -> Option<u32> {
    match error.kind() {
        // not one byte was sent
        ErrorKind::Connect => Some(COST_TROUBLE),
        _ if !idempotent => None,
        // it would be missing again
        _ if error.is_not_installed() => None,
        ErrorKind::Transport => Some(COST_TROUBLE),
        ErrorKind::Timeout => Some(COST_TROUBLE),
        ErrorKind::Status => match error.status() {
            Some(429) => Some(COST_THROTTLED),
            Some(500 | 502 | 503 | 504) => Some(COST_TROUBLE),
            _ => None,
        },
        ErrorKind::Build
        | ErrorKind::Decode
        | ErrorKind::TooLarge
        | ErrorKind::Archive
        | ErrorKind::Local
        | ErrorKind::Changed
        | ErrorKind::Failed => None,
    }
}

/// How long to wait before attempt `failed + 1`, with full jitter; never less than the server asked for.
pub(crate) fn delay(error: &Error, failed: u32) -> Duration {
    let base = if error.is_rate_limited() {
        BASE_THROTTLED
    } else {
        BASE
    };
    let ceiling = base
        .saturating_mul(1 << failed.saturating_sub(1).min(16))
        .min(CAP);
    let jitter = ceiling.mul_f64(fastrand::f64());
    match error.retry_after() {
        Some(asked) => asked + jitter.min(BASE_THROTTLED),
        None => jitter,
    }
}

/// The longest wait that the headers ask for: `Retry-After` and `Retry-After-<throttler>`, in seconds or as a
/// date. A date is compared with the server's own `Date`; without one it is ignored, for our clock may be wrong.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    let now = date.and_then(|text| httpdate::parse_http_date(text).ok());
    let asked = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        name == "retry-after" || name.starts_with("retry-after-")
    });
    asked
        .filter_map(|(_, value)| parse(value.to_str().ok()?, now))
        .max()
}

fn parse(text: &str, now: Option<SystemTime>) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let wait = until.duration_since(now?).ok()?;
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn every_spelling_of_retry_after_is_understood() {
        let check = |pairs: &[(&str, &str)], wanted: Option<u64>| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(
                retry_after(&headers),
                wanted.map(Duration::from_secs),
                "{pairs:?}"
            );
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        check(&[], None);
        check(&[("retry-after", "7")], Some(7));
        check(&[("Retry-After-sandbox-create", "9")], Some(9));
        check(
            &[("retry-after", "2"), ("retry-after-authenticated", "5")],
            Some(5),
        );
        check(&[("retry-after", "-3")], None);
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "")], None);
        check(&[("retry-after", "86400")], Some(60));
        check(&[("retry-after", "99999999999999999999999999")], Some(60));
        check(
            &[date, ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")],
            Some(10),
        );
        check(
            &[date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")],
            None,
        );
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], None);
    }

    #[test]
    fn delays_stay_within_their_bounds() {
        for failed in 1..40 {
            let trouble = Error::new(ErrorKind::Transport, "x");
            assert!(delay(&trouble, failed) <= CAP);
            assert!(failed > 1 || delay(&trouble, failed) <= BASE);
            let asked =
                Error::answered(429, "x", Default::default(), Some(Duration::from_secs(30)));
            let waited = delay(&asked, failed);
            assert!(waited >= Duration::from_secs(30) && waited <= Duration::from_secs(31));
        }
    }
}
