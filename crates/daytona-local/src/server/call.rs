//! One request, as handlers get it.

use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use serde_json::Value;

use super::preview::Visit;
use super::query::Query;
use super::reply::Failure;
use super::router::Matched;

/// The largest JSON body. Files are not sent as JSON.
const MAX_JSON: usize = 64 * 1024 * 1024;

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
    /// It is for what listens in a sandbox.
    pub(crate) visit: Option<Visit>,
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
