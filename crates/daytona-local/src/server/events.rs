//! The event socket: Socket.IO 5 in Engine.IO 4 over a WebSocket, one namespace, one room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::app::App;
use crate::faults::{Action, Telling};
use crate::ident;
use crate::toolbox::socket::{self, Socket};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(20);
/// A client has this long to say who it is.
const JOIN: Duration = Duration::from_secs(45);
const LARGEST: usize = 1 << 20;

pub(crate) fn open(app: &Arc<App>, call: Call, fault: Option<&Action>) -> Result<Reply, Failure> {
    if !app.options.events {
        let (method, path) = (&call.method, &call.path);
        return Err(Failure::not_found(format!("Cannot {method} {path}")));
    }
    let problem = |code: u8, message: &str| {
        let body = json!({ "code": code, "message": message });
        Ok(Reply::json(400, &body))
    };
    if call.query.get("transport") != Some("websocket") {
        return problem(0, "Transport unknown");
    }
    if call.query.get("EIO") != Some("4") {
        return problem(5, "Unsupported protocol version");
    }
    if !socket::wanted(&call) {
        return problem(3, "Bad request");
    }
    let telling = match fault {
        Some(Action::Events(telling)) => telling.clone(),
        _ => Telling::default(),
    };
    let app_ = Arc::clone(app);
    socket::switch(app, call, None, LARGEST, (), move |mut socket| async move {
        // a client that goes is nothing to report
        drop(serve(&app_, &mut socket, telling).await);
        drop(timeout(Duration::from_secs(1), socket.close(None)).await);
    })
}

/// The connection is over.
struct Over;

async fn send(socket: &mut Socket, text: impl Into<String>) -> Result<(), Over> {
    let sent = socket.send(Message::text(text.into())).await;
    sent.map_err(|_| Over)
}

/// The next text; other frames mean nothing here.
async fn receive(socket: &mut Socket) -> Result<String, Over> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
            Some(Ok(_)) => {}
        }
    }
}

async fn serve(app: &App, socket: &mut Socket, telling: Telling) -> Result<(), Over> {
    let opened = json!({
        "sid": ident::uuid(),
        "upgrades": [],
        "pingInterval": INTERVAL.as_millis(),
        "pingTimeout": TIMEOUT.as_millis(),
        "maxPayload": LARGEST,
    });
    send(socket, format!("0{opened}")).await?;
    let join = timeout(JOIN, receive(socket)).await.map_err(|_| Over)??;
    // before it is answered: nothing after the answer is missed
    let news = app.store().news.listen();
    if !may_join(app, &join) {
        let refusal = json!({ "message": "Unauthorized" });
        return send(socket, format!("44{refusal}")).await;
    }
    let joined = json!({ "sid": ident::uuid() });
    send(socket, format!("40{joined}")).await?;
    tell(socket, news, telling).await
}

fn may_join(app: &App, packet: &str) -> bool {
    #[derive(Deserialize)]
    struct Auth {
        token: String,
    }
    let auth = packet.strip_prefix("40").map(serde_json::from_str::<Auth>);
    matches!(auth, Some(Ok(auth)) if auth.token.as_bytes().ct_eq(app.token.as_bytes()).into())
}

async fn tell(
    socket: &mut Socket,
    mut news: broadcast::Receiver<Arc<str>>,
    mut telling: Telling,
) -> Result<(), Over> {
    let mut due: VecDeque<(Instant, Arc<str>)> = VecDeque::new();
    let mut ping = Instant::now() + INTERVAL;
    let mut last_pong = Instant::now();
    loop {
        let next = due.front().map(|(at, _)| *at);
        tokio::select! {
            biased;
            said = receive(socket) => match said?.as_str() {
                "3" => last_pong = Instant::now(),
                "1" | "41" => return Err(Over),
                _ => {}
            },
            () = sleep_until(ping), if !telling.is_silent() => {
                if last_pong.elapsed() > INTERVAL + TIMEOUT {
                    return Err(Over);
                }
                telling.flush(&mut due);
                send(socket, "2").await?;
                ping += INTERVAL;
            }
            () = sleep_until(next.unwrap_or(ping)), if next.is_some() => {
                if let Some((_, event)) = due.pop_front() {
                    if telling.is_over() {
                        return Err(Over);
                    }
                    send(socket, event.as_ref()).await?;
                }
            }
            event = news.recv() => match event {
                Ok(event) => telling.take(event, &mut due),
                // it does not read: it will come again and look for itself
                Err(_) => return Err(Over),
            },
        }
    }
}
