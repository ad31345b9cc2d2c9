//! Every method by hand: the requests it makes, and that its answer is understood.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::any::type_name;
use std::future::Future;
use std::ops::Range;
use std::sync::Mutex;

use daytona_api::api::Toolbox;
use daytona_api::test_util::{Captured, Scripted};
use daytona_api::{Daytona, Error};
use futures_util::future::BoxFuture;

use super::support::scripted;

/// Makes the call that a chain of methods ends in. Each method of it is noted, by the name that the compiler has for
/// its type, together with the requests that were made.
macro_rules! ask {
    ($lab:expr, $answer:expr, $on:ident $(. $method:ident ( $($argument:expr),* $(,)? ))+) => {{
        let step = $on.clone();
        $(
            $lab.note(&step, stringify!($method));
            let step = step.$method($($argument),*);
        )+
        let answer = $lab.ask($answer, step).await;
        answer
    }};
}

/// As [`ask`], for a call that fails.
macro_rules! refuse {
    ($lab:expr, $answer:expr, $on:ident $(. $method:ident ( $($argument:expr),* $(,)? ))+) => {{
        let step = $on.clone();
        $(
            $lab.note(&step, stringify!($method));
            let step = step.$method($($argument),*);
        )+
        $lab.refuse($answer, step).await;
    }};
}

/// Makes what the next call needs, and notes the methods for that call.
macro_rules! made {
    ($lab:expr, $on:ident $(. $method:ident ( $($argument:expr),* $(,)? ))+) => {{
        let step = $on.clone();
        $(
            $lab.note(&step, stringify!($method));
            let step = step.$method($($argument),*);
        )+
        step
    }};
}

mod control;
mod coverage;
mod desktop;
mod further;
#[cfg(all(feature = "archive", feature = "context"))]
mod methods;
mod once;
mod sandboxes;
mod toolbox;

/// A part of the methods.
pub(crate) type Group = for<'l> fn(&'l Lab) -> BoxFuture<'l, ()>;

/// Every operation, by a call that makes one request or one for each page.
pub(crate) const OPERATIONS: [(&str, Group); 7] = [
    ("sandboxes", |lab| Box::pin(sandboxes::all(lab))),
    ("sandboxes_elsewhere", |lab| {
        Box::pin(sandboxes::elsewhere(lab))
    }),
    ("control_plane", |lab| Box::pin(control::all(lab))),
    ("toolbox", |lab| Box::pin(toolbox::all(lab))),
    ("toolbox_elsewhere", |lab| Box::pin(toolbox::elsewhere(lab))),
    ("toolbox_sockets", |lab| Box::pin(toolbox::sockets(lab))),
    ("desktop", |lab| Box::pin(desktop::all(lab))),
];

/// A client, and the server that notes what it asks.
pub(crate) struct Lab {
    server: Scripted,
    api: Daytona,
    /// What the last call failed with.
    failed: Mutex<Option<Error>>,
    /// The methods of the call that is being put together.
    chain: Mutex<Vec<String>>,
    calls: Mutex<Vec<Made>>,
}

/// A call that was made.
struct Made {
    methods: Vec<String>,
    /// Which of the requests are its own.
    requests: Range<usize>,
}

impl Lab {
    fn new() -> Self {
        let server = Scripted::new();
        let api = scripted(&server);
        Self::over(server, api)
    }

