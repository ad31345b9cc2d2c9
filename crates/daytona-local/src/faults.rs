//! Faults a test asks for: which request is hit is decided by counting, never by chance.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use daytona_api::routes::Route;
use serde_json::Value;

/// What a filter of a fault may look at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query string, empty if there is none.
    pub query: String,
    /// The id of the operation.
    pub route: &'static str,
}

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
    ResetBefore,
    ResetAfter,
    CutBody {
        bytes: usize,
    },
    CloseAfter,
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
    Vanish,
}

#[derive(Clone, Debug)]
enum Target {
    Any,
    Route(&'static str),
}

type Filter = Arc<dyn Fn(&RequestInfo) -> bool + Send + Sync>;

/// One scripted fault: what it hits, how often, and what happens then.
///
/// Begin with [`Fault::on`] or [`Fault::any`], say what happens, and hand it to [`Faults::inject`]. Without
/// [`Fault::times`] or [`Fault::always`] it strikes once.
#[derive(Clone)]
#[must_use]
pub struct Fault {
    target: Target,
    filter: Option<Filter>,
    skip: u64,
    times: Option<u64>,
    action: Action,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("target", &self.target)
            .field("filtered", &self.filter.is_some())
            .field("skip", &self.skip)
            .field("times", &self.times)
            .field("action", &self.action)
            .finish()
    }
}

impl Fault {
    /// Hits requests of this operation.
    pub fn on(route: &Route) -> Self {
        Self::new(Target::Route(route.id))
    }

    /// Hits every request.
    pub fn any() -> Self {
        Self::new(Target::Any)
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            filter: None,
            skip: 0,
            times: Some(1),
            action: Action::ResetBefore,
        }
    }

    fn with(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// Hits only requests for which `filter` is true. Others are not counted.
    pub fn matching(
        mut self,
        filter: impl Fn(&RequestInfo) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Hits from the `n`th matching request on, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// Strikes `n` times.
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Strikes until it is removed.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Answers `status` with a body and runs nothing. A body that starts with `<` goes out as HTML, else as JSON.
    pub fn answer(self, status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let content_type = if body.starts_with(b"<") {
            "text/html"
        } else {
            "application/json; charset=utf-8"
        };
        self.with(Action::Answer {
            status,
            body,
            content_type,
            headers: Vec::new(),
        })
    }

    /// Adds a header to the answer of [`Fault::answer`]: `Retry-After`, `Location`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Action::Answer { headers, .. } = &mut self.action {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Does what was asked, then answers `status` with this body instead.
    pub fn answer_after_commit(self, status: u16, body: impl Into<Bytes>) -> Self {
        self.with(Action::AnswerAfter {
            status,
            body: body.into(),
        })
    }

    /// Resets the connection and runs nothing.
    pub fn reset_before_commit(self) -> Self {
        self.with(Action::ResetBefore)
    }

    /// Does what was asked, then resets the connection without an answer.
    pub fn reset_after_commit(self) -> Self {
        self.with(Action::ResetAfter)
    }

    /// Does what was asked, then closes the connection in order, without an answer.
    pub fn close_after_commit(self) -> Self {
        self.with(Action::CloseAfter)
    }

    /// Does what was asked and promises the whole body, but resets the connection after `bytes` of it.
    pub fn cut_body(self, bytes: usize) -> Self {
        self.with(Action::CutBody { bytes })
    }

    /// Resets the connection at once and does what was asked `delay` later, by the server's clock.
    pub fn commit_late(self, delay: Duration) -> Self {
        self.with(Action::CommitLate { delay })
    }

    /// Runs nothing and never answers.
    pub fn hang(self) -> Self {
        self.with(Action::HangBefore)
    }

    /// Does what was asked and never answers.
    pub fn hang_after_commit(self) -> Self {
        self.with(Action::HangAfter)
    }

    /// Waits for `delay` by the server's clock, then goes on as usual.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(Action::Delay { delay })
    }

    /// Sends the body at this pace, by the server's clock. 0 counts as 1.
    pub fn slow(self, bytes_per_second: u64) -> Self {
        self.with(Action::Slow {
            bytes_per_second: bytes_per_second.max(1),
        })
    }

    /// The sandbox that this request creates or starts never leaves the state on the way there.
    pub fn stuck(self) -> Self {
        self.with(Action::Stuck)
    }

    /// The sandbox that this request creates fails, as Daytona does it: from a snapshot the answer is 400 and the row
    /// stays in `error`; from an image the answer is 200 and the row goes to `build_failed`.
    pub fn error_state(self, reason: &str) -> Self {
        self.with(Action::ErrorState {
            reason: reason.to_owned(),
            quiet: false,
        })
    }

    /// As [`Fault::error_state`], but the create is answered 200 whatever the source.
    pub fn error_state_later(self, reason: &str) -> Self {
        self.with(Action::ErrorState {
            reason: reason.to_owned(),
            quiet: true,
        })
    }

    /// Leaves these members out of the JSON object that is answered.
    pub fn drop_fields<'a>(self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(Action::DropFields {
            fields: fields.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Answers with these members in place of its own.
    pub fn set_fields<'a>(self, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let fields = fields.into_iter();
        self.with(Action::SetFields {
            fields: fields
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        })
    }

    /// The sandbox that the request names is gone, with its processes and files, before the request runs.
    pub fn vanish(self) -> Self {
        self.with(Action::Vanish)
    }
}

