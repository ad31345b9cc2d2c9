//! A sandbox in doubt: asked about before it is handed out again, and started if it is stopped.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Shared;
use super::conclude::Revival;
use super::parts::{Creation, Entry, closed};
use super::tools::guarded;
use crate::event::EventKind;
use crate::{Error, ErrorKind, Health, Provider};

/// How long the question may take.
const ONE_LOOK: Duration = Duration::from_secs(15);

pub(super) async fn look<P: Provider>(
    shared: &Shared<P>,
    creation: &Creation<P>,
    entry: &Entry<P>,
) -> Revival {
    let liveness = entry.attempt.liveness();
    // Before the question: a doubt that comes up meanwhile is a new one, and stays.
    liveness.clear_doubt();
    let health = timeout(ONE_LOOK, guarded(shared.provider.inspect(&entry.sandbox))).await;
    match health {
        Ok(Ok(Health::Healthy)) => {}
        Ok(Ok(Health::Stopped)) => {
            if creation.is_cancelled() {
                return Revival::Failed(closed());
            }
            if let Err(failed) = wake(shared, entry).await {
                liveness.mark_doubtful();
                return failed;
            }
            entry.renewed.store(shared.now(), Ordering::Relaxed);
        }
        Ok(Ok(Health::Gone { reason })) => {
            liveness.mark_lost(&reason);
            return Revival::Usable;
        }
        // Unreachable is not gone: the doubt stays, and whoever uses it will see.
        Ok(Ok(Health::Unknown)) | Ok(Err(_)) | Err(_) => {
            liveness.mark_doubtful();
            return Revival::Usable;
        }
    }
    entry.heard.store(shared.now(), Ordering::Relaxed);
    Revival::Usable
}

/// Starts a stopped sandbox, once for all who wait.
async fn wake<P: Provider>(shared: &Shared<P>, entry: &Entry<P>) -> Result<(), Revival> {
    shared.note(&entry.subject, &EventKind::Waking);
    let begun = Instant::now();
    let start = guarded(shared.provider.start(&entry.sandbox));
    let error = match timeout(shared.settings.create_timeout, start).await {
        Ok(Ok(())) => {
            let took = begun.elapsed();
            shared.note(&entry.subject, &EventKind::Woken { took });
            return Ok(());
        }
        Ok(Err(error)) => error,
        Err(_) => Error::new(ErrorKind::Timeout, "the sandbox was not started in time"),
    };
    if error.is_lost() || error.is_not_found() {
        let liveness = entry.attempt.liveness();
        liveness.mark_lost("it could not be started again");
    } else {
        let error = error.clone();
        shared.note(&entry.subject, &EventKind::WakeFailed { error });
    }
    Err(Revival::Failed(error))
}

impl<P: Provider> Shared<P> {
    /// Milliseconds of the factory's time; this host's suspensions count.
    pub(super) fn now(&self) -> u64 {
        let elapsed = self.begun.elapsed() + self.slept();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// For how long this host was suspended since the factory was made.
    pub(super) fn slept(&self) -> Duration {
        let suspended = self.settings.suspension.suspended();
        suspended.saturating_sub(self.slept_before)
    }

    /// Has a sandbox looked at that has not been heard of for half of what the service allows.
    pub(super) fn doubt_if_silent(&self, entry: &Entry<P>) {
        let Some(lease) = self.provider.lease() else {
            return;
        };
        let heard = entry.heard.load(Ordering::Relaxed);
        let silent = Duration::from_millis(self.now().saturating_sub(heard));
        if silent > lease / 2 {
            entry.attempt.liveness().mark_doubtful();
        }
    }
}
