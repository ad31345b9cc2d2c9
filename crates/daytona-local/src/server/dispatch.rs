//! One request from its head to its answer: origin, route, token, faults, handler, log.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use daytona_api::routes::Api;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use serde_json::{Map, Value};

use super::app::App;
use super::auth;
use super::connection::{Control, Ending};
use super::query::Query;
use super::reply::{Body, Failure, Reply, full};
use super::router::{self, Matched};
use crate::clock::add;
use crate::control::{create, lifecycle, list, misc, settings};
use crate::faults::{Action, RequestInfo};
use crate::toolbox;

/// The largest JSON body. Files are not sent as JSON.
const MAX_JSON: usize = 64 * 1024 * 1024;

/// A request that a handler works on.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) matched: Matched,
    pub(crate) body: Option<Incoming>,
    /// Alive as long as the client waits for the answer.
    pub(crate) client: Weak<()>,
}

impl Call {
    /// The parameter of the path at this place, empty if there is none.
    pub(crate) fn param(&self, place: usize) -> &str {
        self.matched.params.get(place).map_or("", String::as_str)
    }

    pub(crate) async fn json(&mut self) -> Result<Value, Failure> {
        let Some(body) = self.body.take() else {
            return Ok(Value::Null);
        };
        let collected = Limited::new(body, MAX_JSON).collect().await;
        let bytes = collected
            .map_err(|_| Failure::new(413, "PAYLOAD_TOO_LARGE", "request entity too large"))?
            .to_bytes();
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| Failure::bad("Invalid JSON in request body"))
    }
}

/// Ends the log entry of a request, also when its client goes away.
struct Entry {
    app: Arc<App>,
    index: u64,
    status: Option<u16>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.app.log.end(self.index, self.status);
    }
}

pub(crate) async fn answer(
    app: Arc<App>,
    control: Arc<Control>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let (method, path) = (
        parts.method.as_str().to_owned(),
        parts.uri.path().to_owned(),
    );
    let matched = router::find(&method, &path);
    let (api, route) = (matched.api, matched.route);
    let now = app.clock.now();
    let index = app.log.start(&method, &path, route, now);
    let mut entry = Entry {
        app: Arc::clone(&app),
        index,
        status: None,
    };
    app.sweep();

    let public = matches!(
        route,
        Some("HealthController_live" | "HealthController_check")
    );
    let checked = auth::check_origin(&app, &parts.headers)
        .and_then(|()| {
            if route.is_none() {
                not_found(&method, &path)
            } else {
                Ok(())
            }
        })
        .and_then(|()| {
            if public {
                Ok(())
            } else {
                auth::check_token(&app, &parts.headers)
            }
        });
    if let Err(failure) = checked {
        entry.status = Some(failure.status);
        return Ok(failure.render(api, &method, &path, now).0);
    }

    let info = RequestInfo {
        method: method.clone(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        route: route.unwrap_or_default(),
    };
    let action = app.faults.strike(&info);
    let call = Call {
        method: method.clone(),
        path: path.clone(),
        query: Query::parse(&info.query),
        headers: parts.headers,
        matched,
        body: Some(body),
        client: Weak::new(),
    };
    let reply = perform(&app, &control, call, action).await;
    entry.status = Some(reply.0.status().as_u16());
    Ok(reply.0)
}

fn not_found(method: &str, path: &str) -> Result<(), Failure> {
    Err(Failure::not_found(format!("Cannot {method} {path}")))
}

/// The handler runs as a task of its own: what was begun is finished even if the client goes away.
async fn run(app: &Arc<App>, mut call: Call, action: Option<Action>) -> Reply {
    let client = Arc::new(());
    call.client = Arc::downgrade(&client);
    let task = app.spawn({
        let app = Arc::clone(app);
        async move {
            let (api, method, path) = (call.matched.api, call.method.clone(), call.path.clone());
            match handle(&app, call, action.as_ref()).await {
                Ok(reply) => reply,
                Err(failure) => failure.render(api, &method, &path, app.clock.now()),
            }
        }
    });
    let reply = task.await.unwrap_or_else(|_| Reply::empty(500));
    drop(client);
    reply
}

async fn perform(
    app: &Arc<App>,
    control: &Control,
    mut call: Call,
    action: Option<Action>,
) -> Reply {
    match action {
        None => run(app, call, None).await,
        Some(Action::Answer {
            status,
            body,
            content_type,
            headers,
        }) => {
            // The body is read, so that the answer is not lost to a reset.
            drop(call.json().await);
            let mut reply = Reply::new(status, content_type, full(body));
            for (name, value) in headers {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    reply = reply.header(name, &value);
                }
            }
            reply
        }
        Some(Action::AnswerAfter { status, body }) => {
            run(app, call, None).await;
            Reply::new(status, "application/json; charset=utf-8", full(body))
        }
        Some(Action::ResetBefore) => control.end(Ending::Reset).await,
        Some(Action::ResetAfter) => {
            run(app, call, None).await;
            control.end(Ending::Reset).await
        }
        Some(Action::CloseAfter) => {
            run(app, call, None).await;
            control.end(Ending::Close).await
        }
        Some(Action::CommitLate { delay }) => {
            let body = call.json().await.unwrap_or(Value::Null);
            let due = add(app.clock.now(), delay);
            app.spawn({
                let app = Arc::clone(app);
                async move {
                    app.clock.sleep_until(due).await;
                    drop(handle_json(&app, call, body, None).await);
                }
            });
            control.end(Ending::Reset).await
        }
        Some(Action::HangBefore) => std::future::pending().await,
        Some(Action::HangAfter) => {
            let _kept = run(app, call, None).await;
            std::future::pending().await
        }
        Some(Action::Delay { delay }) => {
            app.clock.sleep_until(add(app.clock.now(), delay)).await;
            run(app, call, None).await
        }
        Some(Action::Slow { bytes_per_second }) => {
            let reply = run(app, call, None).await;
            slow(app, reply, bytes_per_second)
        }
        Some(Action::CutBody { bytes }) => cut(run(app, call, None).await, bytes).await,
        Some(Action::DropFields { fields }) => {
            let remove = |members: &mut Map<String, Value>| {
                members.retain(|name, _| !fields.contains(name));
            };
            edit(run(app, call, None).await, remove).await
        }
        Some(Action::SetFields { fields }) => {
            let set = |members: &mut Map<String, Value>| members.extend(fields);
            edit(run(app, call, None).await, set).await
        }
        Some(Action::Vanish) => {
            let key = call
                .matched
                .sandbox
                .clone()
                .unwrap_or_else(|| call.param(0).to_owned());
            app.vanish(&key).await;
            run(app, call, None).await
        }
        Some(action @ (Action::Stuck | Action::ErrorState { .. })) => {
            run(app, call, Some(action)).await
        }
    }
}

