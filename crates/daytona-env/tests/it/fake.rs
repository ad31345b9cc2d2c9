//! A control plane in memory, behind the transport: every answer is chosen, the time is tokio's.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use daytona_api::transport::{Body, Phase, Transport, TransportError};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use sandbox_core::{BoxFuture, Spawner};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const URL: &str = "http://127.0.0.1:9/api";

/// What happens to a call instead of what should.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Done, and the answer is lost.
    Lost,
    /// Not even sent.
    Unsent,
    /// Refused, nothing done.
    Refused(u16, &'static str),
    /// Done, and answered with this status all the same.
    Done(u16, &'static str),
    /// Answered with this body and 200, nothing done.
    Body(&'static str),
    /// The row is made in the state `error` with this reason; answered 400.
    ErrorRow(&'static str),
    /// The row is made, goes to this state with this reason; answered 200.
    Ends(&'static str, &'static str),
    /// The row drops the lease.
    NoLease,
    /// The reply drops the lease, the row keeps it.
    NoEcho,
    /// The row carries somebody else's labels, and the answer is lost.
    Foreign,
    /// Done, and the answer is cut off in the middle.
    Cut,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) starts: Instant,
    pub(crate) ends: Option<(&'static str, &'static str)>,
    pub(crate) deleted: bool,
    pub(crate) renewals: u32,
    pub(crate) ttl: Vec<String>,
}

impl Row {
    fn name(&self) -> &str {
        self.body["name"].as_str().unwrap()
    }

    fn shown(&self) -> Value {
        let mut shown = self.body.clone();
        let started = Instant::now() >= self.starts;
        let (state, reason) = match self.ends {
            Some(end) if started => end,
            _ => (if started { "started" } else { "creating" }, ""),
        };
        shown["state"] = json!(if self.deleted { "destroying" } else { state });
        shown["desiredState"] = json!(if self.deleted { "destroyed" } else { "started" });
        shown["errorReason"] = json!(reason);
        shown
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) rows: Vec<Row>,
    pub(crate) log: Vec<String>,
    pub(crate) faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// How long a sandbox takes to start.
    pub(crate) delay: Duration,
    /// Shows `autoDestroyAt`.
    pub(crate) ttl: bool,
    /// Where toolboxes are said to be.
    pub(crate) toolbox: Option<&'static str>,
    /// Look-ups are answered from a cache for ten seconds, those that find nothing too.
    pub(crate) caches_misses: bool,
    pub(crate) misses: BTreeMap<String, Instant>,
    /// Beginnings of queries for directories that may not be made.
    pub(crate) refused: Vec<&'static str>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The next calls of one kind fare like this.
    pub(crate) fn fault(&self, call: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(call).or_default().extend(faults);
    }

    pub(crate) fn builder(&self) -> DaytonaEnvironmentBuilder {
        DaytonaEnvironment::builder()
            .api_url(URL)
            .api_key("canary-key")
            .transport(Arc::new(self.clone()))
            .spawner(Arc::new(Here))
    }

    /// How many calls of one kind the server saw, such as `create`.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.state()
            .log
            .iter()
            .filter(|seen| seen.split(' ').next() == Some(call))
            .count()
    }

    /// Rows whose desired state is not destroyed.
    pub(crate) fn left(&self) -> usize {
        self.state().rows.iter().filter(|row| !row.deleted).count()
    }
}

/// Runs the work of the factory on the test's own runtime.
#[derive(Debug)]
pub(crate) struct Here;

impl Spawner for Here {
    #[expect(clippy::disallowed_methods, reason = "this is the owner's spawner")]
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}

#[async_trait::async_trait]
impl Transport for Fake {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        self.answer(&parts.method, &path, &query, &body)
    }
}

type Answer = Result<Response<Body>, TransportError>;

fn reply(status: u16, body: &Value) -> Answer {
    let text = Bytes::from(body.to_string());
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(text.into())
        .unwrap())
}

fn error(status: u16, message: &str) -> Answer {
    reply(
        status,
        &json!({"statusCode": status, "error": "x", "message": message, "path": "/", "timestamp": ""}),
    )
}

