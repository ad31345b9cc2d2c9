//! Routes a client asks once: configuration, health, the toolbox's address, snapshots.

use std::sync::Arc;

use serde_json::{Value, json};

use super::view::{ORGANIZATION, VERSION, time};
use crate::image::Plan;
use crate::server::app::App;
use crate::server::ident;
use crate::server::query::Query;
use crate::server::reply::{Failure, Reply};

pub(crate) fn config(app: &App) -> Reply {
    let url = app.origin();
    Reply::json(
        200,
        &json!({
            "version": VERSION,
            "oidc": { "issuer": url, "clientId": "daytona-local", "audience": "daytona-local" },
            "linkedAccountsEnabled": false,
            "announcements": {},
            "proxyTemplateUrl": format!("{url}/proxy/{{{{PORT}}}}/{{{{sandboxId}}}}"),
            "proxyToolboxUrl": app.proxy_url(),
            "defaultSnapshot": app.options.default_snapshot,
            "dashboardUrl": url,
            "maxAutoArchiveInterval": 43_200,
            "maintananceMode": false,
            "environment": "local",
        }),
    )
}

pub(crate) fn health() -> Reply {
    Reply::json(200, &json!({ "status": "ok" }))
}

pub(crate) fn toolbox_proxy_url(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    Ok(Reply::json(200, &json!({ "url": app.proxy_url() })))
}

fn snapshot(app: &App, name: &str, plan: Option<&Plan>) -> Value {
    let since = time(app.started);
    let failed = plan.and_then(|plan| plan.failed.as_deref());
    json!({
        "id": ident::uuid_of(name),
        "organizationId": ORGANIZATION,
        "general": true,
        "name": name,
        "imageName": name,
        "state": if failed.is_some() { "build_failed" } else { "active" },
        "size": 0,
        "entrypoint": [],
        "cpu": 1,
        "gpu": 0,
        "mem": 1,
        "disk": 3,
        "errorReason": failed,
        "createdAt": since,
        "updatedAt": since,
        "lastUsedAt": since,
    })
}

pub(crate) fn snapshots(app: &App, query: &Query) -> Result<Reply, Failure> {
    let (page, limit) = query.page()?;
    let store = app.store();
    let names = &store.snapshots;
    let items: Vec<Value> = names
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(|name| snapshot(app, name, store.built.get(name).map(AsRef::as_ref)))
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "items": items,
            "total": names.len(),
            "page": page,
            "totalPages": names.len().div_ceil(limit),
        }),
    ))
}

/// Known and active at once: nothing is pulled. Or failed at once, where the image cannot be built.
pub(crate) fn create_snapshot(
    app: &App,
    body: &Value,
    plan: Option<Arc<Plan>>,
) -> Result<Reply, Failure> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Failure::bad(
            "name must be a string, name should not be empty",
        ));
    }
    let view = snapshot(app, name, plan.as_deref());
    let mut store = app.store();
    if !store.snapshots.insert(name.to_owned()) {
        let message = format!("Snapshot with name \"{name}\" already exists for this organization");
        return Err(Failure::conflict(message));
    }
    if let Some(plan) = plan {
        store.built.insert(name.to_owned(), plan);
    }
    store.news.tell("snapshot.created", |_| view.clone());
    Ok(Reply::json(200, &view))
}

pub(crate) fn one_snapshot(app: &App, key: &str) -> Result<Reply, Failure> {
    let store = app.store();
    let name = store
        .snapshots
        .iter()
        .find(|name| *name == key || ident::uuid_of(name) == key);
    let name = name.ok_or_else(|| Failure::not_found(format!("Snapshot {key} not found")))?;
    let plan = store.built.get(name).map(AsRef::as_ref);
    Ok(Reply::json(200, &snapshot(app, name, plan)))
}
