//! `/process/interpreter`: Python that remembers.

mod context;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Message;

pub(crate) use self::context::Context;
use self::context::{Asked, Event};
use super::socket::{self, Socket};
use super::{Place, process, text};
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// The context of runs that name none.
const DEFAULT: &str = "default";
/// How long code may run where nothing is said, in seconds.
const TIMEOUT: i64 = 600;
/// How long code may take to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(2);

pub(super) async fn handle(
    app: &Arc<App>,
    place: &Place,
    mut call: Call,
) -> Result<Reply, Failure> {
    let contexts = &place.cell.live.contexts;
    match call.matched.route.unwrap_or_default() {
        "CreateInterpreterContext" => {
            let body = text::body(&mut call).await?;
            if let Some(language) = text::text(&body, "language")?
                && language != "python"
            {
                return Err(text::invalid(format!("unsupported language: {language}")));
            }
            let cwd = text::text(&body, "cwd")?.unwrap_or_default();
            let id = crate::ident::uuid();
            let made = Arc::new(Context::new(app, place, &id, cwd));
            let failed = |error| Failure::internal(format!("the context did not start: {error}"));
            Context::worker(&made, app, &place.cell)
                .await
                .map_err(failed)?;
            drop(contexts.add(&id, Arc::clone(&made)));
            Ok(Reply::json(200, &made.info()))
        }
        "ListInterpreterContexts" => {
            let all = contexts.all();
            let shown = all.iter().filter(|context| context.id != DEFAULT);
            let shown: Vec<_> = shown.map(|context| context.info()).collect();
            Ok(Reply::json(200, &json!({ "contexts": shown })))
        }
        "DeleteInterpreterContext" => {
            let id = call.param(0);
            if id == DEFAULT {
                return Err(Failure::bad(
                    "bad request: the default context cannot be deleted",
                ));
            }
            let missing = || Failure::not_found(format!("not found: context {id} not found"));
            contexts.remove(id).ok_or_else(missing)?.kill().await;
            let message = "Context deleted successfully";
            Ok(Reply::json(200, &json!({ "message": message })))
        }
        _ => {
            let (app_, place) = (Arc::clone(app), place.clone());
            socket::open(app, call, None, move |socket| serve(app_, place, socket))
        }
    }
}

/// The first message of a client, or how to close.
fn asked(body: &Map<String, Value>) -> Result<(Asked, Option<String>, i64), (u16, String)> {
    let refuse = |reason: String| (1008, reason);
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    if code.is_empty() {
        return Err(refuse("code is required".to_owned()));
    }
    let timeout = match body.get("timeout") {
        None | Some(Value::Null) => TIMEOUT,
        Some(value) => value
            .as_i64()
            .ok_or_else(|| refuse("timeout must be an integer".to_owned()))?,
    };
    if timeout < 0 {
        let reason = "timeout must be greater than or equal to 0";
        return Err(refuse(reason.to_owned()));
    }
    let env: BTreeMap<String, String> =
        process::env(body).map_err(|failure| refuse(failure.message))?;
    let context = body.get("contextId").and_then(Value::as_str);
    let context = context.filter(|id| !id.is_empty()).map(str::to_owned);
    let code = code.to_owned();
    Ok((Asked { code, env }, context, timeout))
}

async fn serve(app: Arc<App>, place: Place, mut socket: Socket) {
    let first = match socket.next().await {
        Some(Ok(Message::Text(text))) => serde_json::from_str(text.as_str()).ok(),
        Some(Ok(Message::Binary(data))) => serde_json::from_slice(&data).ok(),
        Some(Ok(_)) => None,
        _ => return,
    };
    let Some(Value::Object(body)) = first else {
        return socket::close(&mut socket, 1002, "invalid request").await;
    };
    let (asked, id, timeout) = match asked(&body) {
        Ok(asked) => asked,
        Err((code, reason)) => return socket::close(&mut socket, code, &reason).await,
    };
    let contexts = &place.cell.live.contexts;
    let context = match &id {
        Some(id) => contexts.get(id),
        None => {
            let made = Arc::new(Context::new(&app, &place, DEFAULT, ""));
            // somebody else may have been faster
            drop(contexts.add(DEFAULT, made));
            contexts.get(DEFAULT)
        }
    };
    let Some(context) = context else {
        let reason = format!("context not found: {}", id.unwrap_or_default());
        return socket::close(&mut socket, 1008, &reason).await;
    };
    let (code, reason) = run(&app, &place, &context, asked, timeout, &mut socket).await;
    socket::close(&mut socket, code, &reason).await;
}

/// Runs it, and says how to close.
async fn run(
    app: &Arc<App>,
    place: &Place,
    context: &Arc<Context>,
    asked: Asked,
    timeout: i64,
    socket: &mut Socket,
) -> (u16, String) {
    // one at a time, in the order they came
    let _turn = context.turn.lock().await;
    let mut events = match Context::begin(context, app, &place.cell, asked).await {
        Ok(events) => events,
        Err(error) => return (1011, format!("the context did not start: {error}")),
    };
    let limit = Duration::from_secs(timeout.unsigned_abs());
    let mut deadline = (timeout > 0).then(|| tokio::time::Instant::now() + limit);
    let mut late = false;
    loop {
        let expired = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = events.recv() => event,
            () = expired => {
                if late {
                    context.kill().await;
                    return (4008, "execution timed out".to_owned());
                }
                late = true;
                context.interrupt();
                deadline = Some(tokio::time::Instant::now() + GRACE);
                continue;
            }
        };
        let (text, over) = match event {
            Some(Event::Told(text)) => (text, false),
            Some(Event::Over(text)) => (text, true),
            None => return (1001, "the interpreter has ended".to_owned()),
        };
        // the run goes on without a client
        drop(socket.send(Message::text(text)).await);
        if over {
            let code = if late { 4008 } else { 1000 };
            let reason = if late { "execution timed out" } else { "" };
            return (code, reason.to_owned());
        }
    }
}
