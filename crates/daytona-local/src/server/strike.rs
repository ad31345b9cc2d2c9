//! A request that a fault strikes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use daytona_api::models::SandboxState;
use daytona_api::routes::Api;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Response, StatusCode, response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame};
use serde_json::{Map, Value};

use super::connection::{Control, Ending};
use super::dispatch::{Asked, handle_json, run};
use crate::app::App;
use crate::clock::{add, before};
use crate::control::lifecycle;
use crate::faults::{Action, Memory, draw};
use crate::web::Call;
use crate::web::reply::{Body, Reply, full};

const JSON: &str = "application/json; charset=utf-8";

pub(super) async fn perform(
    app: &Arc<App>,
    control: &Control,
    mut asked: Asked,
    action: Option<Action>,
) -> Reply {
    let Some(action) = action else {
        return run(app, asked, None).await;
    };
    match action {
        Action::Answer {
            status,
            body,
            content_type,
            headers,
        } => {
            // The body is read, so that the answer is not lost to a reset.
            drop(asked.call.json().await);
            with_headers(Reply::new(status, content_type, full(body)), &headers)
        }
        Action::AnswerAfter { status, body } => {
            run(app, asked, None).await;
            Reply::new(status, JSON, full(body))
        }
        Action::Raw { bytes } => {
            drop(asked.call.json().await);
            control.end(Ending::Raw { bytes, pace: None }).await
        }
        Action::ResetBefore => control.end(Ending::Reset).await,
        Action::ResetAfter => {
            run(app, asked, None).await;
            control.end(Ending::Reset).await
        }
        Action::CloseAfter => {
            run(app, asked, None).await;
            control.end(Ending::Close).await
        }
        Action::CloseAfterAnswer => raw(app, control, asked, "HTTP/1.1", None).await,
        Action::Http10 => raw(app, control, asked, "HTTP/1.0", None).await,
        Action::Trickle { bytes_per_second } => {
            raw(app, control, asked, "HTTP/1.1", Some(bytes_per_second)).await
        }
        Action::CutAnswer { bytes } => {
            let mut answer = written(run(app, asked, None).await, "HTTP/1.1").await;
            answer.truncate(bytes);
            control.end(Ending::Cut { bytes: answer }).await
        }
        Action::CommitLate { delay } => {
            let body = asked.call.json().await.unwrap_or(Value::Null);
            let due = add(app.clock.now(), delay);
            app.spawn({
                let app = Arc::clone(app);
                async move {
                    app.clock.sleep_until(due).await;
                    drop(handle_json(&app, asked.call, body, None).await);
                }
            });
            control.end(Ending::Reset).await
        }
        Action::HangBefore => std::future::pending().await,
        Action::HangAfter => {
            let _kept = run(app, asked, None).await;
            std::future::pending().await
        }
        Action::Delay { delay } => {
            app.clock.sleep_until(add(app.clock.now(), delay)).await;
            run(app, asked, None).await
        }
        Action::Slow { bytes_per_second } => {
            let reply = run(app, asked, None).await;
            slow(app, reply, bytes_per_second)
        }
        Action::CutBody { bytes } => cut(run(app, asked, None).await, bytes).await,
        Action::TruncateBody { bytes: length } => {
            let (parts, mut body) = bytes(run(app, asked, None).await).await;
            body.truncate(length);
            whole(parts, body)
        }
        Action::Garbage {
            bytes: length,
            seed,
        } => {
            let (parts, _) = bytes(run(app, asked, None).await).await;
            let mut noise = vec![0; length];
            fastrand::Rng::with_seed(seed).fill(&mut noise);
            whole(parts, noise.into())
        }
        Action::DropFields { fields } => {
            let remove = |members: &mut Map<String, Value>| {
                members.retain(|name, _| !fields.contains(name));
            };
            edit(run(app, asked, None).await, remove).await
        }
        Action::SetFields { fields } => {
            let set = |members: &mut Map<String, Value>| members.extend(fields);
            edit(run(app, asked, None).await, set).await
        }
        Action::SetHeaders { headers } => set_headers(run(app, asked, None).await, &headers),
        Action::FlappingList {
            percent,
            seed,
            turn,
        } => {
            let turn = turn.next();
            let shown = |item: &Value| {
                let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
                draw(seed, id, turn).u8(0..100) >= percent
            };
            let flap = |members: &mut Map<String, Value>| {
                if let Some(Value::Array(items)) = members.get_mut("items") {
                    items.retain(shown);
                }
            };
            edit(run(app, asked, None).await, flap).await
        }
        Action::LookupCache {
            ttl,
            only_missing,
            memory,
        } => cached(app, asked, ttl, only_missing, &memory).await,
        Action::Vanish => {
            app.vanish(&sandbox_of(&asked.call)).await;
            run(app, asked, None).await
        }
        Action::Stop => {
            app.force_stop(&sandbox_of(&asked.call));
            app.settled().await;
            run(app, asked, None).await
        }
        Action::Swallow => {
            drop(asked.call.json().await);
            swallowed(app, &asked.call)
        }
        Action::RunTwice => twice(app, asked).await,
        Action::ClockJump { by } => {
            app.shift.jump(by);
            app.sweep();
            run(app, asked, None).await
        }
        action @ (Action::Stuck
        | Action::ErrorState { .. }
        | Action::StaleList { .. }
        | Action::Events(_)) => run(app, asked, Some(action)).await,
    }
}

