//! Whether a sandbox is still there, asked when a call to it went wrong.

use std::time::Duration;

use daytona_api::models;
use sandbox_core::Error;
use tokio::time::timeout;

use super::DaytonaSandbox;

/// The question is asked once more for the caller's sake, so it must not take long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the control plane says about a sandbox.
pub(super) enum Fate {
    /// It is gone, and the handle is marked.
    Gone,
    /// It is there, but not running.
    Stopped(String),
    /// It runs, or nobody can tell.
    Unknown,
}

impl DaytonaSandbox {
    /// Asks the control plane. Being unreachable is not gone.
    pub(super) async fn fate(&self) -> Fate {
        let api = self.parts.clients.api();
        let reason = match timeout(PATIENCE, api.sandboxes().get(&self.parts.id)).await {
            Ok(Ok(row)) => match standing(&row) {
                Standing::Gone => "Daytona says it is destroyed",
                Standing::Stopped(state) => {
                    // the next open looks, and wakes it where the lease keeps stopped ones
                    self.parts.liveness.mark_doubtful();
                    return Fate::Stopped(state);
                }
                Standing::Running => return Fate::Unknown,
            },
            Ok(Err(error)) if error.is_not_found() => "Daytona does not know it any more",
            Ok(Err(_)) | Err(_) => return Fate::Unknown,
        };
        self.parts.liveness.mark_lost(reason);
        Fate::Gone
    }

    /// The error of a call that failed: `Lost` if the sandbox is gone.
    pub(super) async fn confirmed(&self, error: Error) -> Error {
        match self.fate().await {
            Fate::Gone => self.parts.liveness.check().err().unwrap_or(error),
            Fate::Stopped(_) | Fate::Unknown => error,
        }
    }
}

enum Standing {
    Gone,
    Stopped(String),
    Running,
}

fn standing(row: &models::Sandbox) -> Standing {
    let state = row.state.as_ref().map_or("", |state| state.as_str());
    let desired = row
        .desired_state
        .as_ref()
        .map_or("", |state| state.as_str());
    if matches!(state, "destroyed" | "destroying") || desired == "destroyed" {
        return Standing::Gone;
    }
    match state {
        "" | "started" => Standing::Running,
        state => Standing::Stopped(state.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_destroyed_one_is_gone() {
        let check = |state: &str, desired: &str| {
            let mut row = models::Sandbox::default();
            row.state = Some(state.into());
            row.desired_state = Some(desired.into());
            match standing(&row) {
                Standing::Gone => "gone".to_owned(),
                Standing::Stopped(state) => format!("not running: {state}"),
                Standing::Running => "running".to_owned(),
            }
        };
        assert_eq!(check("started", "started"), "running");
        assert_eq!(check("started", "destroyed"), "gone");
        assert_eq!(check("destroying", "started"), "gone");
        assert_eq!(check("stopped", "stopped"), "not running: stopped");
        assert_eq!(check("error", "started"), "not running: error");
        assert_eq!(check("hibernating", "started"), "not running: hibernating");
    }
}
