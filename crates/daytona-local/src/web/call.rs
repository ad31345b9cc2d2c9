//! One request, as handlers get it.

use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use serde_json::Value;

use daytona_api::routes::Api;

use super::query::Query;
use super::reply::Failure;

/// The largest JSON body. Files are not sent as JSON.
const MAX_JSON: usize = 64 * 1024 * 1024;

/// Where a request goes.
#[derive(Clone)]
pub(crate) struct Matched {
    pub(crate) api: Api,
    /// `None` if there is no such operation.
    pub(crate) route: Option<&'static str>,
    /// The parameters in the path, in order, decoded.
    pub(crate) params: Vec<String>,
    /// The sandbox of a toolbox request.
    pub(crate) sandbox: Option<String>,
}

impl Matched {
    /// The path without the token that some operations take in it, and where that is.
    pub(crate) fn shown(&self, path: &str) -> String {
        let place = match self.route {
            Some("isValidAuthToken") => 5,
            Some("expireSignedPortPreviewUrl") => 7,
            Some("getSandboxIdFromSignedPreviewUrlToken" | "isPreviewWarningEnabled") => 3,
            _ => return path.to_owned(),
        };
        let mut parts: Vec<_> = path.split('/').collect();
        if let Some(part) = parts.get_mut(place) {
            *part = "[redacted]";
        }
        parts.join("/")
    }
}

/// A request that a handler works on.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) matched: Matched,
    pub(crate) body: Option<Incoming>,
    /// The connection, for a request that asks to switch the protocol.
    pub(crate) upgrade: Option<OnUpgrade>,
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
