//! Small parts of the tasks: panics, pauses, names.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::{Error, ErrorKind};

/// Runs code of a provider; a panic in it becomes an error. Its text is not kept: it may hold
/// values.
pub(super) async fn guarded<T, F>(work: F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>> + Send,
{
    let mut work = pin!(work);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(Error::new(
                ErrorKind::Internal,
                "the provider panicked",
            ))),
        },
    )
    .await
}

/// Runs `work` unless `end` comes first.
pub(super) async fn unless<T>(
    end: impl Future<Output = ()> + Send,
    work: impl Future<Output = T> + Send,
) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        end.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// Growing pauses between tries, each with some jitter.
pub(super) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, most }
    }

    /// The next pause; at least what the other side asked for, up to a minute.
    pub(super) fn pause(&mut self, error: Option<&Error>) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.most);
        let asked = error.and_then(Error::retry_after).unwrap_or_default();
        jittered(pause).max(asked.min(Duration::from_secs(60)))
    }
}

/// The duration give or take a tenth, so that many do not act in step.
pub(super) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// A name nobody can guess: the prefix and 128 random bits as 26 letters and digits.
///
/// # Errors
///
/// When the operating system has no randomness.
pub(super) fn unguessable(prefix: &str) -> Result<String, Error> {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r',
        's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "the operating system gives no randomness",
        )
        .with_source(error)
    })?;
    let mut bits = u128::from_be_bytes(bytes);
    let mut name = String::with_capacity(prefix.len() + 26);
    name.push_str(prefix);
    for _ in 0..26 {
        let digit = usize::try_from(bits & 31).unwrap_or_default();
        name.extend(ALPHABET.get(digit));
        bits >>= 5;
    }
    Ok(name)
}
