//! A handle to a sandbox that is known by its id.

use std::sync::Arc;
use std::time::Duration;

use daytona_api::{Config, Daytona};
use sandbox_core::{Error, ErrorKind, Liveness};
use tokio::time::{Instant, sleep};

use super::{DaytonaSandbox, SandboxParts, SandboxRef};
use crate::clients::ClientSet;
use crate::error::api_error;
use crate::provider::{Phase, Start, UNCLEAR_STARTS, ask_to_start, row};

/// For commands that give no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const OPERATION: &str = "attach to a sandbox";

impl DaytonaSandbox {
    /// A handle to a sandbox that exists and runs. It belongs to whoever made it: nothing here
    /// renews its lease or deletes it. The workdir is `/workspace` where that exists, else the
    /// server's own working directory; commands without a timeout get 60 s.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such sandbox,
    /// [`Unavailable`](ErrorKind::Unavailable) if it does not run, and whatever goes wrong on the
    /// way to Daytona.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: nothing is changed.
    pub async fn attach(config: Config, reference: &SandboxRef) -> Result<Self, Error> {
        Self::attach_over(Arc::new(ClientSet::new(config, None)?), reference).await
    }

    /// As [`attach`](Self::attach), and starts a sandbox that is stopped, paused or archived. Waits up to `wait` for it
    /// to run; restoring an archived one may take minutes.
    ///
    /// # Errors
    ///
    /// Those of [`attach`](Self::attach); [`Lost`](ErrorKind::Lost) if it is being deleted,
    /// [`Provider`](ErrorKind::Provider) with the server's reason if it failed, [`Timeout`](ErrorKind::Timeout) if it
    /// does not run in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the sandbox started; it stops again when idle.
    pub async fn attach_awake(
        config: Config,
        reference: &SandboxRef,
        wait: Duration,
    ) -> Result<Self, Error> {
        let clients = Arc::new(ClientSet::new(config, None)?);
        wake(clients.api(), reference.id(), wait).await?;
        Self::attach_over(clients, reference).await
    }

    /// Tells the server that the sandbox is in use, once. For a handle that was attached, while something long runs in
    /// it: nobody else renews its lease.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if it is gone, and whatever goes wrong on the way to Daytona.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn touch(&self) -> Result<(), Error> {
        self.parts.liveness.check()?;
        let touched = self
            .clients()
            .api()
            .sandboxes()
            .update_last_activity(self.id())
            .await;
        touched
            .map(drop)
            .map_err(|error| api_error("renew a lease", error))
    }

    pub(super) async fn attach_over(
        clients: Arc<ClientSet>,
        reference: &SandboxRef,
    ) -> Result<Self, Error> {
        let api = clients.api().clone();
        let row = api.sandboxes().get(reference.id()).await;
        let row = row.map_err(|error| api_error(OPERATION, error))?;
        let state = row.state.as_ref().map_or("", |state| state.as_str());
        if !matches!(state, "started" | "") {
            let message = format!("the sandbox is not running, it is {state}");
            return Err(Error::new(ErrorKind::Unavailable, message).with_operation(OPERATION));
        }
        let workdir = workdir(&api, &row.toolbox_proxy_url, &row.id).await?;
        let hidden = row.env.values().map(String::as_str);
        Ok(Self::from_parts(SandboxParts {
            clients: ClientSet::hiding(clients, hidden),
            id: row.id.into(),
            name: row.name.into(),
            toolbox_proxy_url: row.toolbox_proxy_url.into(),
            workdir: workdir.into(),
            generation: reference.generation(),
            state_lost: false,
            timeout: DEFAULT_TIMEOUT,
            liveness: Liveness::new(),
        }))
    }
}

/// Starts a sandbox that sleeps, and waits until it runs.
async fn wake(api: &Daytona, id: &str, wait: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + wait;
    let mut pause = Duration::from_millis(20);
    let mut unclear = 0;
    loop {
        let found = api.sandboxes().get(id).await;
        let found = found.map_err(|error| api_error(OPERATION, error))?;
        let state = found
            .state
            .as_ref()
            .map_or("unknown", |state| state.as_str());
        match row::phase(&found) {
            Phase::Running => return Ok(()),
            Phase::Failed => return Err(row::failure(api, &found)),
            Phase::Gone => {
                let message = "the sandbox was deleted";
                return Err(Error::new(ErrorKind::Lost, message).with_operation(OPERATION));
            }
            Phase::Stopped => match ask_to_start(api, &found.id).await? {
                // the next look tells
                Start::Accepted | Start::Changing => {}
                Start::Unclear(_) if unclear < UNCLEAR_STARTS => unclear += 1,
                Start::Unclear(error) => return Err(error),
            },
            Phase::Starting | Phase::Stopping => {}
        }
        if Instant::now() + pause > deadline {
            let message = format!("the sandbox did not run in time, it is {state}");
            return Err(Error::new(ErrorKind::Timeout, message).with_operation(OPERATION));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

async fn workdir(api: &Daytona, proxy: &str, id: &str) -> Result<String, Error> {
    let toolbox = api
        .toolbox_at(proxy, id)
        .map_err(|error| api_error(OPERATION, error))?;
    match toolbox.files().info("/workspace").await {
        Ok(info) if info.is_dir => return Ok("/workspace".to_owned()),
        // not there, or not to be looked at
        Err(error) if matches!(error.status(), Some(400 | 403 | 404)) => {}
        Err(error) => return Err(api_error(OPERATION, error)),
        Ok(_) => {}
    }
    let base = toolbox
        .info()
        .work_dir()
        .await
        .map_err(|error| api_error(OPERATION, error))?;
    let own = format!("{}/workspace", base.trim_end_matches('/'));
    match toolbox.files().info(&own).await {
        Ok(info) if info.is_dir => Ok(own),
        _ => Ok(base),
    }
}
