//! The deletion queue: one task per sandbox to be removed, 64 requests at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument as _, Span};

use super::Shared;
use super::care::Care;
use super::ledger::Doomed;
use super::spans::{self, Told};
use super::tools::{Backoff, guarded};
use crate::event::EventKind;
use crate::{Destroyed, Error, ErrorKind, Provider, Target};

/// How many removals are under way at once.
pub(super) const AT_ONCE: usize = 64;
/// How long removals are retried.
const HORIZON: Duration = Duration::from_secs(75 * 60);
/// How long one request may take.
const ONE_REQUEST: Duration = Duration::from_secs(30);

impl<P: Provider> Shared<P> {
    /// Starts the removal of an item of the ledger, unless it is under way.
    pub(super) fn remove(self: &Arc<Self>, item: u64) {
        if self.ledger.start_removal(item) {
            let care = Care::new(Arc::clone(self), item);
            let Some(doomed) = self.ledger.deleting(item) else {
                return care.release();
            };
            let told = spans::delete(&doomed.subject, &Span::current());
            let span = told.span().clone();
            let task = async move {
                let outcome = remove(care, &told).await;
                told.ended(outcome, None);
            };
            self.spawn(Box::pin(task.instrument(span)));
        }
    }
}

/// Gives how it ended.
async fn remove<P: Provider>(care: Care<P>, told: &Told) -> &'static str {
    let shared = Arc::clone(care.shared());
    let item = care.item();
    let end = Instant::now() + HORIZON;
    let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(15));
    let mut asked_to_stop = false;
    if let Some(doomed) = shared.ledger.deleting(item) {
        shared.note(&doomed.subject, &EventKind::Deleting);
    }
    loop {
        let Some(doomed) = shared.ledger.deleting(item) else {
            care.release();
            return "done";
        };
        let subject = &doomed.subject;
        let error = match destroy(&shared, &doomed.target, &doomed).await {
            Ok(destroyed) => {
                shared.note(subject, &gone(destroyed, &doomed));
                shared.ledger.removed(item, subject, destroyed);
                let late = match destroyed {
                    // It lives on, and keeps its name.
                    Destroyed::Released => None,
                    Destroyed::Gone | Destroyed::Accepted => shared.ledger.awaits_late(item),
                };
                care.release();
                match late {
                    None => shared.ledger.done(item),
                    Some(error) => {
                        shared.note(subject, &EventKind::Unresolved { error });
                        shared.watch(item);
                    }
                }
                let outcome = match destroyed {
                    Destroyed::Released => "released",
                    Destroyed::Gone | Destroyed::Accepted => "deleted",
                };
                return outcome;
            }
            Err(error) => error,
        };
        let mut freed = false;
        match error.kind() {
            ErrorKind::Auth if !asked_to_stop => {
                asked_to_stop = true;
                let stopped = stop(&shared, &doomed).await;
                if stopped {
                    shared.ledger.stopped_instead(item);
                }
                let error = error.clone();
                shared.note(subject, &EventKind::DeleteRefused { error, stopped });
            }
            ErrorKind::Conflict | ErrorKind::InvalidInput => {
                freed = remove_dependents(&shared, item, &doomed).await;
            }
            _ => {}
        }
        // What stood in the way is gone: the next try is not like this one.
        let hopeless = !freed
            && matches!(
                error.kind(),
                ErrorKind::Auth | ErrorKind::InvalidInput | ErrorKind::Unsupported
            );
        let pause = backoff.pause(Some(&error));
        let gives_up = Instant::now() + pause >= end;
        told.failed(&error);
        let kind = match (gives_up, error.clone()) {
            (true, error) => EventKind::DeleteGivenUp { error },
            (false, error) => EventKind::DeleteFailed { error },
        };
        shared.note(subject, &kind);
        shared.ledger.note(item, Some(error), hopeless);
        if gives_up {
            // Another close takes it up again.
            care.give_up();
            return "given_up";
        }
        sleep(pause).await;
    }
}

/// One request to remove one sandbox. One that is gone is no error.
async fn destroy<P: Provider>(
    shared: &Shared<P>,
    target: &Target,
    doomed: &Doomed<P>,
) -> Result<Destroyed, Error> {
    let _permit = shared.removals.acquire().await;
    let work = shared.provider.destroy(target, doomed.key.values());
    match timeout(ONE_REQUEST, guarded(work)).await {
        Ok(Err(error)) if error.is_not_found() || error.is_lost() => Ok(Destroyed::Gone),
        Ok(answer) => answer,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "the removal was not answered in time",
        )),
    }
}

fn gone<P: Provider>(destroyed: Destroyed, doomed: &Doomed<P>) -> EventKind {
    match destroyed {
        Destroyed::Released => EventKind::Released,
        Destroyed::Gone | Destroyed::Accepted => EventKind::Deleted {
            took: doomed.begun.elapsed(),
        },
    }
}

/// Asks once that what may not be removed is at least stopped; true if it was.
async fn stop<P: Provider>(shared: &Shared<P>, doomed: &Doomed<P>) -> bool {
    let work = shared.provider.stop(&doomed.target, doomed.key.values());
    match timeout(ONE_REQUEST, guarded(work)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            let name = doomed.target.name();
            tracing::debug!(name, %error, "sandbox not stopped either");
            false
        }
        Err(_) => false,
    }
}

/// Removes what stands in the way; what cannot be is tried again with the next try. True if
/// something was removed.
async fn remove_dependents<P: Provider>(shared: &Shared<P>, item: u64, doomed: &Doomed<P>) -> bool {
    let work = shared
        .provider
        .dependents(&doomed.target, doomed.key.values());
    let Ok(Ok(dependents)) = timeout(ONE_REQUEST, guarded(work)).await else {
        return false;
    };
    let mut freed = false;
    for dependent in dependents {
        let subject = doomed.subject.with_target(&dependent);
        shared.note(&subject, &EventKind::Deleting);
        let kind = match destroy(shared, &dependent, doomed).await {
            Ok(destroyed) => {
                freed = true;
                shared.ledger.removed(item, &subject, destroyed);
                gone(destroyed, doomed)
            }
            Err(error) => EventKind::DeleteFailed { error },
        };
        shared.note(&subject, &kind);
    }
    freed
}
