//! What happens to a factory's sandboxes, as it happens.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{Error, Fingerprint};

mod stream;

pub(crate) use stream::Broadcast;
pub use stream::{Events, Observed};

/// Something that happened to a sandbox of a [`CachingFactory`](crate::CachingFactory). Cheap to
/// clone; holds no secret.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

struct Inner {
    sequence: u64,
    at: SystemTime,
    subject: Subject,
    kind: EventKind,
}

/// Which sandbox it is about.
#[derive(Clone)]
pub(crate) struct Subject(Arc<About>);

struct About {
    name: Arc<str>,
    id: Option<Arc<str>>,
    generation: u64,
    state_lost: bool,
    key: Fingerprint,
    scope: ScopePrint,
    account: Fingerprint,
}

/// Who shares a sandbox: the [`Scope`](crate::Scope) of its parameters, its name as a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScopePrint {
    /// Everybody whose other values are equal: there is no scope that keeps tenants apart.
    Shared,
    /// Only openers of the scope with this fingerprint.
    Named(Fingerprint),
}

impl fmt::Display for ScopePrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared"),
            Self::Named(print) => print.fmt(f),
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A creation begins.
    Creating,
    /// The service has answered a create with a sandbox that can be used.
    Created {
        /// From the beginning of the creation, waiting for a permit included.
        took: Duration,
    },
    /// A sandbox was found under the name of a create whose answer was lost or refused it, and is
    /// used.
    Adopted {
        /// From the beginning of the creation.
        took: Duration,
    },
    /// It can be opened. [`Event::state_lost`] tells whether it replaces one that was lost.
    Ready,
    /// The creation failed, and nothing is known to be left.
    CreateFailed {
        /// Why.
        error: Error,
    },
    /// It is not known whether the creation made anything: its name is watched for two minutes, and
    /// what appears is removed.
    Unresolved {
        /// What was answered last.
        error: Error,
    },
    /// The watch over a name is over.
    Resolved {
        /// True if something appeared, which is now removed; false if nothing did.
        found: bool,
    },
    /// For four fifths of the lease no renewal was answered.
    LeaseAtRisk {
        /// For how long nothing was heard of it.
        silent: Duration,
        /// For how long the service keeps it usable without renewal.
        lease: Duration,
    },
    /// A renewal was answered after the lease had been at risk.
    LeaseRestored,
    /// It was found stopped and is being started, once for all openers.
    Waking,
    /// It runs again, with its files.
    Woken {
        /// How long that took.
        took: Duration,
    },
    /// It could not be started; the next open tries again.
    WakeFailed {
        /// Why.
        error: Error,
    },
    /// It is gone, and its files and processes with it; the next open makes a new one.
    StateLost {
        /// What was learnt of it.
        reason: String,
    },
    /// It made room for another, as it was idle and the factory at its limit.
    Evicted,
    /// Its time was over.
    Expired {
        /// Which time.
        because: Expiry,
    },
    /// Its removal begins.
    Deleting,
    /// It is gone, or the service has accepted its removal.
    Deleted {
        /// From the beginning of the removal.
        took: Duration,
    },
    /// A removal failed and is tried again.
    DeleteFailed {
        /// Why.
        error: Error,
    },
    /// The service will not let this credential remove it; it is tried again all the same.
    DeleteRefused {
        /// Why.
        error: Error,
        /// True if the service has stopped it instead.
        stopped: bool,
    },
    /// Removing was tried for 75 minutes; the next close tries again.
    DeleteGivenUp {
        /// What was answered last.
        error: Error,
    },
    /// It was let go of: others may still use it.
    Released,
}

/// Why a sandbox expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// Nobody opened or held it for the idle time.
    Idle,
    /// It reached its maximal lifetime.
    Lifetime,
}

impl Expiry {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
        }
    }
}

