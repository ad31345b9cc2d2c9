//! Streamable HTTP, for clients of this machine that hold the token.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use sandbox_core::{Error, ErrorKind, Secret};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::handler::Handler;
use super::server::{MAX_MESSAGE, McpServer};

/// Where the protocol is spoken.
const PATH: &str = "/mcp";
/// The fewest bytes of a token.
const MIN_TOKEN: usize = 16;
/// Connections at once; a client has a few.
const CONNECTIONS: usize = 1024;
/// A client that does not finish its headers in this time is cut off.
const HEADERS: Duration = Duration::from_secs(30);
/// After a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(10);

type Service = StreamableHttpService<Handler, LocalSessionManager>;
type Answer = Response<BoxBody<Bytes, Infallible>>;

impl McpServer {
    /// Serves clients over streamable HTTP at `/mcp` until the server [closes](McpServer::close).
    ///
    /// A request needs the token (`Authorization: Bearer ..`), a `Host` that is this machine's loopback and the port,
    /// and no `Origin`: web pages are refused, and so is a name that was rebound to this address. Sessions are those of
    /// the protocol's revisions up to 2025-11-25; the revision after it has none.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a listener that others than this machine can reach, and for a
    /// token of less than 16 bytes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops taking clients; those that are there stay until [`close`](McpServer::close).
    pub async fn serve_http(&self, listener: TcpListener, token: Secret) -> Result<(), Error> {
        let refused = |message: &'static str| Err(Error::new(ErrorKind::InvalidInput, message));
        let address = listener
            .local_addr()
            .map_err(|error| Error::io("learn the address of the listener", error))?;
        if !address.ip().is_loopback() {
            return refused("the listener is not on the loopback of this machine");
        }
        if token.expose().trim().len() < MIN_TOKEN {
            return refused("the token has less than 16 bytes");
        }
        let shared = Arc::new(Shared {
            service: self.service(address),
            token,
        });
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&connections).acquire_owned().await else {
                return Ok(());
            };
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be taken");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
                () = self.0.stop.cancelled() => return Ok(()),
            };
            let (shared, stop) = (Arc::clone(&shared), self.0.stop.clone());
            self.0.tasks.spawn(async move {
                tokio::select! {
                    () = connection(shared, stream) => {}
                    () = stop.cancelled() => {}
                }
                drop(place);
            });
        }
    }

    fn service(&self, address: SocketAddr) -> Service {
        let port = address.port();
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts([
                format!("127.0.0.1:{port}"),
                format!("localhost:{port}"),
                format!("[::1]:{port}"),
            ])
            .enforce_origin_validation()
            .with_max_request_body_bytes(MAX_MESSAGE)
            .with_cancellation_token(self.0.stop.child_token());
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(self.0.idle);
        let server = Arc::clone(&self.0);
        let versions = ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25);
        let make = move || {
            let place = server
                .place()
                .ok_or_else(|| io::Error::other("there are too many sessions"))?;
            Ok(Handler::new(Arc::clone(&server), versions, place))
        };
        StreamableHttpService::new(make, Arc::new(sessions), config)
    }
}

struct Shared {
    service: Service,
    token: Secret,
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke");
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if !self.holds_token(request.headers()) {
            let mut answer = plain(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
            let challenge = http::HeaderValue::from_static("Bearer");
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            return answer;
        }
        if request.uri().path() != PATH {
            return plain(StatusCode::NOT_FOUND, "the protocol is spoken at /mcp");
        }
        self.service.handle(request).await
    }

    fn holds_token(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let token = given.next().and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let right = |token: &str| {
            bool::from(
                token
                    .as_bytes()
                    .ct_eq(self.token.expose().trim().as_bytes()),
            )
        };
        given.next().is_none() && token.is_some_and(right)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *answer.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
