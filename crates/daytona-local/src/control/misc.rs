//! Routes a client asks once: configuration, health and the toolbox's address.

use serde_json::json;

use super::view::VERSION;
use crate::app::App;
use crate::web::reply::{Failure, Reply};

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
