#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[cfg(feature = "test-util")]
use daytona_api::test_util::{Captured, Scripted};
use daytona_api::{Config, Daytona, Error, Limits, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) const KEY: &str = "dtn_canary-key-0123456789";

#[cfg(feature = "test-util")]
pub(crate) fn scripted(server: &Scripted) -> Daytona {
    Daytona::builder(Config::new(KEY))
        .transport(server.share())
        .build()
        .unwrap()
}

#[cfg(feature = "test-util")]
/// A request as text, without what changes from release to release.
pub(crate) fn show(request: &Captured) -> String {
    let mut text = format!(
        "{} {}{}",
        request.method(),
        request.origin(),
        request.path()
    );
    if let Some(query) = request.query() {
        text.push('?');
        text.push_str(query);
    }
    for (name, value) in request.headers() {
        if name != "user-agent" {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    let body = String::from_utf8_lossy(request.body());
    if !body.is_empty() {
        text.push_str("\n\n");
        text.push_str(&body);
    }
    let boundary = request
        .header("content-type")
        .and_then(|value| value.split_once("boundary="));
    match boundary {
        Some((_, boundary)) => text.replace(boundary, "BOUNDARY").replace('\r', ""),
        None => text,
    }
}

/// What a server does with a connection's request.
#[derive(Clone)]
pub(crate) enum Do {
    /// Writes this and keeps the connection.
    Write(Vec<u8>),
    /// Writes this and closes.
    WriteClose(Vec<u8>),
    /// Resets the connection after reading the request.
    Reset,
    /// Closes the connection as soon as the request begins to arrive.
    Close,
    /// Says nothing.
    Hang,
}

/// A server on loopback that answers the n-th request with the n-th step, the last one for ever. A request counts as
/// soon as it begins to arrive.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn new(steps: Vec<Do>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("accept");
                all.spawn(serve(stream, steps.clone(), Arc::clone(&count)));
            }
        });
        Self {
            port,
            seen,
            _tasks: tasks,
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    pub(crate) fn client(&self) -> Daytona {
        Daytona::new(quick(Config::new(KEY)).api_url(format!("http://127.0.0.1:{}/api", self.port)))
            .unwrap()
    }

    pub(crate) fn toolbox(&self) -> daytona_api::api::Toolbox {
        let url = format!("http://127.0.0.1:{}/toolbox", self.port);
        self.client().toolbox_at(&url, "sb-1").unwrap()
    }
}

/// Short timeouts, so that a test of a timeout is short too.
pub(crate) fn quick(config: Config) -> Config {
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_millis(500);
    timeouts.head = Duration::from_millis(200);
    timeouts.body_idle = Duration::from_millis(200);
    timeouts.total = Duration::from_secs(5);
    timeouts.create = Duration::from_millis(100);
    timeouts.execute = Duration::from_millis(100);
    let mut limits = Limits::default();
    limits.metadata = 64 << 10;
    limits.output = 64 << 10;
    config.timeouts(timeouts).limits(limits)
}

async fn serve(mut stream: TcpStream, steps: Vec<Do>, count: Arc<AtomicUsize>) {
    while let Ok(first) = stream.read_u8().await {
        let index = count.fetch_add(1, Ordering::SeqCst);
        let step = steps
            .get(index)
            .or(steps.last())
            .cloned()
            .unwrap_or(Do::Hang);
        if matches!(step, Do::Close) || !read_request(first, &mut stream).await {
            return;
        }
        match step {
            Do::Close => return,
            Do::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Do::WriteClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Do::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Do::Hang => std::future::pending().await,
        }
    }
}

/// Reads the rest of a request with its body; `false` at the end of the connection.
async fn read_request(first: u8, stream: &mut TcpStream) -> bool {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |value| value.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.is_ok()
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Do {
    Do::Write(
        format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

pub(crate) fn json(body: &str) -> Do {
    answer("200 OK", "content-type: application/json\r\n", body)
}

/// An error and its causes as text.
pub(crate) fn chain(error: &Error) -> Vec<String> {
    let mut all = vec![error.to_string()];
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        all.push(cause.to_string());
        next = cause.source();
    }
    all
}