    /// With a client of its own that ends at `server`.
    fn over(server: Scripted, api: Daytona) -> Self {
        Self {
            server,
            api,
            failed: Mutex::default(),
            chain: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    fn toolbox(&self) -> Toolbox {
        let proxy = "https://proxy.app.daytona.io/toolbox";
        self.api.toolbox_at(proxy, "sb-1").unwrap()
    }

    /// That the call to come goes by this method.
    fn note<T>(&self, _: &T, method: &str) {
        let whole = type_name::<T>();
        let plain = whole.split('<').next().unwrap_or(whole);
        let name = plain.rsplit("::").next().unwrap_or(plain);
        let mut chain = self.chain.lock().unwrap();
        chain.push(format!("{name}::{method}"));
    }

    /// What is answered before the answer of the call to come.
    fn first(&self, status: u16, answer: &str) {
        let _ = self.server.clone().json(status, answer);
    }

    async fn call<T>(
        &self,
        answer: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.first(200, answer);
        let before = self.server.requests().len();
        let ended = call.await;
        let requests = before..self.server.requests().len();
        let methods = std::mem::take(&mut *self.chain.lock().unwrap());
        let mut calls = self.calls.lock().unwrap();
        calls.push(Made { methods, requests });
        ended
    }

    /// Makes `call`, which is answered with `answer`.
    async fn ask<T>(&self, answer: &str, call: impl Future<Output = Result<T, Error>>) -> T {
        match self.call(answer, call).await {
            Ok(answer) => answer,
            Err(error) => {
                let text = format!("{error:?}");
                *self.failed.lock().unwrap() = Some(error);
                panic!("{text}");
            }
        }
    }

    /// The same for a call that fails.
    async fn refuse<T>(&self, answer: &str, call: impl Future<Output = Result<T, Error>>) {
        assert!(self.call(answer, call).await.is_err());
    }

    /// Each call: its methods, then a line for each request.
    fn seen(&self) -> String {
        let requests = self.server.requests();
        let calls = self.calls.lock().unwrap();
        let called: usize = calls.iter().map(|made| made.requests.len()).sum();
        assert_eq!(called, requests.len(), "a request that no call made");
        let shown = calls.iter().map(|made| {
            assert!(!made.requests.is_empty(), "{:?} asks nothing", made.methods);
            let lines: Vec<String> = requests[made.requests.clone()].iter().map(line).collect();
            format!("{}\n  {}", made.methods.join(" "), lines.join("\n  "))
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    /// The methods whose requests [`seen`](Self::seen) shows.
    #[cfg(all(feature = "archive", feature = "context"))]
    fn methods(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .flat_map(|made| made.methods.iter().cloned())
            .collect()
    }
}

/// What every request has, which `requests.rs` shows.
const COMMON: [(&str, &str); 4] = [
    ("accept", "application/json"),
    ("content-type", "application/json"),
    ("x-daytona-source", "daytona-api-rust"),
    ("authorization", "[redacted]"),
];

/// What follows from the body, is random, or changes with each release.
const NOT_SHOWN: [&str; 4] = [
    "content-length",
    "sec-websocket-key",
    "user-agent",
    "x-daytona-sdk-version",
];

/// Method, path with query, headers of its own, body.
fn line(request: &Captured) -> String {
    let query = request.query().map(|query| format!("?{query}"));
    let own = request.headers().iter().filter(|(name, value)| {
        let common = COMMON.contains(&(name.as_str(), value.as_str()));
        !common && !NOT_SHOWN.contains(&name.as_str())
    });
    let own: String = own
        .map(|(name, value)| format!(" [{name}: {value}]"))
        .collect();
    let body = request.body();
    // an archive has times in it
    let body = match body.windows(5).any(|piece| piece == b"ustar") {
        true => "ARCHIVE".into(),
        false => String::from_utf8_lossy(body),
    };
    let text = format!(
        "{} {}{}{own} {body}",
        request.method(),
        request.path(),
        query.unwrap_or_default(),
    );
    let text = text.trim_end().replace("\r\n", "\n    ");
    let text = masked(&text, ".daytona-", 16);
    let text = masked(&text, "X-Amz-Date=", 16);
    let boundary = request
        .header("content-type")
        .and_then(|value| value.split_once("boundary="));
    match boundary {
        Some((_, boundary)) => text.replace(boundary, "BOUNDARY"),
        None => text,
    }
}

/// Without what is different each time: so many characters after `mark`.
fn masked(text: &str, mark: &str, length: usize) -> String {
    let mut parts = text.split(mark);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(mark);
        shown.push_str("MASKED");
        shown.push_str(part.get(length..).unwrap_or_default());
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn requests() {
    for (name, group) in OPERATIONS.iter().chain(further::GROUPS) {
        let lab = Lab::new();
        group(&lab).await;
        insta::assert_snapshot!(*name, lab.seen());
    }
}