impl EventKind {
    /// The kind's name in logs: `created`, `lease_at_risk` ...
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created { .. } => "created",
            Self::Adopted { .. } => "adopted",
            Self::Ready => "ready",
            Self::CreateFailed { .. } => "create_failed",
            Self::Unresolved { .. } => "unresolved",
            Self::Resolved { .. } => "resolved",
            Self::LeaseAtRisk { .. } => "lease_at_risk",
            Self::LeaseRestored => "lease_restored",
            Self::Waking => "waking",
            Self::Woken { .. } => "woken",
            Self::WakeFailed { .. } => "wake_failed",
            Self::StateLost { .. } => "state_lost",
            Self::Evicted => "evicted",
            Self::Expired { .. } => "expired",
            Self::Deleting => "deleting",
            Self::Deleted { .. } => "deleted",
            Self::DeleteFailed { .. } => "delete_failed",
            Self::DeleteRefused { .. } => "delete_refused",
            Self::DeleteGivenUp { .. } => "delete_given_up",
            Self::Released => "released",
        }
    }

    /// The error it carries, if it is about a failure.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::CreateFailed { error }
            | Self::Unresolved { error }
            | Self::WakeFailed { error }
            | Self::DeleteFailed { error }
            | Self::DeleteRefused { error, .. }
            | Self::DeleteGivenUp { error } => Some(error),
            _ => None,
        }
    }
}

impl Event {
    #[expect(
        clippy::disallowed_methods,
        reason = "a time for people to read; nothing is decided by it"
    )]
    pub(crate) fn new(sequence: u64, subject: Subject, kind: EventKind) -> Self {
        Self(Arc::new(Inner {
            sequence,
            at: SystemTime::now(),
            subject,
            kind,
        }))
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &EventKind {
        &self.0.kind
    }

    /// Counts the events of the factory while anybody listens, from 0.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// When, by this host's clock.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.0.at
    }

    /// The name of the sandbox, or of the attempt to make it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.subject.name()
    }

    /// Its id, once an answer has told it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.subject.id()
    }

    /// 1 for the first sandbox of a key, one more for each that replaces a lost one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.subject.generation()
    }

    /// True if it replaces one that was lost.
    #[must_use]
    pub fn state_lost(&self) -> bool {
        self.0.subject.state_lost()
    }

    /// The fingerprint of the resolved parameters.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        self.0.subject.key()
    }

    /// Who shares it.
    #[must_use]
    pub fn scope(&self) -> ScopePrint {
        self.0.subject.scope()
    }

    /// The fingerprint of the account that it counts against.
    #[must_use]
    pub fn account(&self) -> Fingerprint {
        self.0.subject.account()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("sequence", &self.sequence())
            .field("kind", self.kind())
            .field("name", &self.name())
            .field("id", &self.id())
            .field("generation", &self.generation())
            .field("scope", &self.scope())
            .finish_non_exhaustive()
    }
}

impl Subject {
    pub(crate) fn new(
        attempt: &crate::Attempt,
        key: Fingerprint,
        scope: ScopePrint,
        account: Fingerprint,
    ) -> Self {
        Self(Arc::new(About {
            name: attempt.name().into(),
            id: None,
            generation: attempt.generation(),
            state_lost: attempt.previous_lost(),
            key,
            scope,
            account,
        }))
    }

    /// The same with what an answer told of the id.
    pub(crate) fn with_target(&self, target: &crate::Target) -> Self {
        if target.id() == self.id() && target.name() == self.name() {
            return self.clone();
        }
        let about = &self.0;
        Self(Arc::new(About {
            name: target.name().into(),
            id: target.id().map(Into::into),
            ..**about
        }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.0.generation
    }

    pub(crate) fn state_lost(&self) -> bool {
        self.0.state_lost
    }

    pub(crate) fn key(&self) -> Fingerprint {
        self.0.key
    }

    pub(crate) fn scope(&self) -> ScopePrint {
        self.0.scope
    }

    pub(crate) fn account(&self) -> Fingerprint {
        self.0.account
    }
}
