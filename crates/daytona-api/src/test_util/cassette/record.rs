use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use zeroize::Zeroizing;

use super::request::{Request, content, kept};
use super::secrets::Secrets;
use super::{Cassette, CassetteError, Cut, Exchange, Failure, Stage, Told, VERSION};
use crate::transport::{Body, ByteStream, Phase, Transport, TransportError};

/// How many bytes of one body are kept by default.
const LIMIT: usize = 16 << 20;
/// Headers of answers that are kept, besides those about limits.
const TOLD: &[&str] = &[
    "accept-ranges",
    "content-disposition",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
];

/// Puts the exchanges that go through to another transport on a [`Cassette`].
///
/// Bodies of requests are read into memory first; answers pass as they come and are kept as far as they were read. A body
/// beyond [`limit`](Self::limit) ends with [`CassetteError::TooLarge`], and a WebSocket is not even asked for
/// ([`CassetteError::WebSocket`]): nothing is recorded by half without a word. Without the event socket a client looks
/// from time to time instead. Failures are recorded as what they were.
///
/// # Secrets
///
/// What was a secret is `[redacted]` in the cassette wherever it stands, also within URLs and JSON, and zeros in base64:
///
/// * the credential, and every text that the client hides from its errors
///   ([`Daytona::hiding`](crate::Daytona::hiding), values of environment variables, passwords);
/// * members of JSON, and parameters of a query, whose names say it: tokens, passwords, keys, secrets, signatures,
///   environments, headers of collectors, input to programs;
/// * what [`hiding`](Self::hiding) names.
///
/// Of headers only a few are kept, and never a credential. It cannot know a secret that a program in a sandbox invents
/// and prints, or that it writes in some other encoding: name those with `hiding`, and read a cassette before it is
/// shared.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use daytona_api::test_util::{Cassette, Recording, Replaying, Scripted};
/// use daytona_api::{Config, Daytona};
///
/// # let server = Scripted::new().json(200, r#"{"id":"sb-1","state":"started"}"#).share();
/// // `server` is any transport, such as Arc::new(HyperTransport::new())
/// let recording = Recording::new(server);
/// let api = Daytona::builder(Config::new("key-1234")).transport(recording.share()).build()?;
/// api.sandboxes().get("sb-1").await?;
/// let text = recording.cassette().to_json();
/// assert!(!text.contains("key-1234"));
///
/// // without a server
/// let replaying = Replaying::new(&Cassette::from_json(&text)?);
/// let api = Daytona::builder(Config::new("any")).transport(replaying.share()).build()?;
/// assert_eq!(api.sandboxes().get("sb-1").await?.id, "sb-1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Recording {
    inner: Arc<dyn Transport>,
    limit: usize,
    tape: Tape,
}

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    hidden: Vec<Zeroizing<String>>,
    seen: Vec<(Request, Outcome)>,
}

enum Outcome {
    /// None yet.
    Open,
    Failed(Failure),
    Answered {
        status: u16,
        headers: HeaderMap,
        body: Vec<u8>,
        cut: Option<Cut>,
    },
}

