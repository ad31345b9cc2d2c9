//! The server in a process of its own.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use daytona_local::{Isolation, Server};
use jiff::Timestamp;
use serde_json::Value;

/// How many of the server's seconds pass in one.
const SPEED: f64 = 60.0;

/// What runs in the child: serves until its input ends.
pub(super) fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let create = std::env::var_os("CRASH_CREATE")
            .unwrap()
            .into_string()
            .unwrap();
        let builder = Server::builder()
            .isolation(Isolation::None)
            .create_delay(Duration::from_secs(create.parse().unwrap()))
            .speed(SPEED);
        let server = builder.admin(true).start().await.unwrap();
        println!("\n> {} {}", server.api_url(), server.token());
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        drop(ended.await);
        server.shutdown().await;
    });
}

/// A server in a child, which ends with this.
pub(super) struct Served {
    process: Child,
    stdin: Option<ChildStdin>,
    /// Kept open: the test harness in the child writes to it from time to time.
    _stdout: Lines<BufReader<ChildStdout>>,
    pub(super) url: String,
    pub(super) token: String,
}

impl Served {
    pub(super) fn start() -> Self {
        Self::slow(Duration::ZERO)
    }

    /// One on which each create takes so long, by its clock.
    pub(super) fn slow(create: Duration) -> Self {
        let mut process = role("serve")
            .env("CRASH_CREATE", create.as_secs().to_string())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .by_ref()
            .find_map(|line| line.unwrap().strip_prefix("> ").map(str::to_owned))
            .unwrap();
        let (url, token) = line.split_once(' ').unwrap();
        Self {
            process,
            stdin,
            _stdout: lines,
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// What the admin endpoint answers.
    fn ask(&self, path: &str) -> Value {
        self.send("GET", path, "")
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let authority = self
            .url
            .strip_prefix("http://")
            .unwrap()
            .strip_suffix("/api")
            .unwrap();
        let mut wire = TcpStream::connect(authority).unwrap();
        write!(
            wire,
            "{method} /admin/{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        wire.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Has faults strike; the admin endpoint's own form.
    pub(super) fn inject(&self, faults: &Value) {
        let answer = self.send("POST", "faults", &faults.to_string());
        assert!(answer.get("items").is_some(), "{answer}");
    }

    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        let clock = self.ask("clock");
        clock.get("now").unwrap().as_str().unwrap().parse().unwrap()
    }

    /// Waits until so much of the server's time has passed; its own end would be an error here.
    pub(super) fn reaches(&self, since: Timestamp, after: Duration) {
        let (_held, quiet) = std::sync::mpsc::channel::<()>();
        while self.now() < since + after {
            let _ = quiet.recv_timeout(Duration::from_millis(20));
        }
    }

    /// How many requests of an operation it has seen.
    pub(super) fn seen(&self, operation: &str) -> usize {
        let requests = self.ask("requests");
        let items = requests.get("items").unwrap().as_array().unwrap();
        let of = |item: &&Value| item.get("route").is_some_and(|of| of == operation);
        items.iter().filter(of).count()
    }

    /// Every sandbox it remembers.
    pub(super) fn sandboxes(&self) -> Vec<Value> {
        self.ask("sandboxes")
            .get("items")
            .unwrap()
            .as_array()
            .unwrap()
            .clone()
    }

    /// Those that it does not mean to destroy.
    pub(super) fn alive(&self) -> Vec<Value> {
        let mut all = self.sandboxes();
        all.retain(|row| row.get("desiredState").unwrap() != "destroyed");
        all
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.process.wait());
    }
}

/// This test binary in another role.
pub(super) fn role(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crash::child", "--nocapture"])
        .env("CRASH_ROLE", role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}
