//! Whoever keeps the socket up.

use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::{Instant, timeout};

use super::{Status, Turn};
use crate::api::Event;
use crate::client::config::WIRE_VERSION;
use crate::client::{Daytona, Shared};
use crate::error::{Error, ErrorKind, ServerText};
use crate::request::Call;
use crate::routes::EVENT_SOCKET;
use crate::wire::engine::{self, Packet, Rhythm};
use crate::wire::socket::{Incoming, Socket};

/// For the connection and both handshakes.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the socket outlives its last listener.
const IDLE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A socket that was up for this long was a good one: the next is not held back.
const GOOD: Duration = Duration::from_secs(30);

/// Keeps the socket up until nobody listens, the server refuses it, or the client is gone.
pub(super) async fn drive(turn: Turn, shared: Weak<Shared>) {
    let mut failures = 0;
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let client = Daytona {
            shared,
            hidden: None,
            quiet: true,
        };
        let opened = match timeout(CONNECT, open(&client)).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                "the event socket takes too long",
            )),
        };
        // from here on the client may go
        drop(client);
        let began = Instant::now();
        let error = match opened {
            Ok((socket, rhythm)) => {
                tracing::debug!("the event socket is up");
                turn.live();
                drop(turn.hub.events.send(Event::Resynced));
                let listening = pin!(listen(&turn, socket, rhythm));
                let Either::Left((error, _)) = select(listening, pin!(idle(&turn))).await else {
                    return;
                };
                turn.hub.status.send_replace(Status::Down);
                error
            }
            Err(error) => error,
        };
        if is_final(&error) {
            tracing::debug!(%error, "there is no event socket");
            turn.over(&error);
            return;
        }
        if began.elapsed() >= GOOD {
            failures = 0;
        }
        let pause = pause(failures);
        failures += 1;
        let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(%error, delay_ms, "the event socket is down");
        if timeout(pause, idle(&turn)).await.is_ok() {
            return;
        }
    }
}

/// Whether trying again soon is of no use: refused, or not there.
fn is_final(error: &Error) -> bool {
    match error.status() {
        Some(408 | 425 | 429) => false,
        Some(status) => status < 500 || status == 501,
        None => false,
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures));
    doubled
        .min(LONGEST_PAUSE)
        .mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Returns once nobody has listened for a while, with the turn given up.
async fn idle(turn: &Turn) {
    let mut users = turn.hub.users.subscribe();
    loop {
        let Ok(ever) = users
            .wait_for(|users| users.now == 0)
            .await
            .map(|it| it.ever)
        else {
            return;
        };
        let somebody = timeout(IDLE, users.wait_for(|users| users.ever != ever)).await;
        if somebody.is_err() && turn.end_if_idle() {
            return;
        }
    }
}

async fn open(client: &Daytona) -> Result<(Socket, Rhythm), Error> {
    let config = &client.shared.config;
    let call = Call::new(&EVENT_SOCKET, &[])?
        .anonymous()
        .query("EIO", "4")
        .query("transport", "websocket")
        .maybe("organizationId", config.credential.organization_id())
        .query("source", "daytona-api-rust")
        .query("sdkVersion", WIRE_VERSION);
    let mut socket = client.socket(&client.shared.base, call, &[]).await?;
    let rhythm = match engine::read(&text(&mut socket).await?) {
        Ok(Packet::Open(rhythm)) => rhythm,
        Ok(_) => return Err(malformed("the server did not open the event socket")),
        Err(engine::Malformed(what)) => return Err(malformed(what)),
    };
    let join = engine::join(config.credential.secret().expose());
    socket.send_text(join.to_string()).await?;
    loop {
        match engine::read(&text(&mut socket).await?) {
            Ok(Packet::Joined) => return Ok((socket, rhythm)),
            Ok(Packet::Ping) => socket.send_text(engine::PONG.to_owned()).await?,
            Ok(Packet::Refused(reason)) => {
                let said = ServerText {
                    message: reason.map(|text| client.redact(&text, [], 1 << 10)),
                    ..ServerText::default()
                };
                let what = "the server refused the credential for its events";
                return Err(Error::answered(401, what, said, None));
            }
            Ok(Packet::Close) => return Err(broke()),
            Ok(Packet::Open(_) | Packet::Event(_) | Packet::Other) => {}
            Err(engine::Malformed(what)) => return Err(malformed(what)),
        }
    }
}

/// Hands events on until the connection breaks.
async fn listen(turn: &Turn, mut socket: Socket, rhythm: Rhythm) -> Error {
    loop {
        let text = match timeout(rhythm.patience(), text(&mut socket)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => return error,
            Err(_) => return Error::new(ErrorKind::Timeout, "the event socket fell silent"),
        };
        match engine::read(&text) {
            Ok(Packet::Event(array)) => turn.hub.tell(array),
            Ok(Packet::Ping) => {
                let pong = socket.send_text(engine::PONG.to_owned());
                match timeout(rhythm.patience(), pong).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return error,
                    Err(_) => return Error::new(ErrorKind::Timeout, "the event socket is stuck"),
                }
            }
            Ok(Packet::Close | Packet::Refused(_)) => return broke(),
            Ok(Packet::Open(_) | Packet::Joined | Packet::Other) => {}
            Err(engine::Malformed(what)) => return malformed(what),
        }
    }
}

/// The next text frame; binary ones are attachments of events that are not for us.
async fn text(socket: &mut Socket) -> Result<String, Error> {
    loop {
        match socket.next().await? {
            Incoming::Text(text) => return Ok(text),
            Incoming::Binary(_) => {}
            Incoming::Closed(_) => return Err(broke()),
        }
    }
}

fn broke() -> Error {
    Error::new(ErrorKind::Transport, "the server closed the event socket")
}

fn malformed(what: &'static str) -> Error {
    Error::new(ErrorKind::Decode, what)
}
