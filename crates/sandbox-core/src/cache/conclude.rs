//! The end of a creation, put into its slot and the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use dashmap::mapref::entry::Entry as MapEntry;
use tokio::time::Instant;

use super::Shared;
use super::create::Outcome;
use super::parts::{Creation, End, Entry, Of, Trouble, Unclear, closed};
use super::renew::ONE_REQUEST;
use super::slot::{Ended, Revived};
use super::table::lost;
use super::unanswered::UNCLEAR_WINDOW;
use crate::{Error, Provider, Target};

/// What came of a look at a sandbox in doubt. One that is gone is marked so.
pub(super) enum Revival {
    Usable,
    Failed(Error),
}

/// What is to be started after a creation.
pub(super) enum Concluded<P: Provider> {
    Nothing,
    Keep(Arc<Entry<P>>),
    Remove(u64),
    Watch(u64),
    /// A sandbox in doubt is gone.
    Bury(u64, Arc<Entry<P>>),
}

impl<P: Provider> Shared<P> {
    /// A creation has ended: fills or vacates its slot if it is still there, and notes what is to
    /// be removed or watched. The result is for the openers; the rest for the caller to start.
    pub(super) fn conclude(
        &self,
        creation: &Arc<Creation<P>>,
        outcome: Outcome<P>,
    ) -> (End<P>, Concluded<P>) {
        let MapEntry::Occupied(mut place) = self.table.slots.entry(creation.key.clone()) else {
            return self.conclude_late(creation, outcome);
        };
        if self.table.epoch() != creation.epoch {
            drop(place);
            return self.conclude_late(creation, outcome);
        }
        let (ended, outcome) = self.ended(creation, outcome);
        if !place.get_mut().finish(creation, creation.epoch, ended) {
            drop(place);
            return self.conclude_late(creation, outcome.into_outcome());
        }
        let (end, concluded) = match outcome {
            Settled::Ready(entry) => {
                self.ledger.done(creation.item);
                let end = End::Ready(Arc::clone(&entry.sandbox));
                return (end, Concluded::Keep(entry));
            }
            Settled::Other(outcome) => self.settle_item(creation, outcome),
        };
        self.table.release();
        if self.table.may_forget(place.get(), &creation.key) {
            place.remove();
        }
        (end, concluded)
    }

    /// What the slot needs to know of an outcome.
    fn ended(
        &self,
        creation: &Arc<Creation<P>>,
        outcome: Outcome<P>,
    ) -> (Ended<Of<P>>, Settled<P>) {
        match outcome {
            Outcome::Ready {
                sandbox, target, ..
            } => {
                let entry = self.entry(creation, sandbox, target);
                (Ended::Ready(Arc::clone(&entry)), Settled::Ready(entry))
            }
            Outcome::Unclear(error) => (
                Ended::Unclear(Unclear {
                    item: creation.item,
                    attempt: creation.attempt.clone(),
                }),
                Settled::Other(Outcome::Unclear(error)),
            ),
            other => (Ended::Nothing, Settled::Other(other)),
        }
    }

