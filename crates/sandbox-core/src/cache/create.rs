//! One creation, from the first request to a known end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::Shared;
use super::conclude::{Concluded, Revival};
use super::parts::{Creation, End, Entry, closed};
use super::revive;
use super::spans::{self, Told};
use super::tools::{Backoff, guarded, unless};
use crate::event::EventKind;
use crate::{CreateError, Error, ErrorKind, Fate, Found, Provider, Sandbox, Target};

/// The last look at an attempt whose deadline has passed.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// The end of a creation.
pub(super) enum Outcome<P: Provider> {
    Ready {
        sandbox: Arc<P::Sandbox>,
        target: Target,
        /// True if it was found under the attempt's name.
        adopted: bool,
    },
    /// Nothing exists.
    Failed(Error),
    /// Something exists that is of no use.
    Broken { target: Target, reason: Error },
    /// Something may exist, now or soon.
    Unclear(Error),
}

impl<P: Provider> Outcome<P> {
    /// What listeners are told.
    fn told(&self, took: Duration) -> EventKind {
        let (Self::Failed(error) | Self::Broken { reason: error, .. }) = self else {
            return match self {
                Self::Ready { adopted: true, .. } => EventKind::Adopted { took },
                Self::Unclear(error) => EventKind::Unresolved {
                    error: error.clone(),
                },
                _ => EventKind::Created { took },
            };
        };
        EventKind::CreateFailed {
            error: error.clone(),
        }
    }
}

/// A creation's task. Dropped before its end, it says that the fate is unknown.
pub(super) struct Task<P: Provider> {
    shared: Arc<Shared<P>>,
    creation: Arc<Creation<P>>,
    begun: bool,
    ended: bool,
    told: Told,
}

impl<P: Provider> Task<P> {
    pub(super) fn new(shared: Arc<Shared<P>>, creation: Arc<Creation<P>>) -> Self {
        let told = match &creation.revives {
            Some(_) => spans::revalidate(&creation.subject),
            None => spans::create(&creation.subject),
        };
        Self {
            shared,
            creation,
            begun: false,
            ended: false,
            told,
        }
    }

    /// In which it is to run.
    pub(super) fn span(&self) -> tracing::Span {
        self.told.span().clone()
    }

    pub(super) async fn run(mut self) {
        if let Some(entry) = self.creation.revives.clone() {
            let revival = revive::look(&self.shared, &self.creation, &entry).await;
            self.end_revival(&entry, revival);
            return;
        }
        let creation = Arc::clone(&self.creation);
        let deadline = creation.begun + self.shared.settings.create_timeout;
        let permit = unless(creation.cancelled(), creation.account.permit(deadline)).await;
        let outcome = match &permit {
            Some(Ok(_)) if !creation.is_cancelled() => {
                self.begun = true;
                Attempting::new(&self.shared, &creation, deadline)
                    .run()
                    .await
            }
            Some(Err(crowded)) => self.unbegun(crowded.clone()),
            _ => self.unbegun(closed()),
        };
        drop(permit);
        self.end_creation(outcome);
    }

    /// Nothing was sent by this task.
    fn unbegun(&self, error: Error) -> Outcome<P> {
        if self.creation.reposts {
            Outcome::Unclear(error)
        } else {
            Outcome::Failed(error)
        }
    }

    fn end_creation(&mut self, outcome: Outcome<P>) {
        spans::created(&self.told, &outcome);
        let creation = &self.creation;
        let subject = match &outcome {
            Outcome::Ready { target, .. } => creation.subject.with_target(target),
            _ => creation.subject.clone(),
        };
        self.shared
            .note(&subject, &outcome.told(creation.begun.elapsed()));
        let (end, then) = self.shared.conclude(creation, outcome);
        if let End::Ready(_) = &end {
            self.shared.note(&subject, &EventKind::Ready);
        }
        self.end(end, then);
    }

    fn end_revival(&mut self, entry: &Arc<Entry<P>>, revival: Revival) {
        let (end, then) = self.shared.conclude_revival(&self.creation, entry, revival);
        match &end {
            End::Ready(_) => self.told.ended("usable", None),
            End::Failed(error) => self.told.ended("failed", Some(error)),
            End::Again => self.told.ended("lost", None),
        }
        self.end(end, then);
    }

