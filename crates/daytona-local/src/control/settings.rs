//! Labels, intervals, last activity.

use serde_json::{Value, json};

use super::create::{archive_interval, stop_interval, ttl_minutes};
use super::row::Row;
use crate::clock::add;
use crate::server::app::App;
use crate::server::reply::{Failure, Reply};

pub(super) fn minutes(text: &str) -> Result<i64, Failure> {
    let number = text.parse();
    number.map_err(|_| Failure::bad("Validation failed (numeric string is expected)"))
}

pub(super) fn change(
    app: &App,
    key: &str,
    status: u16,
    change: impl FnOnce(&mut Row) -> Result<(), Failure>,
) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.find(key)?;
    change(row)?;
    row.updated_at = now;
    Ok(Reply::json(status, &row.view(&app.proxy_url())))
}

pub(crate) fn labels(app: &App, key: &str, body: &Value) -> Result<Reply, Failure> {
    let wanted = || Failure::bad("labels must be an object with string values");
    let labels = body
        .get("labels")
        .and_then(Value::as_object)
        .ok_or_else(wanted)?;
    let labels: Option<_> = labels
        .iter()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let labels = labels.ok_or_else(wanted)?;
    let mut store = app.store();
    let row = store.find(key)?;
    row.labels = labels;
    row.updated_at = app.clock.now();
    Ok(Reply::json(200, &json!({ "labels": row.labels })))
}

pub(crate) fn auto_stop(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    let value = stop_interval(minutes(value)?)?;
    change(app, key, 200, |row| {
        row.intervals.stop = value;
        Ok(())
    })
}

pub(crate) fn auto_archive(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    let value = archive_interval(minutes(value)?)?;
    change(app, key, 200, |row| {
        row.intervals.archive = value;
        Ok(())
    })
}

pub(crate) fn auto_delete(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    let value = minutes(value)?;
    change(app, key, 200, |row| {
        row.intervals.delete = value;
        Ok(())
    })
}

pub(crate) fn ttl(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    if !app.options.time_to_live {
        return Err(Failure::not_found(format!(
            "Cannot POST /api/sandbox/{key}/ttl/{value}"
        )));
    }
    let value = ttl_minutes(minutes(value)?)?;
    let now = app.clock.now();
    change(app, key, 200, |row| {
        row.auto_destroy_at = value.map(|value| add(now, value));
        Ok(())
    })
}

pub(crate) fn public(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    let value = value == "true";
    change(app, key, 200, |row| {
        row.public = value;
        Ok(())
    })
}

/// What is not given stays; programs that are already running keep the network they have.
pub(crate) fn network(app: &App, key: &str, body: &Value) -> Result<Reply, Failure> {
    let block = match body.get("networkBlockAll") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(block)) => Some(*block),
        Some(_) => return Err(Failure::bad("networkBlockAll must be a boolean value")),
    };
    change(app, key, 200, |row| {
        row.network_block_all = block.unwrap_or(row.network_block_all);
        Ok(())
    })
}

pub(crate) fn last_activity(app: &App, id: &str) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    // By id only.
    let known = store.rows.contains_key(id);
    if !known {
        return Err(Failure::not_found(format!(
            "Sandbox with ID or name {id} not found"
        )));
    }
    let row = store.find(id)?;
    row.active(now);
    Ok(Reply::empty(201))
}
