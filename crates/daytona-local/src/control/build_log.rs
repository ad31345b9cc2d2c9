//! The log of a build: what this server really does with an image, which is not to build it.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use daytona_api::models::SandboxState;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::watch;

use crate::app::App;
use crate::web::query::Query;
use crate::web::reply::{Body, Failure, Reply};

/// Written as the sandbox changes its state, until it is built. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct BuildLog(watch::Sender<Written>);

struct Written {
    text: String,
    over: bool,
}

impl fmt::Debug for Written {
    /// The lines of an image may hold a secret: it shows the size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("text", &self.text.len())
            .field("over", &self.over)
            .finish()
    }
}

impl BuildLog {
    /// `lines` says of each line of the Dockerfile whether it is carried out; the build is in `state` now.
    pub(crate) fn begin(lines: &str, state: &str) -> Self {
        let mut text =
            "embedded server: no image is built, the sandbox runs on this machine\n".to_owned();
        text.push_str(lines);
        // writing to a String cannot fail
        let _ = writeln!(text, "state: {state}");
        let over = false;
        Self(watch::Sender::new(Written { text, over }))
    }

    /// Notes a state on the way to the one that ends the build.
    pub(super) fn entered(&self, state: &SandboxState, reason: Option<&str>) {
        let over = !matches!(state, SandboxState::PendingBuild | SandboxState::Creating);
        self.note(state.as_str(), reason, over);
    }

    /// Notes a state, and whether the build ends with it.
    pub(super) fn note(&self, state: &str, reason: Option<&str>, over: bool) {
        self.0.send_if_modified(|written| {
            if written.over {
                return false;
            }
            let _ = write!(written.text, "state: {state}");
            if let Some(reason) = reason {
                let _ = write!(written.text, " ({reason})");
            }
            written.text.push('\n');
            written.over = over;
            true
        });
    }

    /// The log, and with `follow=true` in the query what is still to come.
    pub(super) fn reply(&self, app: &App, query: &Query) -> Reply {
        let body = self.body(app, query.get("follow") == Some("true"));
        Reply::new(200, "application/octet-stream", body)
    }

    fn body(&self, app: &App, follow: bool) -> Body {
        let start = (self.0.subscribe(), 0, app.stop.clone());
        let pieces = stream::unfold(start, move |(mut written, at, stop)| async move {
            loop {
                let (piece, over) = {
                    let now = written.borrow_and_update();
                    let piece = now.text.get(at..).unwrap_or_default();
                    (Bytes::copy_from_slice(piece.as_bytes()), now.over)
                };
                if !piece.is_empty() {
                    let at = at + piece.len();
                    let frame = Ok::<_, io::Error>(Frame::data(piece));
                    return Some((frame, (written, at, stop)));
                }
                if over || !follow {
                    return None;
                }
                tokio::select! {
                    changed = written.changed() => changed.ok()?,
                    () = stop.cancelled() => return None,
                }
            }
        });
        StreamBody::new(pieces).boxed_unsync()
    }
}

/// Where the log is: at the proxy, as the service has it.
pub(crate) fn url(app: &App, key: &str) -> Result<Reply, Failure> {
    let mut store = app.store();
    let row = store.find(key)?;
    if row.build.is_none() {
        return Err(none(key));
    }
    let url = format!("{}/sandboxes/{}/build-logs", app.origin(), row.id);
    Ok(Reply::json(200, &json!({ "url": url })))
}

pub(crate) fn read(app: &Arc<App>, key: &str, query: &Query) -> Result<Reply, Failure> {
    let log = {
        let mut store = app.store();
        let build = store.find(key)?.build.as_ref();
        build
            .map(|build| build.log.clone())
            .ok_or_else(|| none(key))?
    };
    Ok(log.reply(app, query))
}

fn none(key: &str) -> Failure {
    Failure::not_found(format!("Sandbox with ID {key} has no build info"))
}
