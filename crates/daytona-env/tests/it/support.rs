//! Environments on the embedded server, and what other tests wait for there.

use std::time::Duration;

use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder};
use daytona_local::Server;
use tokio::time::{sleep, timeout};

/// Only ends a test that would hang.
const NEVER: Duration = Duration::from_secs(60);
/// Real time: the factory's background thread and other processes have no clock that a test could turn.
const TICK: Duration = Duration::from_millis(5);

pub(crate) fn on(server: &Server) -> DaytonaEnvironmentBuilder {
    DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
}

/// How many sandboxes the server does not mean to destroy.
pub(crate) fn left(server: &Server) -> usize {
    let rows = server.sandboxes();
    let left = rows.iter().filter(|row| row.desired_state != "destroyed");
    left.count()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(NEVER, async {
        while !holds() {
            sleep(TICK).await;
        }
    });
    assert!(waited.await.is_ok(), "never came true: {what}");
}
