//! Every request the server has seen, in order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// How many requests are remembered; older ones are forgotten first.
const CAPACITY: usize = 200_000;

/// One request. Headers and bodies are never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The id of the operation in Daytona's documents (`createSandbox`, `ExecuteCommand`), `None` if there is no such route.
    pub route: Option<&'static str>,
    /// The status that was answered; `None` while the request is open and when no answer was sent.
    pub status: Option<u16>,
    /// When it came, by the server's clock.
    pub at: Timestamp,
    /// Its place among all starts and ends of requests.
    pub started: u64,
    /// The place of its end; `None` while it is open.
    pub ended: Option<u64>,
    /// How many other requests were open when it came.
    pub in_flight: usize,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<RequestRecord>,
    /// How many records were forgotten: the index of the first one.
    first: u64,
    sequence: u64,
    open: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
}

impl Log {
    pub(crate) fn start(
        &self,
        method: &str,
        path: &str,
        route: Option<&'static str>,
        at: Timestamp,
    ) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sequence += 1;
        let record = RequestRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            route,
            status: None,
            at,
            started: inner.sequence,
            ended: None,
            in_flight: inner.open,
        };
        inner.open += 1;
        inner.records.push_back(record);
        if inner.records.len() > CAPACITY {
            inner.records.pop_front();
            inner.first += 1;
        }
        inner.first + inner.records.len() as u64 - 1
    }

    pub(crate) fn end(&self, index: u64, status: Option<u16>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sequence += 1;
        inner.open = inner.open.saturating_sub(1);
        let sequence = inner.sequence;
        let place = index
            .checked_sub(inner.first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(record) = place.and_then(|place| inner.records.get_mut(place)) {
            record.status = status;
            record.ended = Some(sequence);
        }
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.records.iter().cloned().collect()
    }
}

/// How many of these requests came one after the other: the longest chain in which each began after the one before it
/// had ended. 64 requests at once are one wave.
#[must_use]
pub fn waves<'a>(records: impl IntoIterator<Item = &'a RequestRecord>) -> usize {
    let mut spans: Vec<(u64, u64)> = records
        .into_iter()
        .map(|record| (record.started, record.ended.unwrap_or(u64::MAX)))
        .collect();
    spans.sort_unstable_by_key(|&(_, end)| end);
    let mut waves = 0;
    let mut last_end = 0;
    for (start, end) in spans {
        if start > last_end {
            waves += 1;
            last_end = end;
        }
    }
    waves
}
