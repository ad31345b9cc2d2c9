//! A plain client and servers to try.

use std::time::Duration;

use bytes::Bytes;
use daytona_local::{Isolation, Server, ServerBuilder};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

/// Speaks to one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) authority: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        Self::new(&server.api_url(), server.token())
    }

    pub(crate) fn new(api_url: &str, token: &str) -> Self {
        let authority = api_url
            .strip_prefix("http://")
            .unwrap()
            .strip_suffix("/api")
            .unwrap();
        Self {
            authority: authority.to_owned(),
            token: token.to_owned(),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header("host", &self.authority)
            .header("authorization", format!("Bearer {}", self.token))
    }

    pub(crate) async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(|e| e.to_string())?;
        send_over(stream, request).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(self.json(method, path, &body)).await
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Request<Full<Bytes>> {
        let bytes = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = self
            .request(method, path)
            .header("content-type", "application/json");
        request.body(Full::new(Bytes::from(bytes))).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.call("POST", path, Value::Null).await
    }

    /// Creates a sandbox and gives its id.
    pub(crate) async fn create(&self, body: Value) -> String {
        let answer = self.call("POST", "/api/sandbox", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The state, or the status if there is none.
    pub(crate) async fn state(&self, id: &str) -> String {
        let answer = self.get(&format!("/api/sandbox/{id}")).await;
        match answer.status {
            200 => answer.json()["state"].as_str().unwrap().to_owned(),
            status => status.to_string(),
        }
    }

    pub(crate) async fn execute(&self, id: &str, body: Value) -> Answer {
        self.call("POST", &format!("/toolbox/{id}/process/execute"), body)
            .await
    }

    /// Runs a command that must answer; exit code and output.
    pub(crate) async fn run(&self, id: &str, command: &str) -> (i64, String) {
        let answer = self.execute(id, json!({ "command": command })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let reply = answer.json();
        (
            reply["exitCode"].as_i64().unwrap(),
            reply["result"].as_str().unwrap().to_owned(),
        )
    }
}

pub(crate) async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::runtime::Handle::current().spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    let status = StatusCode::as_u16(&parts.status);
    Ok(Answer {
        status,
        headers: parts.headers,
        body,
    })
}

pub(crate) fn plain() -> ServerBuilder {
    Server::builder().isolation(Isolation::None)
}

pub(crate) fn isolated() -> ServerBuilder {
    Server::builder().isolation(Isolation::Required)
}

/// A server without isolation, and a client of it.
pub(crate) async fn start(builder: ServerBuilder) -> (Server, Client) {
    let server = builder.start().await.unwrap();
    let client = Client::of(&server);
    (server, client)
}

/// Waits until it is so; what it waits for has no other sign.
pub(crate) async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let wait = async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .is_ok(),
        "never: {what}"
    );
}

/// Waits until a sandbox is in this state.
pub(crate) async fn until_state(client: &Client, id: &str, state: &str) {
    let wait = async {
        while client.state(id).await != state {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .is_ok(),
        "never {state}"
    );
}

/// The processes that carry this in their environment.
pub(crate) fn marked(marker: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| {
        bytes
            .windows(marker.len())
            .any(|part| part == marker.as_bytes())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| std::fs::read(entry.path().join("environ")).is_ok_and(|e| holds(&e)))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
