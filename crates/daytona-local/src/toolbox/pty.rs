//! `/process/pty`: terminals.

mod terminal;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::tungstenite::Message;

pub(crate) use self::terminal::Terminal;
use self::terminal::{Exit, Wanted};
use super::socket::{self, Socket};
use super::{Place, process, text};
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";
const ENVS: &str = "X-Daytona-Pty-Envs~";
const SDK_VERSION: &str = "X-Daytona-SDK-Version~";
/// The most columns and rows.
const LARGEST: u64 = 1000;

pub(super) async fn handle(
    app: &Arc<App>,
    place: &Place,
    mut call: Call,
) -> Result<Reply, Failure> {
    let terminals = &place.cell.live.terminals;
    let id = call.param(0).to_owned();
    let find = || {
        let missing = || Failure::not_found(format!("not found: PTY session {id} not found"));
        terminals.get(&id).ok_or_else(missing)
    };
    match call.matched.route.unwrap_or_default() {
        "ListPtySessions" => {
            let all: Vec<_> = terminals.all().iter().map(|one| one.info()).collect();
            Ok(Reply::json(200, &json!({ "sessions": all })))
        }
        "CreatePtySession" => {
            let body = text::body(&mut call).await?;
            let wanted = wanted(&body)?;
            let made = make(app, place, wanted).await?;
            Ok(Reply::json(201, &json!({ "sessionId": made.id })))
        }
        "GetPtySession" => Ok(Reply::json(200, &find()?.info())),
        "DeletePtySession" => {
            find()?.kill().await;
            terminals.remove(&id);
            Ok(Reply::json(
                200,
                &json!({ "message": "PTY session deleted" }),
            ))
        }
        "ResizePtySession" => {
            let gone = |_| Failure::new(410, "SESSION_ENDED", "gone: the PTY session has ended");
            let terminal = find().map_err(gone)?;
            let body = text::body(&mut call).await?;
            let (cols, rows) = (size(&body, "cols")?, size(&body, "rows")?);
            let missing = || text::invalid("cols and rows are required");
            let (cols, rows) = (cols.ok_or_else(missing)?, rows.ok_or_else(missing)?);
            if !terminal.resize(cols, rows) {
                return Err(Failure::internal("the PTY session has not started"));
            }
            Ok(Reply::json(200, &terminal.info()))
        }
        "CreateConnectPtySession" => {
            let made = make(app, place, asked(&call)?).await?;
            connect(app, place, call, Ok(made))
        }
        _ => {
            let found = terminals.get(&id).ok_or(id);
            connect(app, place, call, found)
        }
    }
}

async fn make(app: &Arc<App>, place: &Place, wanted: Wanted) -> Result<Arc<Terminal>, Failure> {
    let id = wanted.id.clone();
    let taken = || {
        Failure::conflict(format!(
            "conflict: PTY session with ID '{id}' already exists"
        ))
    };
    if place.cell.live.terminals.get(&id).is_some() {
        return Err(taken());
    }
    let made = Terminal::new(app, place, wanted);
    let added = place.cell.live.terminals.add(&id, Arc::clone(&made));
    added.map_err(|_| taken())?;
    if !made.is_lazy()
        && let Err(error) = Terminal::start(&made, app, &place.cell).await
    {
        place.cell.live.terminals.remove_this(&id, &made);
        return Err(Failure::internal(format!(
            "failed to start PTY session: {error}"
        )));
    }
    Ok(made)
}

fn wanted(body: &Map<String, Value>) -> Result<Wanted, Failure> {
    let id = text::text(body, "id")?;
    Ok(Wanted {
        id: id
            .ok_or_else(|| text::invalid("session ID is required"))?
            .to_owned(),
        cwd: text::text(body, "cwd")?.unwrap_or_default().to_owned(),
        env: process::env(body)?,
        cols: size(body, "cols")?.unwrap_or(80),
        rows: size(body, "rows")?.unwrap_or(24),
        lazy: text::flag(body, "lazyStart")?,
    })
}

