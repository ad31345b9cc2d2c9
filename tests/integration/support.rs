//! A server, an environment on it, and what the server saw.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::routes::Route;
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder};
use daytona_local::{Isolation, RequestRecord, SandboxRow, Server, ServerBuilder};
use tokio::time::{sleep, timeout};

/// Only ends a test that would hang.
const NEVER: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(5);

/// How long a create takes, by the server's clock, where it is to be caught in the middle.
pub(crate) const CREATE: Duration = Duration::from_secs(2);

/// A server whose clock stands still until it is moved. Nothing runs in its sandboxes but what a test runs there, so
/// isolation, proven elsewhere, would only cost time.
pub(crate) fn server() -> ServerBuilder {
    Server::builder().isolation(Isolation::None).manual_clock()
}

pub(crate) async fn start(builder: ServerBuilder) -> Arc<Server> {
    Arc::new(builder.start().await.unwrap())
}

pub(crate) fn on(server: &Server) -> DaytonaEnvironmentBuilder {
    DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
}

/// Sandboxes that the server does not mean to destroy.
pub(crate) fn left(server: &Server) -> Vec<SandboxRow> {
    let mut rows = server.sandboxes();
    rows.retain(|row| row.desired_state != "destroyed");
    rows
}

/// The requests of one operation.
pub(crate) fn seen(server: &Server, route: &Route) -> Vec<RequestRecord> {
    let mut records = server.requests();
    records.retain(|record| record.route == Some(route.id));
    records
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool + Send) {
    let waited = timeout(NEVER, async {
        while !holds() {
            sleep(TICK).await;
        }
    });
    assert!(waited.await.is_ok(), "never came true: {what}");
}

/// Runs a future while the server's time passes: a quarter second at a time, whenever `when` says so.
pub(crate) async fn drive<F: Future + Send>(
    server: &Server,
    when: impl Fn() -> bool + Send + Sync,
    future: F,
) -> F::Output {
    let mut future = pin!(future);
    let driven = timeout(NEVER, async {
        loop {
            if let Ok(output) = timeout(TICK, &mut future).await {
                return output;
            }
            if when() {
                server.advance(Duration::from_millis(250)).unwrap();
            }
        }
    });
    driven.await.unwrap()
}

/// As [`drive`], with time always passing.
pub(crate) async fn pass<F: Future + Send>(server: &Server, future: F) -> F::Output {
    drive(server, || true, future).await
}

/// A runtime of its own, with one worker.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs an ignored test of this binary alone in a process of its own, and fails as it does.
pub(crate) fn alone(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
