//! Attempts of unknown fate: a late request may still be carried out, so they are looked for until
//! that can be ruled out, and what appears is removed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::Shared;
use super::care::Care;
use super::ledger::Watched;
use super::tools::guarded;
use super::unanswered::UNCLEAR_WINDOW;
use crate::event::EventKind;
use crate::{Error, ErrorKind, Found, Provider, Sandbox, Target};

/// When to look, counted from the beginning of the window.
const LOOKS: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(45)];
/// How long after the window to go on where the service cannot be asked.
const HORIZON: Duration = Duration::from_secs(75 * 60);
/// How long one look may take.
const ONE_LOOK: Duration = Duration::from_secs(15);

impl<P: Provider> Shared<P> {
    /// Starts to watch an item of the ledger, unless somebody does.
    pub(super) fn watch(self: &Arc<Self>, item: u64) {
        if self.ledger.start_watch(item) {
            let care = Care::new(Arc::clone(self), item);
            self.spawn(Box::pin(watch(care)));
        }
    }
}

async fn watch<P: Provider>(care: Care<P>) {
    let shared = Arc::clone(care.shared());
    let item = care.item();
    let mut looked = false;
    loop {
        // Listens before it asks, so that a close in between is not missed.
        let woken = shared.ledger.recheck.notified();
        let Some(watched) = shared.ledger.watched(item) else {
            return care.release();
        };
        let is_due = !looked && watched.until <= Instant::now();
        if !is_due && !shared.ledger.wants_look(item) {
            let next = next_look(watched.until, Instant::now());
            let _ = timeout_at(next, woken).await;
        }
        // It may have been taken up, or removed, while this slept.
        let Some(watched) = shared.ledger.watched(item) else {
            return care.release();
        };
        looked = true;
        match look(&shared, &watched).await {
            Look::Remove(target) => {
                if shared.ledger.condemn_unclear(item, target) {
                    shared.note(&watched.subject, &EventKind::Resolved { found: true });
                    watched.attempt.liveness().mark_closed();
                    care.release();
                    shared.remove(item);
                    shared.decided(&watched.key, item);
                } else {
                    care.release();
                }
                return;
            }
            Look::Nothing => {
                if shared.ledger.unclear_done(item) {
                    shared.note(&watched.subject, &EventKind::Resolved { found: false });
                }
                shared.decided(&watched.key, item);
                return care.release();
            }
            Look::Again(why) => {
                let closing = shared.ledger.is_closing(item);
                shared.ledger.note(item, why, closing);
            }
            Look::GiveUp => return care.give_up(),
        }
    }
}

enum Look {
    Remove(Target),
    Nothing,
    Again(Option<Error>),
    GiveUp,
}

async fn look<P: Provider>(shared: &Shared<P>, watched: &Watched<P>) -> Look {
    let begun = Instant::now();
    let attempt = watched.attempt.clone().abandoned();
    let work = shared.provider.find(&attempt, watched.key.values());
    let found = match timeout(ONE_LOOK, guarded(work)).await {
        Ok(found) => found,
        Err(_) => Err(Error::new(ErrorKind::Timeout, "the look-up took too long")),
    };
    match found {
        Ok(Found::Ready(sandbox)) => Look::Remove(Target::of(&sandbox.info())),
        Ok(Found::Broken { target, .. }) => Look::Remove(target),
        Ok(Found::Pending) => Look::Remove(Target::new(None, watched.attempt.name())),
        Ok(Found::Absent) if begun >= watched.until => Look::Nothing,
        Ok(Found::Absent) => Look::Again(None),
        Err(error) if error.kind() == ErrorKind::Conflict => Look::Nothing,
        Err(_) if begun >= watched.until + HORIZON => Look::GiveUp,
        Err(error) => Look::Again(Some(error)),
    }
}

fn next_look(until: Instant, now: Instant) -> Instant {
    let begin = until - UNCLEAR_WINDOW;
    LOOKS
        .into_iter()
        .map(|after| begin + after)
        .chain([until])
        .find(|look| *look > now)
        .unwrap_or(now + UNCLEAR_WINDOW)
}
