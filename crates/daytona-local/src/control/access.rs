//! Addresses by which what listens in a sandbox is reached, and who may.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::keys::SignedFile;
use super::row::Row;
use super::store::Store;
use crate::server::Call;
use crate::server::app::App;
use crate::server::query::Query;
use crate::server::reply::{Failure, Reply};
use crate::server::router::Matched;

/// How long a signed address works, in seconds.
const DEFAULT: i64 = 60;
const LONGEST: i64 = 86_400;

impl Store {
    /// The sandbox that a signed token opens at this port.
    pub(crate) fn signed(&mut self, port: u16, token: &str, now: Timestamp) -> Option<&mut Row> {
        let mut rows = self.rows.values();
        let row = rows.find(|row| row.keys.is_signed(port, token, now))?;
        let id = row.id.clone();
        self.keeps(&id).ok()
    }
}

fn port(text: &str) -> Result<u16, Failure> {
    let port = text.parse().ok().filter(|&port| port > 0);
    port.ok_or_else(|| Failure::bad("Invalid port"))
}

/// By its id only.
fn by_id<'a>(store: &'a mut Store, id: &str) -> Result<&'a mut Row, Failure> {
    if store.rows.contains_key(id) {
        return store.keeps(id);
    }
    Err(Failure::not_found(format!(
        "Sandbox with ID {id} not found"
    )))
}

pub(crate) fn preview_url(app: &App, call: &Call) -> Result<Reply, Failure> {
    let port = port(call.param(1))?;
    let mut store = app.store();
    let row = store.find(call.param(0))?;
    Ok(Reply::json(
        200,
        &json!({
            "sandboxId": row.id,
            "url": app.preview_url(port, &row.id),
            "token": row.keys.preview(),
        }),
    ))
}

pub(crate) fn signed_url(app: &App, call: &Call) -> Result<Reply, Failure> {
    let port = port(call.param(1))?;
    let seconds = call.query.number("expiresInSeconds")?.unwrap_or(DEFAULT);
    let time = u64::try_from(seconds).ok();
    let time = time.filter(|_| (1..=LONGEST).contains(&seconds));
    let time = time
        .ok_or_else(|| Failure::bad(format!("expiresInSeconds must be between 1 and {LONGEST}")))?;
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.keeps(call.param(0))?;
    let token = row.keys.sign(port, now, Duration::from_secs(time));
    Ok(Reply::json(
        200,
        &json!({
            "sandboxId": row.id,
            "port": port,
            "token": token,
            "url": app.preview_url(port, &token),
        }),
    ))
}

pub(crate) fn expire_signed_url(app: &App, call: &Call) -> Result<Reply, Failure> {
    let port = port(call.param(1))?;
    let mut store = app.store();
    let row = store.find(call.param(0))?;
    row.keys.expire(port, call.param(2));
    Ok(Reply::empty(200))
}

pub(crate) fn signing_key(app: &App, id: &str) -> Result<Reply, Failure> {
    let mut store = app.store();
    Ok(Reply::json(200, &by_id(&mut store, id)?.keys.signing()))
}

pub(crate) fn rotate_signing_key(app: &App, id: &str) -> Result<Reply, Failure> {
    let mut store = app.store();
    let key = by_id(&mut store, id)?.keys.renew_signing();
    Ok(Reply::json(200, &key))
}

/// Whether the address of a request is signed for the file that it is about.
pub(crate) fn opens_file(app: &App, matched: &Matched, method: &str, asked: &str) -> bool {
    if !matches!(matched.route, Some("DownloadFile" | "UploadFile")) {
        return false;
    }
    let query = Query::parse(asked);
    let given = |name| query.get(name).unwrap_or_default();
    let file = SignedFile {
        method,
        path: given("path"),
        expires: given("expires"),
        signature: given("signature"),
    };
    let id = matched.sandbox.as_deref().unwrap_or_default();
    let now = app.clock.now();
    let mut store = app.store();
    let row = by_id(&mut store, id);
    row.is_ok_and(|row| row.keys.signs_file(&file, now))
}

pub(crate) fn is_public(app: &App, id: &str) -> Result<Reply, Failure> {
    let public = by_id(&mut app.store(), id)?.public;
    Ok(Reply::json(200, &public))
}

/// The holder of the API key may use every sandbox there is.
pub(crate) fn has_access(app: &App, id: &str) -> Result<Reply, Failure> {
    by_id(&mut app.store(), id)?;
    Ok(Reply::json(200, &true))
}

pub(crate) fn is_valid_token(app: &App, call: &Call) -> Result<Reply, Failure> {
    let mut store = app.store();
    let row = by_id(&mut store, call.param(0))?;
    Ok(Reply::json(200, &row.keys.is_preview(call.param(1))))
}

/// No page comes before a preview here.
pub(crate) fn warning(app: &App, call: &Call) -> Result<Reply, Failure> {
    let asked = call.query.get("port").map(port).transpose()?;
    let now = app.clock.now();
    let mut store = app.store();
    let signed = asked.is_some_and(|port| store.signed(port, call.param(0), now).is_some());
    if !signed {
        by_id(&mut store, call.param(0))?;
    }
    Ok(Reply::json(200, &json!({ "enabled": false })))
}

pub(crate) fn sandbox_of_token(app: &App, call: &Call) -> Result<Reply, Failure> {
    let port = port(call.param(1))?;
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.signed(port, call.param(0), now);
    // without the token, which the client knows
    let unknown = || Failure::not_found("Invalid or expired signed preview URL token");
    Ok(Reply::json(200, &row.ok_or_else(unknown)?.id))
}
