//! The deletion queue: one task per sandbox to be removed, 64 requests at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::ledger::Care;
use super::tools::{Backoff, guarded};
use crate::{Error, ErrorKind, Provider};

/// How many removals are under way at once.
pub(super) const AT_ONCE: usize = 64;
/// How long removals are retried.
const HORIZON: Duration = Duration::from_secs(75 * 60);
/// How long one request may take.
const ONE_REQUEST: Duration = Duration::from_secs(30);

impl<P: Provider> Shared<P> {
    /// Starts the removal of an item of the ledger, unless it is under way.
    pub(super) fn remove(self: &Arc<Self>, item: u64) {
        if self.ledger.start(item) {
            let care = Care::new(Arc::clone(self), item);
            self.spawner.spawn(Box::pin(remove(care)));
        }
    }
}

async fn remove<P: Provider>(care: Care<P>) {
    let shared = Arc::clone(care.shared());
    let end = Instant::now() + HORIZON;
    let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(15));
    loop {
        let Some((target, key)) = shared.ledger.deleting(care.item()) else {
            return care.release();
        };
        let answer = {
            let _permit = shared.removals.acquire().await;
            let work = shared.provider.destroy(&target, key.values());
            match timeout(ONE_REQUEST, guarded(work)).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::new(
                    ErrorKind::Timeout,
                    "the removal was not answered in time",
                )),
            }
        };
        let error = match answer {
            Ok(_) => {
                tracing::debug!(name = target.name(), id = target.id(), "sandbox removed");
                shared.ledger.done(care.item());
                return care.release();
            }
            Err(error) if error.is_not_found() || error.is_lost() => {
                shared.ledger.done(care.item());
                return care.release();
            }
            Err(error) => error,
        };
        tracing::warn!(
            name = target.name(),
            id = target.id(),
            %error,
            "sandbox not removed yet"
        );
        let hopeless = matches!(
            error.kind(),
            ErrorKind::Auth | ErrorKind::InvalidInput | ErrorKind::Unsupported
        );
        let pause = backoff.pause(Some(&error));
        shared.ledger.note(care.item(), Some(error), hopeless);
        if Instant::now() + pause >= end {
            // Its care ends here and says so; another close takes it up again.
            return;
        }
        sleep(pause).await;
    }
}
