//! A small HTTP client and servers to use it on.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test helpers fail by panicking"
)]

use std::time::Duration;

use bytes::Bytes;
use daytona_local::{CannedExec, Isolation, Server, ServerBuilder};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

/// A server without processes on a clock that stands still.
pub(crate) async fn server() -> Server {
    server_with(|builder| builder).await
}

pub(crate) async fn server_with(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Server {
    let builder = Server::builder()
        .isolation(Isolation::None)
        .canned_exec(CannedExec::new(0, "canned"))
        .manual_clock();
    change(builder).start().await.unwrap()
}

/// A server whose sandboxes run processes, not isolated.
pub(crate) async fn server_with_processes(
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Server {
    let builder = Server::builder().isolation(Isolation::None);
    change(builder).start().await.unwrap()
}

pub(crate) fn port(server: &Server) -> u16 {
    let url = server.api_url();
    let port = url.strip_prefix("http://127.0.0.1:").unwrap();
    port.strip_suffix("/api").unwrap().parse().unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,

    headers: http::HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

/// Sends a request as it is on a connection of its own.
pub(crate) async fn send_raw(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: http::Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    };
    // the connection must be driven while the exchange goes on; the exchange says how it went
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = exchange => answer,
        () = driven => unreachable!("never ends"),
    }
}

pub(crate) fn request(
    server: &Server,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", format!("127.0.0.1:{}", port(server)))
        .header("authorization", format!("Bearer {}", server.token()));
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) async fn connect(server: &Server) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(("127.0.0.1", port(server)))
        .await
        .unwrap()
}

pub(crate) async fn try_send(
    server: &Server,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Result<Answer, hyper::Error> {
    let request = request(server, method, path, body.as_ref());
    send_raw(connect(server).await, request).await
}

pub(crate) async fn send(server: &Server, method: &str, path: &str, body: Option<Value>) -> Answer {
    try_send(server, method, path, body).await.unwrap()
}

pub(crate) async fn get(server: &Server, path: &str) -> Answer {
    send(server, "GET", path, None).await
}

/// Creates a sandbox and expects it to be accepted.
pub(crate) async fn create(server: &Server, body: Value) -> Value {
    let answer = send(server, "POST", "/api/sandbox", Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Creates one with a name; its id.
pub(crate) async fn named(server: &Server, name: &str) -> String {
    let sandbox = create(server, json!({ "name": name })).await;
    sandbox["id"].as_str().unwrap().to_owned()
}

/// The state of a sandbox as `GET` shows it; `404` if it does not.
pub(crate) async fn state(server: &Server, id: &str) -> String {
    let answer = get(server, &format!("/api/sandbox/{id}")).await;
    match answer.status {
        200 => answer.json()["state"].as_str().unwrap().to_owned(),
        other => other.to_string(),
    }
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// A `GET` with these headers and no others.
pub(crate) async fn with_headers(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = http::Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::new())).unwrap();
    send_raw(connect(server).await, request).await.unwrap()
}