async fn bytes(reply: Reply) -> (http::response::Parts, Bytes) {
    let (parts, body) = reply.0.into_parts();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    (parts, bytes)
}

/// Changes the JSON object that is answered; anything else stays as it is.
async fn edit(reply: Reply, change: impl FnOnce(&mut Map<String, Value>)) -> Reply {
    let (mut parts, mut body) = bytes(reply).await;
    if let Ok(Value::Object(mut members)) = serde_json::from_slice(&body) {
        change(&mut members);
        body = serde_json::to_vec(&members).unwrap_or_default().into();
    }
    parts.headers.remove(CONTENT_LENGTH);
    Reply(Response::from_parts(parts, full(body)))
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
    let (mut parts, body) = reply.0.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    let step = usize::try_from((bytes_per_second / 10).max(1)).unwrap_or(usize::MAX);
    let nanos = 1_000_000_000 * step as u64 / bytes_per_second;
    let pause = std::time::Duration::from_nanos(nanos);
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

async fn handle(app: &Arc<App>, mut call: Call, fault: Option<&Action>) -> Result<Reply, Failure> {
    if call.matched.api == Api::Toolbox {
        return toolbox::handle(app, call).await;
    }
    let body = match call.method.as_str() {
        "POST" | "PUT" | "PATCH" => call.json().await?,
        _ => Value::Null,
    };
    handle_json(app, call, body, fault).await
}

async fn handle_json(
    app: &Arc<App>,
    call: Call,
    body: Value,
    fault: Option<&Action>,
) -> Result<Reply, Failure> {
    let key = call.param(0);
    match call.matched.route.unwrap_or_default() {
        "createSandbox" => create::create(app, &body, fault),
        "listSandboxes" => list::list(app, &call.query),
        "listSandboxesPaginated_deprecated" => list::paginated(app, &call.query),
        "getSandbox" => lifecycle::get(app, key),
        "deleteSandbox" => lifecycle::delete(app, key),
        "startSandbox" => lifecycle::start(app, key, fault),
        "stopSandbox" => lifecycle::stop(app, key),
        "archiveSandbox" => lifecycle::archive(app, key),
        "pauseSandbox" | "forkSandbox" => lifecycle::only_machines(app, key),
        "updateNetworkSettings" => settings::network(app, key, &body),
        "createSnapshot" => misc::create_snapshot(app, &body),
        "replaceLabels" => settings::labels(app, key, &body),
        "setAutostopInterval" => settings::auto_stop(app, key, call.param(1)),
        "setAutoArchiveInterval" => settings::auto_archive(app, key, call.param(1)),
        "setAutoDeleteInterval" => settings::auto_delete(app, key, call.param(1)),
        "setTtl" => settings::ttl(app, key, call.param(1)),
        "updatePublicStatus" => settings::public(app, key, call.param(1)),
        "updateLastActivity" => settings::last_activity(app, key),
        "getToolboxProxyUrl" => misc::toolbox_proxy_url(app, key),
        "ConfigController_getConfig" => Ok(misc::config(app)),
        "HealthController_live" | "HealthController_check" => Ok(misc::health()),
        "getAllSnapshots" => misc::snapshots(app, &call.query),
        "getSnapshot" => misc::one_snapshot(app, key),
        route => Err(Failure::new(
            501,
            "NOT_IMPLEMENTED",
            format!("{route} is not served by this embedded server"),
        )),
    }
}
