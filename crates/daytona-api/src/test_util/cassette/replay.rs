use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::Value;

use super::request::Request;
use super::secrets::Secrets;
use super::{Asked, Cassette, CassetteError, Content, Exchange, Failure, Stage, Told};
use crate::transport::{Body, ByteStream, Phase, Transport, TransportError};

/// Answers from a [`Cassette`], without a server. Cloning shares it.
///
/// The requests of each operation must come in the order in which they were recorded, and be the same: method, path,
/// query, range and body, each without secrets; JSON by what it says, not how it is written. How operations mix does not
/// matter, and neither do the server's address and the credential. A request that is another one, or one too many, fails
/// as if no connection could be made, with a [`CassetteError`] as its cause that names the difference; nothing is taken
/// from the cassette then. [`missed`](Self::missed) tells all of them, [`unused`](Self::unused) what was not asked for.
///
/// A body that was not read to its end when it was recorded breaks off where it was left.
///
/// Examples: [`Recording`](super::Recording).
#[derive(Clone)]
#[must_use]
pub struct Replaying {
    ignored: Arc<BTreeSet<String>>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// By operation, in their order; how many were answered.
    left: BTreeMap<String, (Vec<Exchange>, usize)>,
    secrets: Secrets,
    missed: Vec<String>,
}

impl Replaying {
    /// With all that is in `cassette`.
    pub fn new(cassette: &Cassette) -> Self {
        let mut left: BTreeMap<String, (Vec<Exchange>, usize)> = BTreeMap::new();
        for exchange in &cassette.exchanges {
            let (all, _) = left.entry(exchange.operation.clone()).or_default();
            all.push(exchange.clone());
        }
        Self {
            ignored: Arc::default(),
            state: Arc::new(Mutex::new(State {
                left,
                secrets: Secrets::default(),
                missed: Vec::new(),
            })),
        }
    }

    /// Members of JSON bodies, at any depth, that need not be the same: names and times that are drawn anew each time.
    pub fn ignoring<'a>(mut self, members: impl IntoIterator<Item = &'a str>) -> Self {
        let members = members.into_iter().map(str::to_owned);
        Arc::make_mut(&mut self.ignored).extend(members);
        self
    }

    /// This, as [`Builder::transport`](crate::Builder::transport) takes it.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// What was asked for and is not in the cassette, as the errors said it.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        self.lock().missed.clone()
    }

    /// The operations that are in the cassette and were not asked for, each as often as it is left.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let state = self.lock();
        let left = state.left.iter().flat_map(|(operation, (all, used))| {
            std::iter::repeat_n(operation.clone(), all.len() - used)
        });
        left.collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, request: &Request) -> Result<Exchange, CassetteError> {
        let mut state = self.lock();
        request.learn(&mut state.secrets);
        let asked = request.asked(&state.secrets);
        let found = state.take(&request.operation, &asked, &self.ignored);
        if let Err(error) = &found {
            state.missed.push(error.to_string());
        }
        found
    }
}

impl State {
    fn take(
        &mut self,
        operation: &str,
        asked: &Asked,
        ignored: &BTreeSet<String>,
    ) -> Result<Exchange, CassetteError> {
        let missing = |has: String| CassetteError::Missing {
            operation: operation.to_owned(),
            has,
        };
        let known: Vec<&str> = self.left.keys().map(String::as_str).collect();
        let known = match known.is_empty() {
            true => "nothing".to_owned(),
            false => format!("only {}", known.join(", ")),
        };
        let (all, used) = self.left.get_mut(operation).ok_or_else(|| missing(known))?;
        let next = all
            .get(*used)
            .ok_or_else(|| missing(format!("{} of it, which are answered", all.len())))?;
        if let Some(difference) = difference(&next.request, asked, ignored) {
            return Err(CassetteError::Differs {
                operation: operation.to_owned(),
                number: *used + 1,
                difference,
            });
        }
        *used += 1;
        Ok(next.clone())
    }
}

