//! What a fault does to the request it strikes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::telling::Telling;

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Answer this, run nothing.
    Answer {
        status: u16,
        body: Bytes,
        content_type: &'static str,
        headers: Vec<(String, String)>,
    },
    /// Run the handler, then answer this.
    AnswerAfter {
        status: u16,
        body: Bytes,
    },
    /// Run nothing and send these bytes in place of an answer.
    Raw {
        bytes: Bytes,
    },
    ResetBefore,
    ResetAfter,
    CutBody {
        bytes: usize,
    },
    /// The same for the whole answer, status line and headers included.
    CutAnswer {
        bytes: usize,
    },
    /// A complete answer with the first bytes of the body only.
    TruncateBody {
        bytes: usize,
    },
    Garbage {
        bytes: usize,
        seed: u64,
    },
    CloseAfter,
    CloseAfterAnswer,
    Http10,
    Trickle {
        bytes_per_second: u64,
    },
    CommitLate {
        delay: Duration,
    },
    HangBefore,
    HangAfter,
    Delay {
        delay: Duration,
    },
    Slow {
        bytes_per_second: u64,
    },
    Stuck,
    ErrorState {
        reason: String,
        quiet: bool,
    },
    DropFields {
        fields: Vec<String>,
    },
    SetFields {
        fields: Vec<(String, Value)>,
    },
    SetHeaders {
        headers: Vec<(String, String)>,
    },
    Vanish,
    Stop,
    Swallow,
    RunTwice,
    StaleList {
        lag: Duration,
    },
    FlappingList {
        percent: u8,
        seed: u64,
        turn: Turn,
    },
    LookupCache {
        ttl: Duration,
        only_missing: bool,
        memory: Memory,
    },
    ClockJump {
        by: SignedDuration,
    },
    /// The event socket opens, and tells what happens as this says.
    Events(Telling),
}

impl Action {
    /// Its name in scripts and reports, without what it carries: a body may hold a secret.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::AnswerAfter { .. } => "answerAfterCommit",
            Self::Raw { .. } => "raw",
            Self::ResetBefore => "resetBeforeCommit",
            Self::ResetAfter => "resetAfterCommit",
            Self::CutBody { .. } => "cutBody",
            Self::CutAnswer { .. } => "cutAnswer",
            Self::TruncateBody { .. } => "truncateBody",
            Self::Garbage { .. } => "garbage",
            Self::CloseAfter => "closeAfterCommit",
            Self::CloseAfterAnswer => "closeAfterAnswer",
            Self::Http10 => "http10",
            Self::Trickle { .. } => "trickle",
            Self::CommitLate { .. } => "commitLate",
            Self::HangBefore => "hang",
            Self::HangAfter => "hangAfterCommit",
            Self::Delay { .. } => "delay",
            Self::Slow { .. } => "slow",
            Self::Stuck => "stuck",
            Self::ErrorState { quiet: false, .. } => "errorState",
            Self::ErrorState { quiet: true, .. } => "errorStateLater",
            Self::DropFields { .. } => "dropFields",
            Self::SetFields { .. } => "setFields",
            Self::SetHeaders { .. } => "setHeaders",
            Self::Vanish => "vanish",
            Self::Stop => "stop",
            Self::Swallow => "swallow",
            Self::RunTwice => "runTwice",
            Self::StaleList { .. } => "staleList",
            Self::FlappingList { .. } => "flappingList",
            Self::LookupCache {
                only_missing: true, ..
            } => "negativeCache",
            Self::LookupCache { .. } => "lookupCache",
            Self::ClockJump { .. } => "clockJump",
            Self::Events(telling) => telling.name(),
        }
    }
}

/// Counts the answers that one fault has changed, so that each is drawn anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<Mutex<u64>>);

impl Turn {
    pub(crate) fn next(&self) -> u64 {
        let mut turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *turn += 1;
        *turn
    }
}

/// What a look-up cache holds: an answer for each path.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<HashMap<String, Kept>>>);

/// An answer as it was given, and when.
#[derive(Clone)]
struct Kept {
    at: Timestamp,
    status: u16,
    body: Bytes,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Answers hold environments.
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// The answer for this path, if one was kept since `oldest`.
    pub(crate) fn get(&self, path: &str, oldest: Timestamp) -> Option<(u16, Bytes)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(path).filter(|kept| kept.at > oldest)?;
        Some((kept.status, kept.body.clone()))
    }

    pub(crate) fn keep(&self, path: &str, at: Timestamp, status: u16, body: Bytes) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), Kept { at, status, body });
    }
}
