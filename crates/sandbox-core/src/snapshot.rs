//! What a factory holds at one moment.

use std::time::Duration;

use crate::{Error, Fingerprint, ScopePrint};

/// What a [`CachingFactory`](crate::CachingFactory) holds at one moment; without secrets.
///
/// Sandboxes come in no order. With the feature `serde` it can be serialised; durations are in
/// milliseconds then, and errors are their text.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// Counts the closes of this factory, from 1.
    pub epoch: u64,
    /// How many sandboxes it may hold; `None` for no limit.
    pub max_sandboxes: Option<usize>,
    /// Everything that exists, or may.
    pub sandboxes: Vec<SandboxSnapshot>,
    /// The accounts for which something is being created, waits, or has to wait.
    pub accounts: Vec<AccountSnapshot>,
}

/// One sandbox, or one attempt to make one.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SandboxSnapshot {
    /// The name it was created under.
    pub name: String,
    /// Its id, once an answer has told it.
    pub id: Option<String>,
    /// Where it is in its life.
    pub state: SnapshotState,
    /// For how long it has existed; for what is being created, woken, watched or removed, for how
    /// long that has been so.
    #[cfg_attr(feature = "serde", serde(rename = "age_ms", serialize_with = "ms"))]
    pub age: Duration,
    /// 1 for the first sandbox of a key, one more for each that replaces a lost one.
    pub generation: u64,
    /// True if it replaces one that was lost.
    pub state_lost: bool,
    /// The fingerprint of the resolved parameters.
    pub key: Fingerprint,
    /// Who shares it.
    pub scope: ScopePrint,
    /// The account that it counts against.
    pub account: Fingerprint,
    /// True if somebody holds a handle.
    pub in_use: bool,
    /// Its lease, for one that is ready and has one.
    pub lease: Option<LeaseSnapshot>,
    /// What went wrong last and has not gone well since.
    #[cfg_attr(feature = "serde", serde(serialize_with = "text"))]
    pub last_error: Option<Error>,
}

/// Where a sandbox is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SnapshotState {
    /// It is being created.
    Creating,
    /// It is cached, and handed out without asking.
    Ready,
    /// It is cached, and asked about before it is handed out again.
    Doubtful,
    /// It is being asked about, and started if it is stopped.
    Waking,
    /// It is gone, and the next open makes another.
    Lost,
    /// It is not known whether it exists.
    Unresolved,
    /// It is being removed.
    Deleting,
    /// It may not be removed and was stopped instead.
    Stopped,
}

/// How a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeaseSnapshot {
    /// For how long the service keeps it usable without renewal.
    #[cfg_attr(feature = "serde", serde(rename = "lasts_ms", serialize_with = "ms"))]
    pub lasts: Duration,
    /// When a renewal was last answered.
    #[cfg_attr(feature = "serde", serde(rename = "renewed_ms", serialize_with = "ms"))]
    pub renewed: Duration,
    /// True if four fifths of it passed without an answer.
    pub at_risk: bool,
}

/// One account of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountSnapshot {
    /// The account's fingerprint.
    pub account: Fingerprint,
    /// How many sandboxes are being created.
    pub creating: usize,
    /// How many creations wait for a permit or for the service.
    pub waiting: usize,
    /// For how much longer the service wants it to create nothing.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "paused_ms", serialize_with = "maybe_ms")
    )]
    pub paused: Option<Duration>,
}

#[cfg(feature = "serde")]
fn ms<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(feature = "serde")]
#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn maybe_ms<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => ms(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(feature = "serde")]
#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn text<S: serde::Serializer>(error: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => serializer.collect_str(error),
        None => serializer.serialize_none(),
    }
}
