//! Tokens for SSH. There is no SSH server here: they are made, told apart and revoked, and open nothing.

use std::time::Duration;

use serde_json::json;

use super::view::time;
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// How long a token is good, in minutes. The longest is a year.
const DEFAULT: i64 = 60;
const LONGEST: i64 = 366 * 24 * 60;

/// A name that no machine ever has (RFC 2606): a token that is typed goes nowhere.
const GATEWAY: &str = "ssh.daytona-local.invalid";

pub(crate) fn create(app: &App, call: &Call) -> Result<Reply, Failure> {
    let minutes = call.query.number("expiresInMinutes")?.unwrap_or(DEFAULT);
    let good = u64::try_from(minutes).ok();
    let good = good.filter(|_| (1..=LONGEST).contains(&minutes));
    let good = good
        .ok_or_else(|| Failure::bad(format!("expiresInMinutes must be between 1 and {LONGEST}")))?;
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.keeps(call.param(0))?;
    let ssh = row.keys.open_ssh(now, Duration::from_secs(good * 60));
    Ok(Reply::json(
        200,
        &json!({
            "id": ssh.id,
            "sandboxId": row.id,
            "token": ssh.token,
            "expiresAt": time(ssh.until),
            "createdAt": time(ssh.created),
            "updatedAt": time(ssh.created),
            "sshCommand": format!("ssh {}@{GATEWAY}", ssh.token),
        }),
    ))
}

pub(crate) fn revoke(app: &App, call: &Call) -> Result<Reply, Failure> {
    let token = call.query.get("token").filter(|token| !token.is_empty());
    let mut store = app.store();
    let row = store.find(call.param(0))?;
    row.keys.close_ssh(token);
    Ok(Reply::json(200, &row.view(&app.proxy_url())))
}

pub(crate) fn validate(app: &App, call: &Call) -> Result<Reply, Failure> {
    let given = call.query.get("token").filter(|token| !token.is_empty());
    let given = given.ok_or_else(|| Failure::bad("token should not be empty"))?;
    let now = app.clock.now();
    let mut store = app.store();
    let mut rows = store.rows.values();
    let found = rows.find(|row| row.keys.is_ssh(given, now));
    let id = found.map(|row| row.id.clone());
    let id = id.filter(|id| store.keeps(id).is_ok());
    Ok(Reply::json(
        200,
        // a text in any case, as the documents have it: official clients take no null
        &json!({ "valid": id.is_some(), "sandboxId": id.unwrap_or_default() }),
    ))
}
