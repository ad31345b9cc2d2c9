//! A sandbox in doubt: asked about before it is handed out again, and started if it is stopped.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::Shared;
use super::slot::{Creation, Entry};
use super::table::Revival;
use super::tools::guarded;
use crate::{Error, ErrorKind, Health, Provider};

/// How long the question may take.
const ONE_LOOK: Duration = Duration::from_secs(15);

pub(super) async fn look<P: Provider>(
    shared: &Shared<P>,
    creation: &Creation<P>,
    entry: &Entry<P>,
) -> Revival {
    let liveness = entry.attempt.liveness();
    let health = timeout(ONE_LOOK, guarded(shared.provider.inspect(&entry.sandbox))).await;
    match health {
        Ok(Ok(Health::Healthy)) => {}
        Ok(Ok(Health::Stopped)) => {
            if creation.is_cancelled() {
                return Revival::Failed(super::slot::closed());
            }
            let start = guarded(shared.provider.start(&entry.sandbox));
            let started = timeout(shared.settings.create_timeout, start).await;
            let error = match started {
                Ok(Ok(())) => None,
                Ok(Err(error)) if error.is_lost() || error.is_not_found() => {
                    liveness.mark_lost("it could not be started again");
                    return Revival::Failed(error);
                }
                Ok(Err(error)) => Some(error),
                Err(_) => Some(Error::new(
                    ErrorKind::Timeout,
                    "the sandbox was not started in time",
                )),
            };
            if let Some(error) = error {
                return Revival::Failed(error);
            }
        }
        Ok(Ok(Health::Gone { reason })) => {
            liveness.mark_lost(&reason);
            return Revival::Usable;
        }
        // Unreachable is not gone: the doubt stays, and whoever uses it will see.
        Ok(Ok(Health::Unknown)) | Ok(Err(_)) | Err(_) => return Revival::Usable,
    }
    liveness.clear_doubt();
    entry.heard.store(shared.now(), Ordering::Relaxed);
    Revival::Usable
}

impl<P: Provider> Shared<P> {
    /// Milliseconds of the factory's time.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Has a sandbox looked at that has not been heard of for half of what the service allows.
    pub(super) fn doubt_if_silent(&self, entry: &Entry<P>) {
        let Some(bound) = self.provider.server_bound() else {
            return;
        };
        let heard = entry.heard.load(Ordering::Relaxed);
        let silent = Duration::from_millis(self.now().saturating_sub(heard));
        if silent > bound / 2 {
            entry.attempt.liveness().mark_doubtful();
        }
    }
}
