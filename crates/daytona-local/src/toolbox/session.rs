//! `/process/session`: shells that stay.

mod form;
mod log;
mod shell;

use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::{OpenOptions, OpenOptionsExt};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio_tungstenite::tungstenite::Message;

use self::form::Form;
use self::shell::Command;
pub(crate) use self::shell::Session;
use super::socket::{self, Socket};
use super::{Place, text};
use crate::app::App;
use crate::isolate::cell::Cell;
use crate::web::Call;
use crate::web::reply::{Failure, Reply, full};

/// The session of the image's entrypoint, of which there is none here.
const ENTRYPOINT: &str = "entrypoint";
/// The size of the pieces in which a log is sent.
const PIECE: usize = 1024;
/// How long a command may take to open its input.
const OPENING: Duration = Duration::from_secs(5);

pub(super) async fn handle(
    app: &Arc<App>,
    place: &Place,
    mut call: Call,
) -> Result<Reply, Failure> {
    let sessions = &place.cell.live.sessions;
    let (id, command) = (call.param(0).to_owned(), call.param(1).to_owned());
    let find = || {
        let found = sessions.get(&id);
        found.ok_or_else(|| Failure::not_found("not found: session not found"))
    };
    match call.matched.route.unwrap_or_default() {
        "CreateSession" => create(app, place, call).await,
        "ListSessions" => {
            let all: Vec<_> = sessions
                .all()
                .iter()
                .map(|session| shown(session))
                .collect();
            Ok(Reply::json(200, &all))
        }
        "GetSession" => Ok(Reply::json(200, &shown(&*find()?))),
        "DeleteSession" => {
            reserved(&id)?;
            find()?.kill().await;
            sessions.remove(&id);
            Ok(Reply::empty(204))
        }
        "SessionExecuteCommand" => {
            reserved(&id)?;
            execute(&*find()?, &mut call).await
        }
        "GetSessionCommand" => Ok(Reply::json(200, &about(&*one(&*find()?, &command)?))),
        "SendInput" => input(place, &*one(&*find()?, &command)?, &mut call).await,
        "GetSessionCommandLogs" => logs(app, call, one(&*find()?, &command)?),
        _ => Err(Failure::not_found(
            "not found: the sandbox has no entrypoint",
        )),
    }
}

fn reserved(id: &str) -> Result<(), Failure> {
    if id == ENTRYPOINT {
        let message = "bad request: the session id `entrypoint` is reserved";
        return Err(Failure::bad(message));
    }
    Ok(())
}

async fn create(app: &Arc<App>, place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let body = text::body(&mut call).await?;
    let id = text::text(&body, "sessionId")?;
    let id = id.ok_or_else(|| text::invalid("sessionId is required"))?;
    reserved(id)?;
    let taken = || Failure::conflict("conflict: session already exists");
    if place.cell.live.sessions.get(id).is_some() {
        return Err(taken());
    }
    let failed = |error| Failure::internal(format!("failed to start the session: {error}"));
    let session = Session::start(app, place, id).await.map_err(failed)?;
    match place.cell.live.sessions.add(id, session) {
        Ok(()) => Ok(Reply::empty(201)),
        Err(second) => {
            second.kill().await;
            Err(taken())
        }
    }
}

fn shown(session: &Session) -> Value {
    let commands: Vec<_> = session
        .commands()
        .iter()
        .map(|command| about(command))
        .collect();
    json!({ "sessionId": session.id, "commands": commands })
}

fn about(command: &Command) -> Value {
    let mut about = json!({ "id": command.id, "command": command.text });
    if let (Some(code), Some(members)) = (command.exit_code(), about.as_object_mut()) {
        members.insert("exitCode".to_owned(), code.into());
    }
    about
}

fn one(session: &Session, id: &str) -> Result<Arc<Command>, Failure> {
    let found = session.command(id);
    found.ok_or_else(|| Failure::not_found("not found: command not found"))
}

fn read(command: &Command) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::internal(format!("the log cannot be read: {error}"));
    command.log.all().map_err(failed)
}

async fn execute(session: &Session, call: &mut Call) -> Result<Reply, Failure> {
    let form = Form::of(call);
    let body = text::body(call).await?;
    let command = text::text(&body, "command")?.unwrap_or_default();
    if command.trim().is_empty() {
        return Err(text::invalid("command is required"));
    }
    let waits = !(text::flag(&body, "runAsync")? || text::flag(&body, "async")?);
    let echo = !text::flag(&body, "suppressInputEcho")?;
    let gone = |error| Failure::new(410, "SESSION_ENDED", format!("gone: {error}"));
    let command = session.run(command, !waits, echo).map_err(gone)?;
    if !waits {
        let reply = json!({
            "cmdId": command.id, "output": null, "stdout": null, "stderr": null, "exitCode": null
        });
        return Ok(Reply::json(202, &reply));
    }
    let mut exit = command.exit.subscribe();
    // the command holds the sender, so this cannot fail
    drop(exit.wait_for(Option::is_some).await);
    let mut reply = form.members(&read(&command)?);
    if let Some(members) = reply.as_object_mut() {
        members.insert("cmdId".to_owned(), command.id.clone().into());
        members.insert("exitCode".to_owned(), command.exit_code().into());
    }
    Ok(Reply::json(200, &reply))
}

