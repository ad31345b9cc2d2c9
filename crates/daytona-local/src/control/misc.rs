//! Routes a client asks once: configuration, health, the toolbox's address, snapshots.

use serde_json::{Value, json};

use super::view::{ORGANIZATION, VERSION, time};
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
            "proxyTemplateUrl": app.preview_url("{{PORT}}", "{{sandboxId}}"),
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

fn snapshot(app: &App, name: &str) -> Value {
    let since = time(app.started);
    json!({
        "id": ident::uuid_of(name),
        "organizationId": ORGANIZATION,
        "general": true,
        "name": name,
        "imageName": name,
        "state": "active",
        "size": 0,
        "entrypoint": [],
        "cpu": 1,
        "gpu": 0,
        "mem": 1,
        "disk": 3,
        "errorReason": null,
        "createdAt": since,
        "updatedAt": since,
        "lastUsedAt": since,
    })
}

pub(crate) fn snapshots(app: &App, query: &Query) -> Result<Reply, Failure> {
    let (page, limit) = query.page()?;
    let names: Vec<String> = app.store().snapshots.iter().cloned().collect();
    let items: Vec<Value> = names
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(|name| snapshot(app, name))
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

/// Known and active at once: nothing is pulled.
pub(crate) fn create_snapshot(app: &App, body: &Value) -> Result<Reply, Failure> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Failure::bad(
            "name must be a string, name should not be empty",
        ));
    }
    let view = snapshot(app, name);
    let mut store = app.store();
    if !store.snapshots.insert(name.to_owned()) {
        let message = format!("Snapshot with name \"{name}\" already exists for this organization");
        return Err(Failure::conflict(message));
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
    let name = name.cloned();
    drop(store);
    let name = name.ok_or_else(|| Failure::not_found(format!("Snapshot {key} not found")))?;
    Ok(Reply::json(200, &snapshot(app, &name)))
}
