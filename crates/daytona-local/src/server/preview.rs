//! Previews: what listens in a sandbox, reached from outside through a proxy.
//!
//! A port has two addresses. `http://127.0.0.1:PORT/preview/{port}-{id}` works wherever HTTP does, and is what clients
//! are given. `http://{port}-{id}.localhost:PORT` is for browsers, which all know where such a name is though resolvers
//! often do not: there a page has an origin of its own, so no page of one sandbox shares cookies or anything else with
//! another's, nor with this server. A browser that opens the first is sent on to the second. In both a signed token may
//! stand in place of the id.

mod address;
mod entry;
mod forward;
mod headers;
mod tunnel;

pub(super) use address::Address;
pub(super) use entry::{Entered, enter, opens};
pub(super) use forward::serve;

use jiff::Timestamp;
use serde_json::json;

use crate::web::reply::{Failure, Reply};

/// The port of the toolbox itself.
const TOOLBOX: u16 = 2280;

/// A request that has been let in.
pub(crate) struct Visit {
    pub(super) address: Address,
    /// The id of the sandbox.
    pub(super) sandbox: String,
    /// The cookie by which a browser's next requests are let in.
    pub(super) cookie: Option<http::HeaderValue>,
    pub(super) secrets: headers::Secrets,
}

impl Visit {
    /// The path of a request for the toolbox itself.
    pub(super) fn of_toolbox(&self) -> Option<String> {
        let Self {
            address, sandbox, ..
        } = self;
        (address.port == TOOLBOX).then(|| format!("/toolbox/{sandbox}{}", address.rest))
    }
}

impl Failure {
    /// As the proxy tells it.
    pub(super) fn of_proxy(&self, method: &str, path: &str, now: Timestamp) -> Reply {
        let now = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        let body = json!({
            "statusCode": self.status,
            "message": self.message,
            "code": self.code,
            "timestamp": now,
            "path": path,
            "method": method,
            "source": "DAYTONA_PROXY",
        });
        Reply::json(self.status, &body)
    }
}
