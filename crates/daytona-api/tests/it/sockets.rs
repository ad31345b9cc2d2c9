//! WebSockets: against a server that sends exactly what a test says, and breaks off where it says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod code;
mod events;
mod logs;
mod terminal;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use daytona_api::api::Toolbox;
use daytona_api::transport::{ByteStream, Connector, HyperTransport};
use daytona_api::{Config, Daytona};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What a server does on one connection after the request.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Switches to WebSocket, sends these bytes and closes the connection.
    Frames(Vec<u8>),
    /// The same, but closes the connection only after the client has said something.
    Leave(Vec<u8>),
    /// The same, and then waits for the client to go.
    Stay(Vec<u8>),
    /// Answers so.
    Answer(&'static str),
    /// Cannot be connected to.
    Refuse,
}

/// In the client's process. Each connection takes the next script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    scripts: Arc<Mutex<VecDeque<Script>>>,
    heads: Arc<Mutex<Vec<String>>>,
    received: Arc<Mutex<Vec<u8>>>,
    protocol: Option<&'static str>,
    open: watch::Sender<usize>,
}

impl Peer {
    pub(crate) fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self {
            scripts: Arc::new(Mutex::new(scripts.into_iter().collect())),
            ..Self::default()
        }
    }

    /// Says that it chose this subprotocol.
    pub(crate) fn choosing(mut self, protocol: &'static str) -> Self {
        self.protocol = Some(protocol);
        self
    }

    pub(crate) fn api(&self, config: Config) -> Daytona {
        let transport = HyperTransport::builder().connector(self.clone()).build();
        let builder = Daytona::builder(config).transport(Arc::new(transport));
        builder.build().unwrap()
    }

    /// Connections that the client has not closed.
    pub(crate) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until the client has closed all.
    pub(crate) async fn left(&self) {
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open == 0).await.unwrap();
    }

    pub(crate) fn toolbox(&self) -> Toolbox {
        let api = self.api(Config::new("dtn_canary-key"));
        api.toolbox_at("https://proxy.app.daytona.io/toolbox", "sb-1")
            .unwrap()
    }

    /// The requests without what differs from run to run.
    pub(crate) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap().clone();
        let same = |line: &&str| {
            let line = line.to_ascii_lowercase();
            !line.starts_with("user-agent") && !line.starts_with("sec-websocket-key")
        };
        let tidy = |head: &String| head.lines().filter(same).collect::<Vec<_>>().join("\n");
        heads.iter().map(tidy).collect()
    }

    /// What the client sent after its requests, without the mask.
    pub(crate) fn received(&self) -> Vec<(u8, Vec<u8>)> {
        let bytes = self.received.lock().unwrap().clone();
        let mut rest = bytes.as_slice();
        let mut found = Vec::new();
        while rest.len() >= 6 {
            let (length, at) = match rest[1] & 0x7f {
                126 => (usize::from(rest[2]) << 8 | usize::from(rest[3]), 4),
                127 => panic!("a long frame"),
                short => (usize::from(short), 2),
            };
            let (mask, data) = (&rest[at..at + 4], &rest[at + 4..at + 4 + length]);
            let data = data
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask);
            found.push((rest[0] & 0x0f, data.collect()));
            rest = &rest[at + 4 + length..];
        }
        found
    }

    async fn serve(self, mut wire: tokio::io::DuplexStream, script: Script) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = wire.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("sec-websocket-key: "));
        let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
        self.heads.lock().unwrap().push(head.clone());
        let protocol = self
            .protocol
            .map(|name| format!("sec-websocket-protocol: {name}\r\n"));
        let switch = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {accept}\r\n{}\r\n",
            protocol.unwrap_or_default()
        );
        let leave = matches!(script, Script::Leave(_));
        let (answer, frames, stay) = match script {
            Script::Frames(frames) => (switch, frames, false),
            Script::Leave(frames) => (switch, frames, true),
            Script::Stay(frames) => (switch, frames, true),
            Script::Answer(text) => (text.to_owned(), Vec::new(), false),
            Script::Refuse => return,
        };
        let _ = wire.write_all(answer.as_bytes()).await;
        let _ = wire.write_all(&frames).await;
        let mut piece = vec![0; 4096];
        if !stay {
            return;
        }
        while let Ok(length @ 1..) = wire.read(&mut piece).await {
            self.received.lock().unwrap().extend(&piece[..length]);
            if leave {
                return;
            }
        }
    }
}

#[async_trait::async_trait]
impl Connector for Peer {
    async fn connect(&self, _: &http::Uri) -> std::io::Result<Box<dyn ByteStream>> {
        let script = self
            .scripts
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Script::Refuse);
        if matches!(script, Script::Refuse) {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let peer = self.clone();
        peer.open.send_modify(|open| *open += 1);
        tokio::runtime::Handle::current().spawn(async move {
            peer.clone().serve(theirs, script).await;
            peer.open.send_modify(|open| *open -= 1);
        });
        Ok(Box::new(ours))
    }
}

/// A frame as servers send it.
pub(crate) fn frame(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | kind];
    match data.len() {
        short @ ..126 => bytes.push(short as u8),
        long => {
            bytes.push(126);
            bytes.extend((long as u16).to_be_bytes());
        }
    }
    bytes.extend(data);
    bytes
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    frame(1, text.as_bytes())
}

pub(crate) fn binary(data: &[u8]) -> Vec<u8> {
    frame(2, data)
}

pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    let mut data = code.to_be_bytes().to_vec();
    data.extend(reason.as_bytes());
    frame(8, &data)
}