#[derive(Debug)]
struct Entry {
    id: u64,
    fault: Fault,
    seen: u64,
    hits: u64,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    next: u64,
    /// Hits of faults that have been used up.
    finished: Vec<(u64, u64)>,
}

/// The faults of one server.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

impl Faults {
    /// Adds a fault. Of several that fit a request, the one added first strikes.
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let id = inner.next;
        inner.next += 1;
        inner.entries.push(Entry {
            id,
            fault,
            seen: 0,
            hits: 0,
        });
        FaultHandle {
            faults: self.clone(),
            id,
        }
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = std::mem::take(&mut inner.entries);
        inner
            .finished
            .extend(entries.iter().map(|entry| (entry.id, entry.hits)));
    }

    pub(crate) fn strike(&self, request: &RequestInfo) -> Option<Action> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for (place, entry) in inner.entries.iter_mut().enumerate() {
            let fits = match entry.fault.target {
                Target::Any => true,
                Target::Route(id) => id == request.route,
            };
            if !fits
                || entry
                    .fault
                    .filter
                    .as_ref()
                    .is_some_and(|filter| !filter(request))
            {
                continue;
            }
            entry.seen += 1;
            if entry.seen <= entry.fault.skip {
                continue;
            }
            entry.hits += 1;
            let spent = entry.fault.times.is_some_and(|times| entry.hits >= times);
            struck = Some((place, spent, entry.fault.action.clone()));
            break;
        }
        let (place, spent, action) = struck?;
        if spent {
            let entry = inner.entries.remove(place);
            inner.finished.push((entry.id, entry.hits));
        }
        Some(action)
    }
}

/// One injected fault.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    faults: Faults,
    id: u64,
}

impl FaultHandle {
    /// How often it has struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        let inner = self
            .faults
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let live = inner
            .entries
            .iter()
            .find(|entry| entry.id == self.id)
            .map(|entry| entry.hits);
        let finished = || {
            inner
                .finished
                .iter()
                .find(|(id, _)| *id == self.id)
                .map_or(0, |&(_, hits)| hits)
        };
        live.unwrap_or_else(finished)
    }

    /// Takes it away.
    pub fn remove(&self) {
        let mut inner = self
            .faults
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = inner.entries.iter().position(|entry| entry.id == self.id) {
            let entry = inner.entries.remove(place);
            inner.finished.push((entry.id, entry.hits));
        }
    }
}
