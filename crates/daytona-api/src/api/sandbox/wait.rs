use std::time::Duration;

use super::Sandboxes;
use crate::api::wait::{Now, wait};
use crate::error::Error;
use crate::models::{Sandbox, SandboxDesiredState, SandboxState};

/// Waiting for a state. Each looks at once, and then again when the server tells that the sandbox changed (see
/// [`Daytona::events`](crate::Daytona::events)) or after a while: at first ten times a second, later once, and less
/// often while the server tells its events. It never waits for the event socket.
impl Sandboxes {
    /// Waits until a sandbox runs, and gives it. `timeout` is for all of it.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. [`Failed`](crate::ErrorKind::Failed) with the server's reason as soon as it has failed or is
    /// being deleted; a timeout where it takes longer.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let sandbox = api.sandboxes().create().image("python:3.12").send().await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// let sandbox = api.sandboxes().wait_until_started(&sandbox.id, minute).await?;
    /// let toolbox = api.toolbox(&sandbox)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_until_started(&self, id: &str, timeout: Duration) -> Result<Sandbox, Error> {
        let look = || async {
            let found = self.get(id).await?;
            Ok(match state(&found) {
                SandboxState::Started => Now::Done(found),
                SandboxState::Error
                | SandboxState::BuildFailed
                | SandboxState::Destroying
                | SandboxState::Destroyed => failed(&found),
                _ => Now::NotYet,
            })
        };
        wait(&self.client, "the sandbox", Some(id), timeout, look).await
    }

    /// Waits until a sandbox is stopped, and gives it; `None` where it is deleted when it stops, as ephemeral ones are.
    /// `timeout` is for all of it.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]; but one that is not found has stopped. [`Failed`](crate::ErrorKind::Failed) with the server's
    /// reason as soon as it has failed; a timeout where it takes longer.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona, id: &str) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().stop(id, false).await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// api.sandboxes().wait_until_stopped(id, minute).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_until_stopped(
        &self,
        id: &str,
        timeout: Duration,
    ) -> Result<Option<Sandbox>, Error> {
        let look = || async {
            let found = match self.get(id).await {
                Err(error) if error.is_not_found() => return Ok(Now::Done(None)),
                found => found?,
            };
            Ok(match state(&found) {
                SandboxState::Stopped => Now::Done(Some(found)),
                SandboxState::Destroyed => Now::Done(None),
                SandboxState::Error | SandboxState::BuildFailed => failed(&found),
                _ => Now::NotYet,
            })
        };
        wait(&self.client, "the sandbox", Some(id), timeout, look).await
    }

    /// Waits until a sandbox that is being deleted is gone. `timeout` is for all of it.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]; but one that is not found is gone. [`Failed`](crate::ErrorKind::Failed) with the server's
    /// reason where it has failed and is not being deleted; a timeout where it takes longer.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona, id: &str) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().delete(id).await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// api.sandboxes().wait_until_deleted(id, minute).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_until_deleted(&self, id: &str, timeout: Duration) -> Result<(), Error> {
        let look = || async {
            let found = match self.get(id).await {
                Err(error) if error.is_not_found() => return Ok(Now::Done(())),
                found => found?,
            };
            let going = found.desired_state == Some(SandboxDesiredState::Destroyed);
            Ok(match state(&found) {
                SandboxState::Destroyed => Now::Done(()),
                SandboxState::Error | SandboxState::BuildFailed if !going => failed(&found),
                _ => Now::NotYet,
            })
        };
        wait(&self.client, "the sandbox", Some(id), timeout, look).await
    }
}

fn state(found: &Sandbox) -> SandboxState {
    found.state.clone().unwrap_or_default()
}

fn failed<T>(found: &Sandbox) -> Now<T> {
    Now::failed(state(found).as_str(), found.error_reason.clone())
}