impl Fake {
    fn answer(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
        let rest: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (call, done): (&'static str, _) = match (method.as_str(), rest.as_slice()) {
            ("POST", ["api", "sandbox"]) => ("create", None),
            ("GET", ["api", "sandbox", id]) => ("get", Some(self.get(id))),
            ("DELETE", ["api", "sandbox", id]) => (
                "delete",
                Some((*id).to_owned()).map(|id| self.peek_delete(&id)),
            ),
            ("POST", ["api", "sandbox", id, "last-activity"]) => {
                ("renew", Some(self.touch(id, |row| row.renewals += 1)))
            }
            ("POST", ["api", "sandbox", id, "ttl", minutes]) => (
                "ttl",
                Some(self.touch(id, |row| row.ttl.push((*minutes).to_owned()))),
            ),
            ("POST", ["toolbox", _, "files", "folder"]) => ("folder", Some(self.folder(query))),
            ("POST", ["toolbox", _, "process", "execute"]) => (
                "execute",
                Some(reply(200, &json!({"exitCode": 0, "result": ""}))),
            ),
            ("GET", ["toolbox", _, "work-dir"]) => (
                "work-dir",
                Some(reply(200, &json!({"dir": "/home/daytona"}))),
            ),
            _ => ("unknown", Some(error(404, "no such route"))),
        };
        let fault = self
            .state()
            .faults
            .get_mut(call)
            .and_then(VecDeque::pop_front);
        if let Some(Fault::Unsent) = fault {
            return Err(TransportError::new(Phase::Connect));
        }
        let answer = match (&fault, done) {
            (Some(Fault::Refused(status, text)), _) => error(*status, text),
            (Some(Fault::Body(text)), _) => {
                let body = Bytes::from_static(text.as_bytes()).into();
                Ok(Response::builder()
                    .header("content-type", "text/html")
                    .body(body)
                    .unwrap())
            }
            (_, None) => self.create(body, fault.as_ref()),
            (_, Some(done)) => {
                if call == "delete" {
                    self.commit_delete(rest.last().unwrap());
                }
                done
            }
        };
        let answer = match fault {
            Some(Fault::Lost | Fault::Foreign) => Err(TransportError::new(Phase::Exchange)),
            Some(Fault::Done(status, text)) => error(status, text),
            Some(Fault::Cut) => Ok(Response::new(Bytes::from_static(br#"{"id":"sb-"#).into())),
            _ => answer,
        };
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.state().log.push(format!("{call} {path} {status}"));
        answer
    }

    fn create(&self, body: &[u8], fault: Option<&Fault>) -> Answer {
        let asked: Value = serde_json::from_slice(body).unwrap();
        let name = asked["name"].as_str().unwrap().to_owned();
        let mut state = self.state();
        if state
            .rows
            .iter()
            .any(|row| !row.deleted && row.name() == name)
        {
            return error(409, &format!("Sandbox with name {name} already exists"));
        }
        let id = format!("sb-{}", state.rows.len() + 1);
        let mut body = json!({
            "id": id, "name": name, "organizationId": "org", "user": "daytona", "env": asked["env"],
            "labels": asked["labels"], "target": "eu", "cpu": 1, "gpu": 0, "memory": 1, "disk": 3, "public": false,
            "networkBlockAll": false, "kvm": false, "toolboxProxyUrl": state.toolbox.unwrap_or("http://127.0.0.1:9/toolbox"),
            "autoStopInterval": asked["autoStopInterval"], "autoDeleteInterval": asked["autoDeleteInterval"],
            "asked": asked,
        });
        if state.ttl {
            body["autoDestroyAt"] = json!("2026-01-01T00:15:00.000Z");
        }
        let mut ends = None;
        match fault {
            Some(Fault::ErrorRow(reason)) => ends = Some(("error", *reason)),
            Some(Fault::Ends(end, reason)) => ends = Some((*end, *reason)),
            Some(Fault::NoLease) => {
                body["autoStopInterval"] = Value::Null;
                body["autoDeleteInterval"] = Value::Null;
            }
            Some(Fault::Foreign) => body["labels"] = json!({}),
            _ => {}
        }
        let delay = if matches!(fault, Some(Fault::ErrorRow(_))) {
            Duration::ZERO
        } else {
            state.delay
        };
        let row = Row {
            id,
            body,
            starts: Instant::now() + delay,
            ends,
            deleted: false,
            renewals: 0,
            ttl: Vec::new(),
        };
        let mut shown = row.shown();
        state.rows.push(row);
        match fault {
            Some(Fault::ErrorRow(reason)) => {
                return error(400, &format!("Sandbox failed to start: {reason}"));
            }
            Some(Fault::NoEcho) => {
                shown["autoStopInterval"] = Value::Null;
                shown["autoDeleteInterval"] = Value::Null;
            }
            _ => {}
        }
        reply(200, &shown)
    }

    fn find<T>(&self, key: &str, act: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let mut state = self.state();
        state
            .rows
            .iter_mut()
            .find(|row| !row.deleted && (row.id == key || row.name() == key))
            .map(act)
    }

    fn get(&self, key: &str) -> Answer {
        let cached = self
            .state()
            .misses
            .get(key)
            .is_some_and(|at| at.elapsed() < Duration::from_secs(10));
        if cached {
            return error(404, "not found");
        }
        let found = self.find(key, |row| row.shown());
        if found.is_none() && self.state().caches_misses {
            self.state().misses.insert(key.to_owned(), Instant::now());
        }
        found.map_or_else(|| error(404, "not found"), |shown| reply(200, &shown))
    }

    fn touch(&self, key: &str, act: impl FnOnce(&mut Row)) -> Answer {
        let shown = self.find(key, |row| {
            act(row);
            row.shown()
        });
        shown.map_or_else(|| error(404, "not found"), |shown| reply(200, &shown))
    }

    fn peek_delete(&self, key: &str) -> Answer {
        self.get(key)
    }

    fn commit_delete(&self, key: &str) {
        self.find(key, |row| row.deleted = true);
    }

    fn folder(&self, query: &str) -> Answer {
        let refused = self
            .state()
            .refused
            .iter()
            .any(|dir| query.starts_with(dir));
        if refused {
            error(403, "permission denied")
        } else {
            reply(201, &json!({}))
        }
    }
}
