//! WebSockets: opened like any call, then frames both ways.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use http::HeaderValue;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::Daytona;
use crate::client::auth::Base;
use crate::error::{Error, ErrorKind};
use crate::request::Call;
use crate::transport::ByteStream;

/// The largest message that is taken, in bytes. Logs and terminals come in pieces of at most a few KiB, but a run of code may
/// print a chart of some MiB in one, and an event holds a whole sandbox: 1 MiB would break off what a server may rightly send.
/// The head of a longer frame is refused before memory is taken for it, and each socket holds at most one message, so this is
/// what one costs at worst.
const LARGEST: usize = 16 << 20;

/// What came.
#[derive(Debug)]
pub(crate) enum Incoming {
    Text(String),
    Binary(Bytes),
    /// The server closed, in order. Nothing comes after it.
    Closed(Close),
}

/// How a server closed; 1005 is without a code.
#[derive(Clone, Debug)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl Close {
    /// Whether all went well.
    pub(crate) fn is_normal(&self) -> bool {
        matches!(self.code, 1000 | 1005)
    }

    /// The error it is, where it is one.
    pub(crate) fn error(&self, client: &Daytona, kind: ErrorKind) -> Error {
        let reason = client.redact(&self.reason, [], 256);
        let what = format!("the server closed the connection with {}", self.code);
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        Error::closed(kind, what, self.code, reason)
    }
}

/// An open WebSocket. Dropping it closes the connection.
pub(crate) struct Socket {
    stream: WebSocketStream<Box<dyn ByteStream>>,
    operation: &'static str,
}

impl Socket {
    /// Over a connection that has switched to it.
    async fn over(stream: Box<dyn ByteStream>, operation: &'static str) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let stream = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
        Self { stream, operation }
    }

    fn broken(&self, error: tungstenite::Error) -> Error {
        let error = match error {
            tungstenite::Error::Capacity(_) => {
                let what = format!("the server sent a message of more than {LARGEST} bytes");
                Error::new(ErrorKind::TooLarge, what)
            }
            tungstenite::Error::Protocol(source) => {
                Error::new(ErrorKind::Transport, "the connection broke off").with_source(source)
            }
            tungstenite::Error::Io(source) => {
                Error::new(ErrorKind::Transport, "the connection broke off").with_source(source)
            }
            tungstenite::Error::Utf8(source) => {
                let what = "the server sent text that is no UTF-8";
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, source);
                Error::new(ErrorKind::Decode, what).with_source(source)
            }
            _ => Error::new(ErrorKind::Transport, "the connection is closed"),
        };
        error.with_operation(self.operation)
    }

    pub(crate) fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, Error>> {
        loop {
            let Some(message) = ready!(Pin::new(&mut self.stream).poll_next(cx)) else {
                let what = "the connection broke off";
                let error = Error::new(ErrorKind::Transport, what);
                return Poll::Ready(Err(error.with_operation(self.operation)));
            };
            return Poll::Ready(match message {
                Ok(Message::Text(text)) => Ok(Incoming::Text(text.as_str().to_owned())),
                Ok(Message::Binary(data)) => Ok(Incoming::Binary(data)),
                Ok(Message::Close(frame)) => Ok(Incoming::Closed(match frame {
                    Some(frame) => Close {
                        code: frame.code.into(),
                        reason: frame.reason.as_str().to_owned(),
                    },
                    None => Close {
                        code: 1005,
                        reason: String::new(),
                    },
                })),
                // answered by the library
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
                Err(error) => Err(self.broken(error)),
            });
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        std::future::poll_fn(|cx| self.poll_incoming(cx)).await
    }

    pub(crate) async fn send_text(&mut self, text: String) -> Result<(), Error> {
        let sent = futures_util::SinkExt::send(&mut self.stream, Message::text(text)).await;
        sent.map_err(|error| self.broken(error))
    }

    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = Pin::new(&mut self.stream).poll_ready(cx);
        polled.map_err(|error| self.broken(error))
    }

    pub(crate) fn start_send(&mut self, data: Bytes) -> Result<(), Error> {
        let sent = Pin::new(&mut self.stream).start_send(Message::Binary(data));
        sent.map_err(|error| self.broken(error))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        polled.map_err(|error| self.broken(error))
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = Pin::new(&mut self.stream).poll_close(cx);
        polled.map_err(|error| self.broken(error))
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl Daytona {
    /// Opens a WebSocket, with subprotocols to choose from. Not retried.
    pub(crate) async fn socket(
        &self,
        base: &Base,
        call: Call,
        protocols: &[String],
    ) -> Result<Socket, Error> {
        let id = call.route.id;
        let key = key().map_err(|error| error.with_operation(id))?;
        let mut call = call
            .header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(UPGRADE, HeaderValue::from_static("websocket"))
            .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .header(SEC_WEBSOCKET_KEY, key.clone());
        if !protocols.is_empty() {
            let mut offered = HeaderValue::from_str(&protocols.join(", "))
                .map_err(|_| Error::build("an argument does not fit into a header"))?;
            // variables of a terminal travel in it
            offered.set_sensitive(true);
            call = call.header(SEC_WEBSOCKET_PROTOCOL, offered);
        }
        let (head, stream) = self.upgrade(base, call).await?;
        let wrong = |what: &'static str| {
            Err(Error::new(ErrorKind::Decode, what)
                .with_status(101)
                .with_operation(id))
        };
        let accepted = head.get(SEC_WEBSOCKET_ACCEPT);
        if accepted.map(HeaderValue::as_bytes) != Some(derive_accept_key(key.as_bytes()).as_bytes())
        {
            return wrong("the server does not speak WebSocket");
        }
        if let Some(chosen) = head.get(SEC_WEBSOCKET_PROTOCOL)
            && !protocols
                .iter()
                .any(|offered| offered.as_bytes() == chosen.as_bytes())
        {
            return wrong("the server chose a protocol that was not offered");
        }
        Ok(Socket::over(stream, id).await)
    }
}

fn key() -> Result<HeaderValue, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        Error::build("no random numbers").with_source(std::io::Error::other(error))
    })?;
    HeaderValue::from_str(&STANDARD.encode(random)).map_err(|_| Error::build("no key"))
}