/// The sandbox that a request names.
fn sandbox_of(call: &Call) -> String {
    let toolbox = call.matched.sandbox.clone();
    toolbox.unwrap_or_else(|| call.param(0).to_owned())
}

fn with_headers(mut reply: Reply, headers: &[(String, String)]) -> Reply {
    for (name, value) in headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            reply = reply.header(name, value);
        }
    }
    reply
}

/// Headers that cannot be sent are left out.
fn set_headers(mut reply: Reply, headers: &[(String, String)]) -> Reply {
    let all = reply.0.headers_mut();
    for (name, value) in headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            continue;
        };
        all.remove(&name);
        if let Ok(value) = HeaderValue::from_str(value)
            && !value.is_empty()
        {
            all.insert(name, value);
        }
    }
    reply
}

async fn bytes(reply: Reply) -> (response::Parts, Bytes) {
    let (parts, body) = reply.0.into_parts();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    (parts, bytes)
}

/// An answer with another body, whole and in good order.
fn whole(mut parts: response::Parts, body: Bytes) -> Reply {
    parts.headers.remove(CONTENT_LENGTH);
    Reply(Response::from_parts(parts, full(body)))
}

/// Changes the JSON object that is answered; anything else stays as it is.
async fn edit(reply: Reply, change: impl FnOnce(&mut Map<String, Value>)) -> Reply {
    let (parts, mut body) = bytes(reply).await;
    if let Ok(Value::Object(mut members)) = serde_json::from_slice(&body) {
        change(&mut members);
        body = serde_json::to_vec(&members).unwrap_or_default().into();
    }
    whole(parts, body)
}

/// An answer as it goes over the wire.
async fn written(reply: Reply, version: &str) -> Bytes {
    let (parts, body) = bytes(reply).await;
    let mut answer = BytesMut::new();
    let reason = parts.status.canonical_reason().unwrap_or("-");
    let status = StatusCode::as_u16(&parts.status);
    answer.put_slice(format!("{version} {status} {reason}\r\n").as_bytes());
    for (name, value) in &parts.headers {
        if name != CONTENT_LENGTH {
            answer.put_slice(name.as_str().as_bytes());
            answer.put_slice(b": ");
            answer.put_slice(value.as_bytes());
            answer.put_slice(b"\r\n");
        }
    }
    answer.put_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    answer.put_slice(&body);
    answer.freeze()
}