/// The same from a query and subprotocols.
fn asked(call: &Call) -> Result<Wanted, Failure> {
    let mut body = Map::new();
    for name in ["id", "cwd"] {
        if let Some(value) = call.query.get(name) {
            body.insert(name.to_owned(), value.into());
        }
    }
    for name in ["cols", "rows"] {
        if let Some(value) = call.query.get(name) {
            let number = value.parse::<u64>().map(Value::from);
            body.insert(name.to_owned(), number.unwrap_or_else(|_| value.into()));
        }
    }
    let offered = socket::offered(call);
    if let Some(envs) = offered.iter().find_map(|name| name.strip_prefix(ENVS)) {
        let bytes = URL_SAFE_NO_PAD.decode(envs);
        let object = bytes
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(Value::Object(envs)) = object else {
            return Err(text::invalid(
                "the variables of the terminal are no JSON object",
            ));
        };
        body.insert("envs".to_owned(), Value::Object(envs));
    }
    wanted(&body)
}

fn size(body: &Map<String, Value>, name: &str) -> Result<Option<u16>, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value
                .as_u64()
                .filter(|number| (1..=LARGEST).contains(number));
            let wrong = || text::invalid(format!("{name} must be between 1 and {LARGEST}"));
            let number = number.and_then(|number| u16::try_from(number).ok());
            number.map(Some).ok_or_else(wrong)
        }
    }
}

/// The terminal, or the name of one that is not there, which the client is told over the connection.
fn connect(
    app: &Arc<App>,
    place: &Place,
    call: Call,
    terminal: Result<Arc<Terminal>, String>,
) -> Result<Reply, Failure> {
    let offered = socket::offered(&call);
    let chosen = [SDK_VERSION, EXIT_CONTROL].into_iter();
    let mut chosen = chosen.flat_map(|known| offered.iter().find(|name| name.starts_with(known)));
    let chosen = chosen.next().cloned();
    let tells = offered.iter().any(|name| name == EXIT_CONTROL);
    let (app_, cell) = (Arc::clone(app), Arc::clone(&place.cell));
    socket::open(app, call, chosen.as_deref(), move |mut socket| async move {
        let terminal = match terminal {
            Ok(terminal) => terminal,
            Err(id) => {
                let reason = format!("PTY session {id} not found");
                return refuse(&mut socket, &reason).await;
            }
        };
        // subscribed before the program starts, so that its first words are not lost
        let output = terminal.subscribe();
        if let Err(error) = Terminal::start(&terminal, &app_, &cell).await {
            return refuse(&mut socket, &error.to_string()).await;
        }
        serve(socket, terminal, output, tells).await;
    })
}

async fn refuse(socket: &mut Socket, reason: &str) {
    let reason = format!("Failed to connect to PTY session: {reason}");
    let message = json!({ "type": "control", "status": "error", "error": reason });
    drop(socket.send(Message::text(message.to_string())).await);
}

async fn serve(
    socket: Socket,
    terminal: Arc<Terminal>,
    mut output: tokio::sync::broadcast::Receiver<bytes::Bytes>,
    tells: bool,
) {
    let (mut sink, mut stream) = socket.split();
    let connected = json!({ "type": "control", "status": "connected" }).to_string();
    if sink.send(Message::text(connected)).await.is_err() {
        return;
    }
    let send = async {
        loop {
            match output.recv().await {
                Ok(data) => {
                    if sink.send(Message::Binary(data)).await.is_err() {
                        return None;
                    }
                }
                Err(RecvError::Lagged(_)) => return Some((1008, "slow consumer".to_owned())),
                Err(RecvError::Closed) => break,
            }
        }
        let exit = terminal.exit().await;
        if tells {
            let mut message = exit.told();
            message.insert("type".to_owned(), "control".into());
            message.insert("status".to_owned(), "exited".into());
            let message = Value::Object(message).to_string();
            sink.send(Message::text(message)).await.ok()?;
        }
        let code = if exit.code == 0 { 1000 } else { 1011 };
        Some((code, Value::Object(exit.told()).to_string()))
    };
    let receive = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(typed) => terminal.type_in(typed.into()).await,
                Message::Binary(typed) => terminal.type_in(typed).await,
                _ => {}
            }
        }
    };
    let ending = tokio::select! {
        ending = send => ending,
        () = receive => None,
    };
    if let (Some((code, reason)), Ok(mut socket)) = (ending, sink.reunite(stream)) {
        socket::close(&mut socket, code, &reason).await;
    }
}

impl Exit {
    fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("exitCode".to_owned(), self.code.into());
        let reason = match self.code {
            0 => return told,
            130 => "Ctrl+C".to_owned(),
            137 => "SIGKILL".to_owned(),
            143 => "SIGTERM".to_owned(),
            signal @ 129.. => format!("signal {}", signal - 128),
            _ => "non-zero exit".to_owned(),
        };
        told.insert("exitReason".to_owned(), reason.into());
        told
    }
}
