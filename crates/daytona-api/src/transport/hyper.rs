use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{Handle, Id};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::connect::{Dial, Dialer};
use super::upgrade::upgrade;
use super::{Body, ByteStream, Connector, Phase, Transport, TransportError, Wait};

/// How many runtimes are given a pool of their own before the oldest pool is let go.
const MAX_POOLS: usize = 64;

/// The default transport: HTTP/1.1 over TCP, and over TLS (rustls with ring and Mozilla's roots) for `https`.
///
/// Each tokio runtime that uses it gets a pool of its own, since a connection dies with the runtime that drives
/// it. At most 64 connections are open to one origin by default; a call beyond waits. An idle connection is
/// closed after 4 seconds by default, before servers do. TLS is set up by the first `https` request.
///
/// The pool sends a request again only where a reused connection turns out to be closed before the request was
/// taken up for writing: hyper hands back just those (a request it has begun to write is dropped with its
/// connection). So a written body is never sent again.
///
/// A connection that switches its protocol is one of its own, outside of the pool and of its limit.
pub struct HyperTransport {
    dial: Dial,
    pool_idle: Duration,
    max_connections: usize,
    pools: Mutex<Vec<(Id, Pool)>>,
    /// By origin, of which there are few.
    origins: Mutex<Vec<(bool, Authority, Arc<Semaphore>)>>,
}

type Pool = Client<Dial, Tracked>;

/// Options of a [`HyperTransport`].
#[derive(Debug)]
#[must_use]
pub struct HyperTransportBuilder {
    connect_timeout: Duration,
    pool_idle: Duration,
    max_connections: usize,
    connector: Option<Arc<dyn Connector>>,
}

impl HyperTransportBuilder {
    /// How long connecting may take (default 5 seconds); TLS has as long again.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an unused connection is kept (default 4 seconds).
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle = timeout;
        self
    }

    /// How many connections may be open to one origin (default 64, at least 1).
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Makes the connections in place of TCP and TLS.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// The transport. No I/O happens yet.
    #[must_use]
    pub fn build(self) -> HyperTransport {
        let mut dial = Dial::net(self.connect_timeout);
        if let Some(connector) = self.connector {
            dial.dialer = Dialer::Custom(connector);
        }
        HyperTransport {
            dial,
            pool_idle: self.pool_idle,
            max_connections: self.max_connections,
            pools: Mutex::default(),
            origins: Mutex::default(),
        }
    }
}

impl HyperTransport {
    /// A transport with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Options, at their defaults.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder {
            connect_timeout: Duration::from_secs(5),
            pool_idle: Duration::from_secs(4),
            max_connections: 64,
            connector: None,
        }
    }

    fn pool(&self, runtime: Id) -> Pool {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.iter().find(|(id, _)| *id == runtime) {
            return pool.clone();
        }
        if pools.len() >= MAX_POOLS {
            pools.remove(0);
        }
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(self.pool_idle)
            .http1_max_buf_size(64 * 1024)
            .build(self.dial.clone());
        pools.push((runtime, Pool::clone(&pool)));
        pool
    }

    fn permits(&self, request: &http::Request<Body>) -> Result<Arc<Semaphore>, TransportError> {
        let uri = request.uri();
        let authority = uri
            .authority()
            .ok_or_else(|| TransportError::new(Phase::Connect))?;
        let secure = uri.scheme_str() == Some("https");
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let known = origins
            .iter()
            .find(|(tls, known, _)| *tls == secure && known == authority);
        if let Some((.., semaphore)) = known {
            return Ok(Arc::clone(semaphore));
        }
        let semaphore = Arc::new(Semaphore::new(self.max_connections));
        origins.push((secure, authority.clone(), Arc::clone(&semaphore)));
        Ok(semaphore)
    }
}

impl Default for HyperTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("pool_idle", &self.pool_idle)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Transport for HyperTransport {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let now = Instant::now();
        let wait = request.extensions().get::<Wait>().copied().unwrap_or(Wait {
            head: Duration::from_secs(10),
            deadline: now + Duration::from_secs(60),
        });
        let permits = self.permits(&request)?;
        let Ok(permit) = timeout_at(wait.deadline, permits.acquire_owned()).await else {
            return Err(TransportError::timeout(Phase::Connect));
        };
        let permit =
            permit.map_err(|closed| TransportError::new(Phase::Connect).with_source(closed))?;
        let pool = self.pool(Handle::current().id());

        let taken = Arc::new(Mutex::new(Instant::now()));
        let mut request = request.map(|body| Tracked {
            body,
            taken: Arc::clone(&taken),
        });
        let connection = capture_connection(&mut request);
        let mut exchange = std::pin::pin!(pool.request(request));
        let mut until = (Instant::now() + wait.head).min(wait.deadline);
        let answer = loop {
            if let Ok(answer) = timeout_at(until, exchange.as_mut()).await {
                break answer;
            }
            // a long upload is not slow as long as it moves
            let moved = *taken.lock().unwrap_or_else(PoisonError::into_inner);
            let next = (moved + wait.head).min(wait.deadline);
            if next <= until {
                let sent = connection.connection_metadata().is_some();
                let phase = if sent {
                    Phase::Exchange
                } else {
                    Phase::Connect
                };
                return Err(TransportError::timeout(phase));
            }
            until = next;
        };
        match answer {
            Ok(answer) => Ok(answer.map(|body| {
                Body::wrap(Held {
                    body,
                    permit: Some(permit),
                })
            })),
            Err(error) => {
                let sent = !error.is_connect() && connection.connection_metadata().is_some();
                let failed = if sent {
                    TransportError::new(Phase::Exchange)
                } else if timed_out(&error) {
                    TransportError::timeout(Phase::Connect)
                } else {
                    TransportError::new(Phase::Connect)
                };
                Err(failed.with_source(error))
            }
        }
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        upgrade(self.dial.clone(), request).await
    }
}

fn timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Notes when a piece of the request was last taken.
struct Tracked {
    body: Body,
    taken: Arc<Mutex<Instant>>,
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
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

/// An answer's body; the connection counts as used until its end.
struct Held {
    body: Incoming,
    permit: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.permit = None;
        }
        polled.map_err(|error| TransportError::new(Phase::Body).with_source(error))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