async fn input(place: &Place, command: &Command, call: &mut Call) -> Result<Reply, Failure> {
    let body = text::body(call).await?;
    let data = text::text(&body, "data")?;
    let mut data = data
        .ok_or_else(|| text::invalid("data is required"))?
        .to_owned();
    if !data.ends_with('\n') {
        data.push('\n');
    }
    let done = |code| {
        let message = format!("gone: command has already completed with exit code {code}");
        Failure::new(410, "COMMAND_ALREADY_COMPLETED", message)
    };
    if let Some(code) = command.exit_code() {
        return Err(done(code));
    }
    let Some(path) = command.input.clone() else {
        return Err(Failure::conflict(
            "conflict: the command has no input: it is not asynchronous",
        ));
    };
    let mut exit = command.exit.subscribe();
    let write = async {
        let mut pipe = open(&place.cell, &path).await?;
        pipe.write_all(data.as_bytes()).await
    };
    tokio::select! {
        code = exit.wait_for(Option::is_some) => {
            let code = code.ok().and_then(|code| *code);
            return Err(done(code.unwrap_or(-1)));
        }
        written = tokio::time::timeout(OPENING * 2, write) => {
            let failed = |error: &dyn std::fmt::Display| {
                Failure::internal(format!("the input was not written: {error}"))
            };
            written.map_err(|late| failed(&late))?.map_err(|error| failed(&error))?;
        }
    }
    if command.echo {
        for line in data.split_inclusive('\n') {
            command.log.line(0, line.as_bytes());
        }
    }
    Ok(Reply::empty(204))
}

/// The input of a command, as soon as its shell has made it. It must be a pipe, and lie in the sandbox.
async fn open(cell: &Arc<Cell>, path: &str) -> std::io::Result<pipe::Sender> {
    let deadline = tokio::time::Instant::now() + OPENING;
    loop {
        let (cell, path) = (Arc::clone(cell), path.to_owned());
        let opened = tokio::task::spawn_blocking(move || {
            let mut options = OpenOptions::new();
            options
                .write(true)
                .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
            cell.files.open_with(path, &options)
        });
        match opened.await.map_err(std::io::Error::other)? {
            Ok(file) => return pipe::Sender::from_owned_fd(file.into_std().into()),
            Err(error) if tokio::time::Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn logs(app: &Arc<App>, call: Call, command: Arc<Command>) -> Result<Reply, Failure> {
    let form = Form::of(&call);
    if socket::wanted(&call) {
        let follow = call.query.flag("follow").unwrap_or(false);
        let told = socket::offered(&call);
        let protocol = told
            .iter()
            .find(|name| name.starts_with("X-Daytona-SDK-Version~"));
        let protocol = protocol.cloned();
        return socket::open(app, call, protocol.as_deref(), move |socket| {
            stream(socket, command, form, follow)
        });
    }
    let log = read(&command)?;
    Ok(match form {
        Form::Split => Reply::json(200, &form.members(&log)),
        Form::Combined | Form::Raw => {
            let text = form.text(&log).into_bytes();
            Reply::new(200, "text/plain; charset=utf-8", full(text.into()))
        }
    })
}

/// Sends the log as it grows, until the command has ended.
async fn stream(mut socket: Socket, command: Arc<Command>, form: Form, follow: bool) {
    let (mut grown, mut exit) = (command.log.watch(), command.exit.subscribe());
    let mut at = 0;
    loop {
        let over = !follow || exit.borrow_and_update().is_some();
        grown.borrow_and_update();
        let Ok(mut piece) = command.log.read(at, PIECE) else {
            return socket::close(&mut socket, 1011, "the log cannot be read").await;
        };
        if piece.is_empty() {
            if over {
                return socket::close(&mut socket, 1000, "").await;
            }
            tokio::select! {
                _ = grown.changed() => {}
                _ = exit.changed() => {}
                // what a client says is of no interest, that it goes is
                said = socket.next() => if !matches!(said, Some(Ok(_))) { return },
            }
            continue;
        }
        if form == Form::Combined {
            // whole lines, so that no mark is cut
            match piece.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => piece.truncate(end + 1),
                None => piece = whole_line(&command, at).unwrap_or(piece),
            }
        }
        at += piece.len() as u64;
        let data = match form {
            Form::Combined => form::parts(&piece, None),
            Form::Raw | Form::Split => piece,
        };
        if socket.send(Message::Binary(data.into())).await.is_err() {
            return;
        }
    }
}

fn whole_line(command: &Command, at: u64) -> Option<Vec<u8>> {
    let mut rest = command.log.read(at, usize::MAX).ok()?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    rest.truncate(end + 1);
    Some(rest)
}