    fn end(&mut self, end: End<P>, then: Concluded<P>) {
        self.ended = true;
        self.creation.end(end);
        self.shared.follow(then);
    }
}

impl<P: Provider> Drop for Task<P> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.shared.orphan();
        let error = Error::new(
            ErrorKind::Internal,
            "the runtime of the factory's tasks ended",
        );
        if let Some(entry) = self.creation.revives.clone() {
            entry.attempt.liveness().mark_doubtful();
            self.end_revival(&entry, Revival::Failed(error));
        } else if self.begun {
            self.creation.unanswered().add(Instant::now());
            self.end_creation(Outcome::Unclear(error));
        } else {
            self.end_creation(self.unbegun(error));
        }
    }
}

/// The tries of one attempt, all under one name.
struct Attempting<'t, P: Provider> {
    shared: &'t Shared<P>,
    creation: &'t Creation<P>,
    deadline: Instant,
    /// True if a request may still be carried out.
    unclear: bool,
}

impl<'t, P: Provider> Attempting<'t, P> {
    fn new(shared: &'t Shared<P>, creation: &'t Creation<P>, deadline: Instant) -> Self {
        Self {
            shared,
            creation,
            deadline,
            unclear: creation.reposts,
        }
    }

    async fn run(mut self) -> Outcome<P> {
        if let Err(error) = self.account_takes_creates().await {
            return self.absent(error);
        }
        let mut error = loop {
            match self.create().await {
                Ok(sandbox) => return ready::<P>(sandbox, false),
                Err(failed) if failed.fate() == Fate::NotCreated && !self.unclear => {
                    let error = failed.into_error();
                    // The service only asks to wait, and the account heeds it.
                    let waits = error.is_rate_limited() && !self.creation.is_cancelled();
                    if !waits || self.account_takes_creates().await.is_err() {
                        return Outcome::Failed(error);
                    }
                }
                Err(failed) => break failed.into_error(),
            }
        };
        let mut polls = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let mut tries = Backoff::new(Duration::from_millis(250), Duration::from_secs(15));
        while Instant::now() < self.deadline {
            match self.find(self.deadline).await {
                Ok(Found::Ready(sandbox)) => return self.adopt(sandbox),
                Ok(Found::Broken { target, reason }) => return self.broken(target, reason),
                Ok(Found::Pending) => {
                    if self.creation.is_cancelled() {
                        return self.by_name(error);
                    }
                    self.pause(polls.pause(None)).await;
                }
                Ok(Found::Absent) => {
                    if !is_worth_another_try(&error) || self.creation.is_cancelled() {
                        return self.absent(error);
                    }
                    // The account's own pause covers what the service asked for.
                    let asked = (!error.is_rate_limited()).then_some(&error);
                    self.pause(tries.pause(asked)).await;
                    if self.creation.is_cancelled() || Instant::now() >= self.deadline {
                        return self.absent(error);
                    }
                    if let Err(refused) = self.account_takes_creates().await {
                        return self.absent(refused);
                    }
                    match self.create().await {
                        Ok(sandbox) => return ready::<P>(sandbox, false),
                        Err(failed) => error = failed.into_error(),
                    }
                }
                // The name is somebody else's, so it is not ours.
                Err(conflict) if conflict.kind() == ErrorKind::Conflict => {
                    return Outcome::Failed(conflict);
                }
                Err(failed) if is_worth_another_try(&failed) => {
                    self.pause(tries.pause(Some(&failed))).await;
                }
                Err(_) => return unclear(&error),
            }
        }
        self.last_look(error).await
    }

    /// Waits while the service wants this account to create nothing.
    async fn account_takes_creates(&self) -> Result<(), Error> {
        let go = self.creation.account.go(self.deadline);
        match unless(self.creation.cancelled(), go).await {
            Some(answer) => answer,
            None => Err(closed()),
        }
    }

    /// The deadline has passed.
    async fn last_look(&self, error: Error) -> Outcome<P> {
        match self.find(Instant::now() + LAST_LOOK).await {
            Ok(Found::Ready(sandbox)) => self.adopt(sandbox),
            Ok(Found::Broken { target, reason }) => self.broken(target, reason),
            Ok(Found::Pending) => self.by_name(error),
            Ok(Found::Absent) => self.absent(error),
            Err(_) => unclear(&error),
        }
    }

