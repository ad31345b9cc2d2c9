//! Transports for tests: answers from a script, requests on record, whole exchanges on record and without a server.

mod cassette;

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;

pub use self::cassette::{Cassette, CassetteError, Recording, Replaying};
use crate::transport::{Body, ByteStream, Phase, Transport, TransportError};

/// Answers from a script, one for each request, and keeps the requests. Cloning shares both.
///
/// A request beyond the end of the script fails as if no connection could be made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), daytona_api::Error> {
/// use daytona_api::test_util::Scripted;
/// use daytona_api::{Config, Daytona};
///
/// let server = Scripted::new().json(200, r#"{"id":"sb-1"}"#);
/// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
/// api.sandboxes().get("sb-1").await?;
///
/// let seen = server.requests();
/// assert_eq!((seen[0].method(), seen[0].path()), ("GET", "/api/sandbox/sb-1"));
/// assert_eq!(seen[0].header("authorization"), Some("[redacted]"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Scripted {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    seen: Vec<Captured>,
}

/// One step of a script.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// An answer.
    Answer(http::Response<Bytes>),
    /// No answer.
    Fail(TransportError),
    /// Never an answer.
    Hang,
}

impl Scripted {
    /// With an empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step.
    pub fn reply(self, reply: Reply) -> Self {
        self.lock().script.push_back(reply);
        self
    }

    /// Adds an answer with a JSON body.
    pub fn json(self, status: u16, body: impl Into<String>) -> Self {
        self.answer(status, &[("content-type", "application/json")], body.into())
    }

    /// Adds an answer. Headers that are none are left out, and a status that is none is 500.
    pub fn answer(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut answer = http::Response::new(body.into());
        *answer.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::from_str(value))
            {
                answer.headers_mut().append(name, value);
            }
        }
        self.reply(Reply::Answer(answer))
    }

    /// Adds a failure: before anything was sent ([`Phase::Connect`]), or after.
    pub fn fail(self, phase: Phase) -> Self {
        self.reply(Reply::Fail(TransportError::new(phase)))
    }

    /// Adds a request that is never answered.
    pub fn hang(self) -> Self {
        self.reply(Reply::Hang)
    }

    /// This, as [`Builder::transport`](crate::Builder::transport) takes it.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Captured> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Transport for Scripted {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let (captured, _) = capture(request).await?;
        let reply = {
            let mut state = self.lock();
            state.seen.push(captured);
            state.script.pop_front()
        };
        match reply {
            Some(Reply::Answer(answer)) => Ok(answer.map(Body::from)),
            Some(Reply::Fail(error)) => Err(error),
            Some(Reply::Hang) => pending().await,
            None => Err(TransportError::new(Phase::Connect)
                .with_source(std::io::Error::other("the script is at its end"))),
        }
    }

    /// The next step of the script, which never switches the protocol.
    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        Ok((self.send(request).await?, None))
    }
}

/// Keeps the requests that go through to another transport. Their bodies are read into memory first.
///
/// ```
/// use std::sync::Arc;
///
/// use daytona_api::test_util::Capturing;
/// use daytona_api::transport::HyperTransport;
/// use daytona_api::{Config, Daytona};
///
/// let capturing = Capturing::new(Arc::new(HyperTransport::new()));
/// let api = Daytona::builder(Config::new("key")).transport(Arc::new(capturing.clone())).build()?;
/// assert!(capturing.requests().is_empty());
/// # Ok::<(), daytona_api::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Capturing {
    inner: Arc<dyn Transport>,
    seen: Arc<Mutex<Vec<Captured>>>,
}

impl Capturing {
    /// In front of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            seen: Arc::default(),
        }
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Captured> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait::async_trait]
impl Transport for Capturing {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let (captured, request) = capture(request).await?;
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(captured);
        self.inner.send(request).await
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        let (captured, request) = capture(request).await?;
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(captured);
        self.inner.upgrade(request).await
    }

    fn wants_about(&self) -> bool {
        self.inner.wants_about()
    }
}

async fn capture(
    request: http::Request<Body>,
) -> Result<(Captured, http::Request<Body>), TransportError> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        let text = if value.is_sensitive() || name == AUTHORIZATION {
            "[redacted]".to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str().to_owned(), text)
    });
    let captured = Captured {
        method: head.method.as_str().to_owned(),
        origin: format!(
            "{}://{}",
            head.uri.scheme_str().unwrap_or_default(),
            head.uri
                .authority()
                .map(|text| text.as_str())
                .unwrap_or_default()
        ),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(shown),
        headers: headers.collect(),
        body: bytes.clone(),
    };
    Ok((captured, http::Request::from_parts(head, Body::from(bytes))))
}

/// A query without what signs it.
fn shown(query: &str) -> String {
    let secret = [
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
    ];
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if secret.contains(&name) => format!("{name}=[redacted]"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A request on record. The credential is not kept; Debug shows of the body only its size.
#[derive(Clone)]
pub struct Captured {
    method: String,
    origin: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Captured {
    /// `GET`, `POST`..
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path as it was sent.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it was sent, without the question mark; what signs a request to an object storage is `[redacted]`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All headers, names in lower case; the credential is `[redacted]`.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body, with whatever secrets it carries.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the body is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE.as_str()) == Some("application/json")
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}
