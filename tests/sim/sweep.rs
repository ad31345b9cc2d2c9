//! A sweeper, in a process of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use daytona_api::transport::{Body, Transport, TransportError};
use daytona_env::{SweepOutcome, Sweeper};
use daytona_local::Server;
use fastrand::Rng;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::time::sleep;

use super::process::Process;
use crate::world::wire;

/// The shortest there is.
const IDLE: Duration = Duration::from_secs(9 * 60);
const INSTANCE: &str = "daytona-env.instance";

/// A sweeper for everything of a namespace, also for what is meant to be kept.
pub(super) fn sweeper(server: &Arc<Server>, namespace: &str) -> Sweeper {
    let transport = Elsewhere {
        real: wire(server),
        server: Arc::clone(server),
    };
    Sweeper::builder()
        .api_url(server.api_url())
        .api_key(server.token())
        .namespace(namespace)
        .idle(IDLE)
        .persistent(true)
        .transport(Arc::new(transport))
        .build()
        .unwrap()
}

/// All processes of a world are one to the system, whose sandboxes a sweeper of the same process spares. So it is told
/// of another one.
#[derive(Debug)]
struct Elsewhere {
    real: Arc<dyn Transport>,
    server: Arc<Server>,
}

#[async_trait]
impl Transport for Elsewhere {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let (head, body) = self.real.send(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let rows = self.server.sandboxes();
        let ours = rows.iter().find_map(|row| row.labels.get(INSTANCE));
        let body = match (ours, std::str::from_utf8(&body)) {
            (Some(ours), Ok(text)) => {
                let theirs: String = ours.chars().rev().collect();
                Bytes::from(text.replace(ours, &theirs))
            }
            _ => body,
        };
        Ok(Response::from_parts(head, Body::from(body)))
    }
}

/// Sweeps again and again while things are broken. What somebody looks after it spares.
pub(super) async fn patrol(server: Arc<Server>, processes: Vec<Process>, mut draw: Rng) {
    loop {
        sleep(Duration::from_secs(draw.u64(30..120))).await;
        for process in &processes {
            let Ok(report) = sweeper(&server, &process.namespace()).sweep().await else {
                continue;
            };
            for swept in report.swept() {
                let removed = matches!(swept.outcome, SweepOutcome::Removed);
                assert!(
                    !removed
                        || processes
                            .iter()
                            .all(|process| !process.looks_after(&swept.id)),
                    "I5: {swept:?} was swept, and is in use"
                );
            }
        }
    }
}
