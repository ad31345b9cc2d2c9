//! What a fault can do.

use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;

use super::action::{Action, Memory, Turn};
use super::fault::Fault;
use super::telling::Telling;

/// What happens. The last one that is named counts.
impl Fault {
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

    /// Runs nothing, sends these bytes in place of an answer, and closes the connection: a status line that is none,
    /// a bad chunk, a thousand headers. An empty one is a connection closed without an answer.
    pub fn raw(self, bytes: impl Into<Bytes>) -> Self {
        self.with(Action::Raw {
            bytes: bytes.into(),
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

    /// Answers as usual, without saying that the connection ends, and closes it after the last byte: the next request
    /// on it races with the close.
    pub fn close_after_answer(self) -> Self {
        self.with(Action::CloseAfterAnswer)
    }

    /// Answers as usual, in HTTP/1.0, and closes the connection.
    pub fn http_1_0(self) -> Self {
        self.with(Action::Http10)
    }

    /// Does what was asked and promises the whole body, but resets the connection after `bytes` of it.
    pub fn cut_body(self, bytes: usize) -> Self {
        self.with(Action::CutBody { bytes })
    }

    /// Does what was asked, but resets the connection after `bytes` of the answer, counted from its status line.
    pub fn cut_answer(self, bytes: usize) -> Self {
        self.with(Action::CutAnswer { bytes })
    }

    /// Does what was asked and answers, in good order, the first `bytes` of the body only.
    pub fn truncate_body(self, bytes: usize) -> Self {
        self.with(Action::TruncateBody { bytes })
    }

    /// Does what was asked and answers its status with `bytes` of noise, the same for the same seed.
    pub fn garbage(self, bytes: usize, seed: u64) -> Self {
        self.with(Action::Garbage { bytes, seed })
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

    /// Sends the whole answer at this pace, its headers too, by the server's clock; then closes. 0 counts as 1.
    pub fn trickle(self, bytes_per_second: u64) -> Self {
        self.with(Action::Trickle {
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

    /// Answers as usual with these headers in place of its own: `Date`, `Content-Type`. An empty value removes one.
    pub fn set_headers<'a>(self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let headers = headers.into_iter();
        self.with(Action::SetHeaders {
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// The sandbox that the request names is gone, with its processes and files, before the request runs.
    pub fn vanish(self) -> Self {
        self.with(Action::Vanish)
    }

    /// The sandbox that the request names is stopped before the request runs.
    pub fn stop(self) -> Self {
        self.with(Action::Stop)
    }

    /// Answers as if it had worked and does nothing: a renewal, a delete or a stop that is lost behind the front door.
    /// A create that is swallowed answers 200 with an empty object.
    pub fn swallow(self) -> Self {
        self.with(Action::Swallow)
    }

    /// Does what was asked twice and answers what came second: a proxy on the way that repeats requests.
    pub fn run_twice(self) -> Self {
        self.with(Action::RunTwice)
    }

    /// Lists sandboxes as they were `lag` ago by the server's clock: new ones are missing, deleted ones still there.
    pub fn stale_list(self, lag: Duration) -> Self {
        self.with(Action::StaleList { lag })
    }

    /// Leaves rows out of the lists that are answered, each row with a likelihood of `percent` and drawn anew for each
    /// answer; the same seed draws the same.
    pub fn flapping_list(self, percent: u8, seed: u64) -> Self {
        self.with(Action::FlappingList {
            percent: percent.min(100),
            seed,
            turn: Turn::default(),
        })
    }

    /// Answers what was answered for the same path up to `ttl` ago, by the server's clock: Daytona keeps what it looks
    /// up by id or name for ten seconds. Use it with [`Fault::always`].
    pub fn lookup_cache(self, ttl: Duration) -> Self {
        self.with(Action::LookupCache {
            ttl,
            only_missing: false,
            memory: Memory::default(),
        })
    }

    /// As [`Fault::lookup_cache`], but keeps only that something was not there.
    pub fn negative_cache(self, ttl: Duration) -> Self {
        self.with(Action::LookupCache {
            ttl,
            only_missing: true,
            memory: Memory::default(),
        })
    }

    /// The server's clock jumps, ahead or back, before the request runs.
    pub fn clock_jump(self, by: SignedDuration) -> Self {
        self.with(Action::ClockJump { by })
    }

    /// On [`EVENT_SOCKET`](daytona_api::routes::EVENT_SOCKET): the socket opens as usual and breaks off after
    /// `events` of them.
    pub fn drop_events_after(self, events: u64) -> Self {
        self.telling(|telling| telling.at_most = Some(events))
    }

    /// On the event socket: it opens as usual and then falls silent; neither events nor pings come.
    pub fn silent_events(self) -> Self {
        self.telling(|telling| telling.silent = true)
    }

    /// On the event socket: each event comes twice.
    pub fn duplicate_events(self) -> Self {
        self.telling(|telling| telling.twice = true)
    }

    /// On the event socket: of each two events the second comes first; a single one waits for the next, or for a ping.
    pub fn reorder_events(self) -> Self {
        self.telling(|telling| telling.swapped = true)
    }

    /// On the event socket: each event comes this much later, in real time.
    pub fn late_events(self, by: Duration) -> Self {
        self.telling(|telling| telling.late = by)
    }

    fn telling(self, change: impl FnOnce(&mut Telling)) -> Self {
        let mut telling = Telling::default();
        change(&mut telling);
        self.with(Action::Events(telling))
    }
}