impl Recording {
    /// In front of `inner`.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            limit: LIMIT,
            tape: Tape::default(),
        }
    }

    /// How many bytes of one body are kept at most (default 16 MiB).
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Texts of at least 4 bytes that must not be in the cassette either.
    pub fn hiding<'a>(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter();
        let secrets = secrets.map(|text| Zeroizing::new(text.to_owned()));
        self.tape.lock().hidden.extend(secrets);
        self
    }

    /// This, as [`Builder::transport`](crate::Builder::transport) takes it.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// What there is so far, without secrets. A request that has no answer yet is in it as one that is never answered.
    #[must_use]
    pub fn cassette(&self) -> Cassette {
        let state = self.tape.lock();
        let mut secrets = Secrets::default();
        for text in &state.hidden {
            secrets.add(text);
        }
        for (request, outcome) in &state.seen {
            request.learn(&mut secrets);
            if let Outcome::Answered { body, .. } = outcome
                && let Ok(value) = serde_json::from_slice(body)
            {
                secrets.learn(&value, &request.operation);
            }
        }
        let exchanges = state.seen.iter();
        let exchanges = exchanges.map(|(request, outcome)| {
            let (mut response, mut failure) = (None, None);
            match outcome {
                Outcome::Open => {}
                Outcome::Failed(failed) => failure = Some(failed.clone()),
                Outcome::Answered {
                    status,
                    headers,
                    body,
                    cut,
                } => {
                    let keep = |name: &str| {
                        TOLD.contains(&name)
                            || name.starts_with("x-ratelimit")
                            || name.starts_with("retry-after-")
                    };
                    response = Some(Told {
                        status: *status,
                        headers: kept(headers, keep, &secrets),
                        body: content(body, &secrets, &request.operation),
                        cut: *cut,
                    });
                }
            }
            Exchange {
                operation: request.operation.clone(),
                request: request.asked(&secrets),
                response,
                failure,
            }
        });
        Cassette {
            cassette: VERSION,
            exchanges: exchanges.collect(),
        }
    }
}

impl Tape {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, at: usize, outcome: Outcome) {
        if let Some((_, kept)) = self.lock().seen.get_mut(at) {
            *kept = outcome;
        }
    }
}

#[async_trait::async_trait]
impl Transport for Recording {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let (read, request) = Request::read(request, self.limit).await?;
        let operation = read.operation.clone();
        let at = {
            let mut state = self.tape.lock();
            state.seen.push((read, Outcome::Open));
            state.seen.len() - 1
        };
        match self.inner.send(request).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                self.tape.set(
                    at,
                    Outcome::Answered {
                        status: head.status.as_u16(),
                        headers: head.headers.clone(),
                        body: Vec::new(),
                        cut: (!body.is_end_stream()).then_some(Cut::Unread),
                    },
                );
                let body = Body::wrap(Tee {
                    body,
                    tape: self.tape.clone(),
                    at,
                    limit: self.limit,
                    operation,
                });
                Ok(http::Response::from_parts(head, body))
            }
            Err(error) => {
                let phase = match error.phase() {
                    Phase::Connect => Stage::Connect,
                    Phase::Exchange => Stage::Exchange,
                    Phase::Body => Stage::Body,
                };
                let failure = Failure {
                    phase,
                    sent: error.may_have_been_sent(),
                    timeout: error.is_timeout(),
                };
                self.tape.set(at, Outcome::Failed(failure));
                Err(error)
            }
        }
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        let (read, _) = Request::read(request, self.limit).await?;
        let operation = read.operation;
        Err(CassetteError::WebSocket { operation }.unsent())
    }

    fn wants_about(&self) -> bool {
        true
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("exchanges", &self.tape.lock().seen.len())
            .finish_non_exhaustive()
    }
}

/// Keeps what passes.
struct Tee {
    body: Body,
    tape: Tape,
    at: usize,
    limit: usize,
    operation: String,
}

impl Tee {
    /// Whether there was room for it.
    fn keep(&self, data: &[u8]) -> bool {
        let mut state = self.tape.lock();
        let Some((_, Outcome::Answered { body, .. })) = state.seen.get_mut(self.at) else {
            return true;
        };
        let room = body.len() + data.len() <= self.limit;
        if room {
            body.extend_from_slice(data);
        }
        room
    }

    fn end(&self, how: Option<Cut>) {
        let mut state = self.tape.lock();
        if let Some((_, Outcome::Answered { cut, .. })) = state.seen.get_mut(self.at) {
            *cut = how;
        }
    }
}

impl http_body::Body for Tee {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if frame.data_ref().is_some_and(|data| !self.keep(data)) {
                    let refused = CassetteError::TooLarge {
                        operation: self.operation.clone(),
                        limit: self.limit,
                    };
                    let error = TransportError::new(Phase::Body).with_source(refused);
                    self.end(Some(Cut::Broken));
                    return Poll::Ready(Some(Err(error)));
                }
                if self.body.is_end_stream() {
                    self.end(None);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(Some(Cut::Broken)),
            Poll::Ready(None) => self.end(None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
