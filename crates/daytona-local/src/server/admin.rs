//! `/admin/`: what a test does with [`Server`](super::Server) in this process, for one in another.

use std::sync::Arc;

use bytes::Bytes;
use daytona_api::routes::Api;
use http::request::Parts;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use crate::app::App;
use crate::control::SandboxRow;
use crate::faults::{FaultScript, FaultStatus};
use crate::log::RequestRecord;
use crate::web::reply::{Failure, Reply};

pub(super) const PREFIX: &str = "/admin/";

/// The largest body.
const MAX_BODY: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jump {
    seconds: f64,
}

/// Neither faults nor the log know of these requests.
pub(super) async fn answer(app: &Arc<App>, parts: &Parts, body: Incoming) -> Reply {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let checked = auth::check_origin(app, None, &parts.headers)
        .and_then(|()| auth::check_token(app, &parts.headers));
    let done = match checked {
        Ok(()) => act(app, method, path.strip_prefix(PREFIX).unwrap_or(path), body).await,
        Err(failure) => Err(failure),
    };
    done.unwrap_or_else(|failure| failure.render(Api::ControlPlane, method, path, app.clock.now()))
}

async fn act(app: &Arc<App>, method: &str, path: &str, body: Incoming) -> Result<Reply, Failure> {
    match (method, path) {
        ("GET", "faults") => Ok(statuses(app, |_| true)),
        ("POST", "faults") => {
            let script = text(body).await?;
            let script =
                FaultScript::parse(&script).map_err(|error| Failure::bad(error.to_string()))?;
            let ids: Vec<_> = app
                .faults
                .load(script)
                .iter()
                .map(|handle| handle.id())
                .collect();
            Ok(statuses(app, |status| ids.contains(&status.id)))
        }
        ("DELETE", "faults") => {
            app.faults.clear();
            Ok(Reply::empty(204))
        }
        ("DELETE", path) if path.starts_with("faults/") => {
            let id = path.trim_start_matches("faults/");
            let removed = id.parse().is_ok_and(|id| app.faults.remove(id));
            if removed {
                Ok(Reply::empty(204))
            } else {
                Err(Failure::not_found(format!(
                    "there is no fault {id} that may still strike"
                )))
            }
        }
        ("POST", "clock/jump") => {
            let wanted = "expected {\"seconds\": NUMBER}; a negative one goes back";
            let jump: Jump = serde_json::from_str(&text(body).await?)
                .map_err(|error| Failure::bad(format!("{error}: {wanted}")))?;
            let by = SignedDuration::try_from_secs_f64(jump.seconds)
                .map_err(|_| Failure::bad(wanted))?;
            app.shift.jump(by);
            app.sweep();
            Ok(Reply::json(
                200,
                &json!({ "now": app.clock.now().to_string() }),
            ))
        }
        ("GET", "clock") => Ok(Reply::json(
            200,
            &json!({ "now": app.clock.now().to_string() }),
        )),
        ("GET", "requests") => {
            let records = app.log.records();
            let records: Vec<_> = records.iter().map(record).collect();
            Ok(Reply::json(200, &json!({ "items": records })))
        }
        ("GET", "sandboxes") => {
            app.sweep();
            let mut rows: Vec<_> = app.store().rows.values().map(SandboxRow::of).collect();
            rows.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            let rows: Vec<_> = rows.iter().map(row).collect();
            Ok(Reply::json(200, &json!({ "items": rows })))
        }
        _ => Err(Failure::not_found(format!(
            "Cannot {method} {PREFIX}{path}; there are GET, POST and DELETE faults, DELETE faults/ID, GET clock, \
             POST clock/jump, GET requests, GET sandboxes"
        ))),
    }
}

async fn text(body: Incoming) -> Result<String, Failure> {
    let collected = Limited::new(body, MAX_BODY).collect().await;
    let bytes: Bytes = collected
        .map_err(|_| Failure::new(413, "PAYLOAD_TOO_LARGE", "request entity too large"))?
        .to_bytes();
    String::from_utf8(bytes.to_vec()).map_err(|_| Failure::bad("the body is no UTF-8"))
}

fn statuses(app: &App, shown: impl Fn(&FaultStatus) -> bool) -> Reply {
    let mut all = app.faults.status();
    all.retain(shown);
    Reply::json(200, &json!({ "items": all }))
}

fn record(record: &RequestRecord) -> Value {
    json!({
        "method": record.method,
        "path": record.path,
        "route": record.route,
        "status": record.status,
        "at": record.at.to_string(),
        "started": record.started,
        "ended": record.ended,
    })
}

fn row(row: &SandboxRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "reportedState": row.reported_state,
        "desiredState": row.desired_state,
        "labels": row.labels,
        "errorReason": row.error_reason,
        "createdAt": row.created_at.to_string(),
        "lastActivityAt": row.last_activity_at.to_string(),
        "autoDestroyAt": row.auto_destroy_at.map(|at| at.to_string()),
        "openRequests": row.open_requests,
    })
}
