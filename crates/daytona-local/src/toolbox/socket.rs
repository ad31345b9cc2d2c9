//! WebSockets: the handshake, and the connection for whoever serves it.

use std::future::Future;
use std::sync::Arc;

use futures_util::SinkExt;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::begin;
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// The largest message that is taken from a client.
const LARGEST: usize = 64 << 10;
/// The first message to the interpreter holds a whole program.
const LARGEST_PROGRAM: usize = 16 << 20;

pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a request asks for a WebSocket.
pub(crate) fn wanted(call: &Call) -> bool {
    let asked = call
        .headers
        .get(UPGRADE)
        .and_then(|value| value.to_str().ok());
    asked.is_some_and(|name| name.eq_ignore_ascii_case("websocket"))
}

/// The subprotocols a client offers, in its order.
pub(super) fn offered(call: &Call) -> Vec<String> {
    let values = call.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let names = texts.flat_map(|text| text.split(','));
    names.map(|name| name.trim().to_owned()).collect()
}

/// Switches to WebSocket and lets `serve` work on the connection, for as long as it takes or until the server stops.
/// The sandbox counts as used until then.
pub(super) fn open<F, R>(
    app: &Arc<App>,
    call: Call,
    protocol: Option<&str>,
    serve: F,
) -> Result<Reply, Failure>
where
    F: FnOnce(Socket) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let activity = begin(app, &call)?;
    let large = call.matched.route == Some("ExecuteInterpreterCode");
    let largest = if large { LARGEST_PROGRAM } else { LARGEST };
    switch(app, call, protocol, largest, activity, serve)
}

/// Switches to WebSocket; `held` is kept as long as the connection.
pub(crate) fn switch<H, F, R>(
    app: &App,
    mut call: Call,
    protocol: Option<&str>,
    largest: usize,
    held: H,
    serve: F,
) -> Result<Reply, Failure>
where
    H: Send + 'static,
    F: FnOnce(Socket) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let key = call.headers.get(SEC_WEBSOCKET_KEY).cloned();
    let (true, Some(key), Some(upgrade)) = (wanted(&call), key, call.upgrade.take()) else {
        return Err(Failure::bad("bad request: not a WebSocket handshake"));
    };
    let stop = app.stop.clone();
    app.spawn(async move {
        let _held = held;
        let Ok(connection) = upgrade.await else {
            return;
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest));
        let io = TokioIo::new(connection);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        tokio::select! {
            () = serve(socket) => {}
            () = stop.cancelled() => {}
        }
    });
    let mut reply = Reply::empty(101)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()));
    if let Some(protocol) = protocol {
        reply = reply.header(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(reply)
}

/// Closes with a code and a reason, of which as much is told as fits.
pub(super) async fn close(socket: &mut Socket, code: u16, reason: &str) {
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let frame = CloseFrame {
        code: CloseCode::from(code),
        reason: reason.get(..end).unwrap_or_default().into(),
    };
    // a client that is gone already needs no goodbye
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        let patience = std::time::Duration::from_secs(2);
        let answer =
            async { while let Some(Ok(_)) = futures_util::StreamExt::next(socket).await {} };
        drop(tokio::time::timeout(patience, answer).await);
    }
}
