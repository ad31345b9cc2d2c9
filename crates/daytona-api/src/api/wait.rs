//! Waiting for a state.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::Watch;
use crate::client::Daytona;
use crate::error::{Error, ErrorKind};

/// The longest reason that is kept.
const REASON: usize = 1 << 10;

/// What a look found.
pub(super) enum Now<T> {
    Done(T),
    NotYet,
    /// It will never be done: its state, and the server's reason.
    Failed(String, Option<String>),
}

impl<T> Now<T> {
    pub(super) fn failed(state: &str, reason: Option<String>) -> Self {
        Self::Failed(state.to_owned(), reason)
    }
}

/// While the server tells what happens a look is only a safety net.
const NET: Duration = Duration::from_secs(1);

/// Looks every 100 ms for five seconds, then less and less often, down to once a second. With the `id` of a sandbox, whose
/// changes the server may tell, sooner when it does.
pub(super) async fn wait<T, F, R>(
    client: &Daytona,
    what: &str,
    id: Option<&str>,
    timeout: Duration,
    look: F,
) -> Result<T, Error>
where
    F: Fn() -> R + Send,
    R: Future<Output = Result<Now<T>, Error>> + Send,
{
    let start = Instant::now();
    let late = || {
        Error::new(
            ErrorKind::Timeout,
            format!("{what} takes longer than the timeout"),
        )
    };
    let deadline = start
        .checked_add(timeout)
        .ok_or_else(|| Error::build("the timeout is too long"))?;
    let mut pace = Duration::from_millis(100);
    // asked for only if the first look does not do
    let mut watch: Option<Watch> = None;
    loop {
        // before the look: what happens after it is told
        let live = watch.as_mut().is_some_and(Watch::is_live);
        match timeout_at(deadline, look()).await.map_err(|_| late())?? {
            Now::Done(found) => return Ok(found),
            Now::Failed(state, reason) => {
                let reason = reason.map(|text| client.redact(&text, [], REASON));
                return Err(Error::failed(format!("{what} is {state}"), reason));
            }
            Now::NotYet => {}
        }
        if start.elapsed() > Duration::from_secs(5) {
            pace = pace.mul_f64(1.1).min(Duration::from_secs(1));
        }
        let pause = if live { pace.max(NET) } else { pace };
        match id {
            Some(id) => {
                let watch = watch.get_or_insert_with(|| client.sandboxes().watch(id));
                let until = (Instant::now() + pause).min(deadline);
                // one way or the other the next look will tell
                drop(timeout_at(until, watch.changed()).await);
                if Instant::now() >= deadline {
                    return Err(late());
                }
            }
            None if Instant::now() + pause >= deadline => return Err(late()),
            None => sleep(pause).await,
        }
    }
}