/// In what the request that was asked differs from the one on record.
fn difference(recorded: &Asked, asked: &Asked, ignored: &BTreeSet<String>) -> Option<String> {
    let said = |what: &str, recorded: &str, asked: &str| {
        (recorded != asked).then(|| format!("{what} is {asked}, on record it is {recorded}"))
    };
    let range = |asked: &Asked| {
        asked
            .headers
            .get("range")
            .cloned()
            .unwrap_or("none".to_owned())
    };
    let (path, query) = place(&recorded.url);
    let (asked_path, asked_query) = place(&asked.url);
    said("the method", &recorded.method, &asked.method)
        .or_else(|| said("the path", path, asked_path))
        .or_else(|| said("the query", query, asked_query))
        .or_else(|| said("the range", &range(recorded), &range(asked)))
        .or_else(|| match (&recorded.body, &asked.body) {
            (Some(Content::Json(recorded)), Some(Content::Json(asked))) => {
                json(recorded, asked, "", ignored)
            }
            (recorded, asked) if recorded == asked => None,
            (recorded, asked) => {
                let size = |body: &Option<Content>| match body {
                    None => "empty".to_owned(),
                    Some(Content::Json(_)) => "JSON".to_owned(),
                    Some(Content::Text(text)) => format!("a text of {} bytes", text.len()),
                    Some(Content::Base64(text)) => format!("{} bytes of base64", text.len()),
                };
                let sizes = (size(recorded), size(asked));
                Some(format!(
                    "the body is {}, on record it is another: {}",
                    sizes.1, sizes.0
                ))
            }
        })
}

/// Path and query, without the server.
fn place(url: &str) -> (&str, &str) {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = behind
        .find('/')
        .and_then(|at| behind.get(at..))
        .unwrap_or("/");
    path.split_once('?').unwrap_or((path, "none"))
}

fn json(recorded: &Value, asked: &Value, at: &str, ignored: &BTreeSet<String>) -> Option<String> {
    match (recorded, asked) {
        (Value::Object(recorded), Value::Object(asked)) => {
            let names: BTreeSet<&String> = recorded.keys().chain(asked.keys()).collect();
            let names = names.into_iter().filter(|name| !ignored.contains(*name));
            let mut names = names.map(|name| {
                let (recorded, asked) = (recorded.get(name), asked.get(name));
                let at = format!("{at}/{name}");
                match (recorded, asked) {
                    (Some(recorded), Some(asked)) => json(recorded, asked, &at, ignored),
                    (Some(_), None) => Some(format!("the body has no {at}, which is on record")),
                    (None, _) => Some(format!("the body has {at}, which is not on record")),
                }
            });
            names.find_map(|found| found)
        }
        (Value::Array(recorded), Value::Array(asked)) if recorded.len() == asked.len() => {
            let mut both = recorded.iter().zip(asked).enumerate();
            both.find_map(|(index, (recorded, asked))| {
                json(recorded, asked, &format!("{at}/{index}"), ignored)
            })
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        (recorded, asked) if recorded == asked => None,
        _ => Some(format!(
            "{} of the body is {}, on record it is {}",
            if at.is_empty() { "all" } else { at },
            short(asked),
            short(recorded)
        )),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn answer(told: &Told) -> Result<http::Response<Body>, CassetteError> {
    let bytes = told
        .body
        .as_ref()
        .map(Content::bytes)
        .transpose()?
        .unwrap_or_default();
    let body = match told.cut {
        None => Body::from(bytes),
        Some(_) => Body::wrap(StreamBody::new(stream::iter([
            Ok(Frame::data(bytes)),
            Err(TransportError::new(Phase::Body)),
        ]))),
    };
    let mut answer = http::Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(told.status).unwrap_or_default();
    for (name, value) in &told.headers {
        let name: HeaderName = name
            .parse()
            .map_err(|_| CassetteError::unlike(format!("{name} is no header")))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| CassetteError::unlike(format!("the value of {name} is none")))?;
        answer.headers_mut().insert(name, value);
    }
    Ok(answer)
}

impl From<&Failure> for TransportError {
    fn from(failure: &Failure) -> Self {
        let phase = match failure.phase {
            Stage::Connect => Phase::Connect,
            Stage::Exchange => Phase::Exchange,
            Stage::Body => Phase::Body,
        };
        let error = if failure.timeout {
            Self::timeout(phase)
        } else {
            Self::new(phase)
        };
        error.with_sent(failure.sent)
    }
}

#[async_trait::async_trait]
impl Transport for Replaying {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let (request, _) = Request::read(request, usize::MAX).await?;
        let exchange = self.take(&request).map_err(CassetteError::unsent)?;
        match (&exchange.response, &exchange.failure) {
            (Some(told), _) => answer(told).map_err(CassetteError::unsent),
            (None, Some(failure)) => Err(failure.into()),
            (None, None) => pending().await,
        }
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        let (request, _) = Request::read(request, usize::MAX).await?;
        let operation = request.operation;
        Err(CassetteError::WebSocket { operation }.unsent())
    }

    fn wants_about(&self) -> bool {
        true
    }
}

impl fmt::Debug for Replaying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaying")
            .field("unused", &self.unused())
            .finish_non_exhaustive()
    }
}