    fn adopt(&self, sandbox: P::Sandbox) -> Outcome<P> {
        self.creation.unanswered().found_one();
        ready::<P>(sandbox, true)
    }

    fn broken(&self, target: Target, reason: Error) -> Outcome<P> {
        self.creation.unanswered().found_one();
        Outcome::Broken { target, reason }
    }

    fn absent(&self, error: Error) -> Outcome<P> {
        if self.unclear {
            unclear(&error)
        } else {
            Outcome::Failed(error)
        }
    }

    /// It exists and is not ready in time.
    fn by_name(&self, error: Error) -> Outcome<P> {
        let (shared, creation) = (self.shared, self.creation);
        let seconds = shared.settings.create_timeout.as_secs_f64();
        let target = Target::new(None, creation.attempt.name());
        let agreed = shared.provider.agreed_name(creation.key.values());
        let reason = if matches!(agreed, Ok(Some(_))) {
            let until = match shared.provider.server_bound_at_worst(&target) {
                Some(bound) => format!(
                    "or the service removes it, {} s after it was asked for at the latest",
                    bound.as_secs()
                ),
                None => "or the service gives it up".to_owned(),
            };
            Error::new(
                ErrorKind::Timeout,
                format!(
                    "the shared sandbox was not ready within {seconds} s; others may be waiting for it, so it is let \
                     go of and not removed, and its name stays taken until it is ready {until}; open again to go on \
                     waiting for it, or raise `create_timeout`"
                ),
            )
        } else {
            Error::new(
                ErrorKind::Timeout,
                format!("the sandbox was not ready within {seconds} s and is being removed"),
            )
        };
        self.broken(target, reason.with_source(error))
    }

    async fn create(&mut self) -> Result<P::Sandbox, CreateError> {
        let Self {
            shared, creation, ..
        } = *self;
        let (mut fate, mut answered) = (Fate::MayExist, false);
        let work = async {
            let params = creation.key.values();
            let made = shared.provider.create(&creation.attempt, params).await;
            made.map_err(|failed| {
                fate = failed.fate();
                answered = failed.is_answered();
                failed.into_error()
            })
        };
        let made = match timeout_at(self.deadline, guarded(work)).await {
            Ok(made) => made,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                "the sandbox was not created in time",
            )),
        };
        made.map_err(|error| {
            if error.is_rate_limited() {
                creation.account.pause(&error);
            }
            if fate == Fate::NotCreated {
                return CreateError::not_created(error);
            }
            let silent = matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal
            );
            self.unclear |= silent;
            match error.kind() {
                _ if silent && !answered => creation.unanswered().add(Instant::now()),
                // That a name is taken, or to come again, is said before anything is made.
                ErrorKind::Conflict | ErrorKind::RateLimited => {}
                // It could not be read, but it was an answer.
                ErrorKind::Provider => creation.unanswered().failed(),
                _ if answered => creation.unanswered().failed(),
                _ => {}
            }
            CreateError::may_exist(error)
        })
    }

    async fn find(&self, until: Instant) -> Result<Found<P::Sandbox>, Error> {
        self.shared.look_for(self.creation, until).await
    }

    async fn pause(&self, pause: Duration) {
        sleep_until((Instant::now() + pause).min(self.deadline)).await;
    }
}

impl<P: Provider> Shared<P> {
    async fn look_for(
        &self,
        creation: &Creation<P>,
        until: Instant,
    ) -> Result<Found<P::Sandbox>, Error> {
        let work = self.provider.find(&creation.attempt, creation.key.values());
        match timeout_at(until, guarded(work)).await {
            Ok(found) => found,
            Err(_) => Err(Error::new(ErrorKind::Timeout, "the look-up took too long")),
        }
    }
}

fn ready<P: Provider>(sandbox: P::Sandbox, adopted: bool) -> Outcome<P> {
    Outcome::Ready {
        target: Target::of(&sandbox.info()),
        sandbox: Arc::new(sandbox),
        adopted,
    }
}

fn is_worth_another_try(error: &Error) -> bool {
    error.is_transient()
}

fn unclear<P: Provider>(error: &Error) -> Outcome<P> {
    Outcome::Unclear(
        Error::new(
            error.kind(),
            "it is not known whether the sandbox was created; it is watched, and removed if it appears",
        )
        .with_source(error.clone()),
    )
}