    fn entry(
        &self,
        creation: &Creation<P>,
        sandbox: Arc<P::Sandbox>,
        target: Target,
    ) -> Arc<Entry<P>> {
        let now = self.now();
        let stamp = self.table.stamp();
        let age = u64::try_from(creation.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let unanswered = *creation.unanswered();
        let open = unanswered.until().map_or(0, |until| {
            // what is heard may be as old as a request
            let open = until.saturating_duration_since(Instant::now()) + ONE_REQUEST;
            u64::try_from(open.as_millis()).unwrap_or(u64::MAX)
        });
        Arc::new(Entry {
            subject: creation.subject.with_target(&target),
            target,
            sandbox,
            attempt: creation.attempt.clone(),
            key: creation.key.clone(),
            epoch: creation.epoch,
            number: creation.item,
            unanswered,
            decided: now.saturating_add(open),
            born: now.saturating_sub(age),
            heard: AtomicU64::new(now),
            renewed: AtomicU64::new(now),
            used: AtomicU64::new(stamp),
            seen: AtomicU64::new(stamp),
            idle_from: AtomicU64::new(now),
            at_risk: AtomicBool::new(false),
            trouble: Trouble::default(),
        })
    }

    /// Has the ledger take note of an outcome that leaves no sandbox in the table.
    fn settle_item(&self, creation: &Creation<P>, outcome: Outcome<P>) -> (End<P>, Concluded<P>) {
        let item = creation.item;
        self.ledger.unanswered(item, *creation.unanswered());
        match outcome {
            Outcome::Ready { target, .. } => {
                self.ledger.condemn(item, target, true);
                (End::Failed(closed()), Concluded::Remove(item))
            }
            Outcome::Failed(error) => {
                self.ledger.done(item);
                (End::Failed(error), Concluded::Nothing)
            }
            Outcome::Broken { target, reason } => {
                self.ledger.condemn(item, target, false);
                (End::Failed(reason), Concluded::Remove(item))
            }
            Outcome::Unclear(error) => {
                let until = Instant::now() + UNCLEAR_WINDOW;
                self.ledger.unclear(item, until, error.clone());
                (End::Failed(error), Concluded::Watch(item))
            }
        }
    }

    /// A creation that nobody waits for any more has ended.
    fn conclude_late(
        &self,
        creation: &Arc<Creation<P>>,
        outcome: Outcome<P>,
    ) -> (End<P>, Concluded<P>) {
        creation.attempt.liveness().mark_closed();
        let (_, concluded) = self.settle_item(creation, outcome);
        (End::Failed(closed()), concluded)
    }

    /// A sandbox in doubt was looked at.
    pub(super) fn conclude_revival(
        &self,
        creation: &Arc<Creation<P>>,
        entry: &Arc<Entry<P>>,
        revival: Revival,
    ) -> (End<P>, Concluded<P>) {
        let item = creation.item;
        let revived = match self.table.slots.get_mut(&creation.key) {
            Some(mut slot) if self.table.epoch() == creation.epoch => {
                let revived = slot.finish_revival(creation, creation.epoch);
                // Under the lock, so that no close can miss it in between.
                match revived {
                    Revived::Back => self.ledger.done(item),
                    Revived::Lost => {
                        self.table.release();
                        self.ledger.condemn(item, entry.target.clone(), false);
                    }
                    Revived::Late => {}
                }
                revived
            }
            _ => Revived::Late,
        };
        match revived {
            Revived::Back => {
                let end = match revival {
                    Revival::Failed(error) => {
                        entry.trouble.note(Some(error.clone()));
                        End::Failed(error)
                    }
                    Revival::Usable => End::Ready(Arc::clone(&entry.sandbox)),
                };
                (end, Concluded::Nothing)
            }
            Revived::Lost => {
                self.table.forget(&creation.key);
                (End::Again, Concluded::Bury(item, Arc::clone(entry)))
            }
            Revived::Late => {
                entry.attempt.liveness().mark_closed();
                self.ledger.condemn(item, entry.target.clone(), false);
                (End::Failed(closed()), Concluded::Remove(item))
            }
        }
    }

    /// Starts what follows a creation.
    pub(super) fn follow(self: &Arc<Self>, concluded: Concluded<P>) {
        match concluded {
            Concluded::Nothing => {}
            Concluded::Keep(entry) => {
                self.renew(&entry);
                self.patrol();
            }
            Concluded::Remove(item) => self.remove(item),
            Concluded::Watch(item) => self.watch(item),
            Concluded::Bury(item, entry) => {
                let (subject, kind) = lost(&entry);
                self.note(&subject, &kind);
                self.remove(item);
            }
        }
    }
}

enum Settled<P: Provider> {
    Ready(Arc<Entry<P>>),
    Other(Outcome<P>),
}

impl<P: Provider> Settled<P> {
    fn into_outcome(self) -> Outcome<P> {
        match self {
            Self::Ready(entry) => Outcome::Ready {
                sandbox: Arc::clone(&entry.sandbox),
                target: entry.target.clone(),
                adopted: false,
            },
            Self::Other(outcome) => outcome,
        }
    }
}
