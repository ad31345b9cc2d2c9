//! How long a step took, for the person who waits for it.

use std::time::{Duration, Instant};

#[expect(
    clippy::disallowed_methods,
    reason = "a person reads how long a step took; nothing depends on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
