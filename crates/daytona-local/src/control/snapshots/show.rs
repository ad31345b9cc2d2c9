//! Snapshots as they are listed and looked up, and the logs of their builds.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::json;

use super::Snapshot;
use crate::app::App;
use crate::web::query::Query;
use crate::web::reply::{Failure, Reply};

pub(crate) fn get(app: &App, key: &str) -> Result<Reply, Failure> {
    let store = app.store();
    Ok(Reply::json(200, &store.snapshots.need(key)?.view()))
}

const SORTS: [&str; 4] = ["lastUsedAt", "name", "state", "createdAt"];

pub(crate) fn list(app: &App, query: &Query) -> Result<Reply, Failure> {
    let (page, limit) = query.page()?;
    let (sort, ascending) = query.sort(&SORTS)?;
    let given = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let part = given("name").map(str::to_lowercase);
    let source = given("sourceSandboxId");
    let store = app.store();
    let mut found: Vec<&Snapshot> = store
        .snapshots
        .rows
        .values()
        .filter(|snapshot| {
            let named = part
                .as_ref()
                .is_none_or(|part| snapshot.name.to_lowercase().contains(part));
            named && source.is_none_or(|source| snapshot.source.as_deref() == Some(source))
        })
        .collect();
    found.sort_by(|a, b| compare(a, b, sort, ascending).then_with(|| a.name.cmp(&b.name)));
    let items: Vec<_> = found
        .iter()
        .skip((page - 1).saturating_mul(limit))
        .take(limit)
        .map(|snapshot| snapshot.view())
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "items": items,
            "total": found.len(),
            "page": page,
            "totalPages": found.len().div_ceil(limit),
        }),
    ))
}

/// Those that were never used come last, whatever the order.
fn compare(a: &Snapshot, b: &Snapshot, sort: &str, ascending: bool) -> Ordering {
    let turned = |order: Ordering| if ascending { order } else { order.reverse() };
    match sort {
        "name" => turned(a.name.cmp(&b.name)),
        "state" => turned(a.state.as_str().cmp(b.state.as_str())),
        "createdAt" => turned(a.created_at.cmp(&b.created_at)),
        _ => match (a.last_used_at, b.last_used_at) {
            (Some(a), Some(b)) => turned(a.cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}

/// Where the log is: at the proxy, as the service has it.
pub(crate) fn log_url(app: &App, id: &str) -> Result<Reply, Failure> {
    let store = app.store();
    let snapshot = store.snapshots.need(id)?;
    if snapshot.build.is_none() {
        return Err(not_built(id));
    }
    let url = format!("{}/snapshots/{}/build-logs", app.origin(), snapshot.id);
    Ok(Reply::json(200, &json!({ "url": url })))
}

pub(crate) fn log(app: &Arc<App>, id: &str, query: &Query) -> Result<Reply, Failure> {
    let log = {
        let store = app.store();
        let build = store.snapshots.need(id)?.build.as_ref();
        build
            .map(|build| build.log.clone())
            .ok_or_else(|| not_built(id))?
    };
    Ok(log.reply(app, query))
}

fn not_built(id: &str) -> Failure {
    Failure::not_found(format!("Snapshot with ID {id} has no build info"))
}