/// Answers and closes, without the server's own framing.
async fn raw(
    app: &Arc<App>,
    control: &Control,
    asked: Asked,
    version: &str,
    pace: Option<u64>,
) -> Reply {
    let bytes = written(run(app, asked, None).await, version).await;
    control.end(Ending::Raw { bytes, pace }).await
}

/// Answers from a look-up cache, or runs and keeps the answer.
async fn cached(
    app: &Arc<App>,
    asked: Asked,
    ttl: Duration,
    only_missing: bool,
    memory: &Memory,
) -> Reply {
    let (path, now) = (asked.call.path.clone(), app.clock.now());
    if let Some((status, body)) = memory.get(&path, before(now, ttl)) {
        return Reply::new(status, JSON, full(body));
    }
    let (parts, body) = bytes(run(app, asked, None).await).await;
    if parts.status == StatusCode::NOT_FOUND || !only_missing {
        memory.keep(&path, now, parts.status.as_u16(), body.clone());
    }
    whole(parts, body)
}

/// What a success would answer.
fn swallowed(app: &Arc<App>, call: &Call) -> Reply {
    let route = call.matched.route.unwrap_or_default();
    if route == "updateLastActivity" {
        return Reply::empty(201);
    }
    if call.matched.api == Api::ObjectStorage {
        return Reply::empty(200);
    }
    let shown = lifecycle::get(app, &sandbox_of(call));
    shown.unwrap_or_else(|_| {
        let state = SandboxState::Destroyed;
        Reply::json(200, &serde_json::json!({ "state": state.as_str() }))
    })
}

/// Runs a request of the control plane twice; the bodies of the toolbox and of the object storage are streams and run
/// once.
async fn twice(app: &Arc<App>, asked: Asked) -> Reply {
    let matched = &asked.call.matched;
    if matched.sandbox.is_some() || matched.api == Api::ObjectStorage {
        return run(app, asked, None).await;
    }
    let mut call = asked.call;
    let body = call.json().await.unwrap_or(Value::Null);
    let mut last = Reply::empty(500);
    for _ in 0..2 {
        let again = Call {
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: call.headers.clone(),
            matched: call.matched.clone(),
            body: None,
            upgrade: None,
        };
        let now = app.clock.now();
        last = match handle_json(app, again, body.clone(), None).await {
            Ok(reply) => reply,
            Err(failure) => failure.render(call.matched.api, &call.method, &call.path, now),
        };
    }
    last
}

/// Promises the whole body and breaks off.
async fn cut(reply: Reply, at: usize) -> Reply {
    let (mut parts, body) = bytes(reply).await;
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let head = body.slice(..at.min(body.len()));
    let frames = futures_util::stream::iter([
        Ok(Frame::data(head)),
        Err(io::Error::other("a fault broke the body off")),
    ]);
    Reply(Response::from_parts(
        parts,
        StreamBody::new(frames).boxed_unsync(),
    ))
}

/// The body stays what it is, so a sandbox it belongs to stays in use until the last byte.
fn slow(app: &Arc<App>, reply: Reply, bytes_per_second: u64) -> Reply {
    let (mut parts, body): (_, Body) = reply.0.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    let step = usize::try_from((bytes_per_second / 10).max(1)).unwrap_or(usize::MAX);
    let nanos = 1_000_000_000 * step as u64 / bytes_per_second;
    let pause = Duration::from_nanos(nanos);
    let app = Arc::clone(app);
    let frames =
        futures_util::stream::try_unfold((body, Bytes::new()), move |(mut body, mut rest)| {
            let app = Arc::clone(&app);
            async move {
                while rest.is_empty() {
                    match body.frame().await {
                        None => return Ok(None),
                        Some(frame) => rest = frame?.into_data().unwrap_or_default(),
                    }
                }
                let chunk = rest.split_to(step.min(rest.len()));
                app.clock.sleep_until(add(app.clock.now(), pause)).await;
                Ok(Some((Frame::data(chunk), (body, rest))))
            }
        });
    Reply(Response::from_parts(
        parts,
        StreamBody::new(frames).boxed_unsync(),
    ))
}
