//! What listens in a sandbox, reached through the server.

mod browsers;
mod entry;
mod flow;
mod signed;

use bytes::Bytes;
use daytona_api::api::Toolbox;
use daytona_api::models::PortPreviewUrl;
use daytona_local::Server;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::live::{Lab, soon};
use crate::support::{Answer, send_over};

/// The header by which a preview is opened.
const TOKEN: &str = "x-daytona-preview-token";

const PROGRAM: &str = include_str!("previews/program.py");

/// Starts the program in a sandbox and gives its port.
async fn serve(toolbox: &Toolbox) -> u16 {
    let start = toolbox
        .process()
        .execute("python3 -c \"$PROGRAM\" 127.0.0.1")
        .env("PROGRAM", PROGRAM);
    let done = soon(start.send()).await.unwrap();
    assert_eq!(done.exit_code, Some(0), "{}", done.result);
    done.result.trim().parse().unwrap()
}

/// Starts the program in a sandbox: its port, and where that is reached.
async fn served(lab: &Lab) -> (u16, PortPreviewUrl) {
    let port = serve(&lab.toolbox).await;
    let preview = lab.api.sandboxes().preview_url(&lab.id, port).await;
    (port, preview.unwrap())
}

/// `127.0.0.1:PORT` of a server.
fn authority(server: &Server) -> String {
    let url = server.api_url();
    let url = url.strip_prefix("http://").unwrap();
    url.strip_suffix("/api").unwrap().to_owned()
}

/// Asks for an address as any HTTP client does, with these headers.
async fn get(server: &Server, url: &str, headers: &[(&str, &str)]) -> Answer {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut request = Request::builder()
        .uri(format!("/{path}"))
        .header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(server, request.body(Full::new(Bytes::new())).unwrap()).await
}

async fn send(server: &Server, request: Request<Full<Bytes>>) -> Answer {
    let stream = TcpStream::connect(authority(server)).await.unwrap();
    soon(send_over(stream, request)).await.unwrap()
}

/// What the program saw.
fn seen(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The message of a refusal.
fn message(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(body["source"], "DAYTONA_PROXY");
    body["message"].as_str().unwrap().to_owned()
}

/// Everything that the server may show of itself.
fn shown(lab: &Lab) -> String {
    let server = &lab.server;
    format!(
        "{server:?} {:?} {:?}",
        server.requests(),
        server.sandboxes()
    )
}
