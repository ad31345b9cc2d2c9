//! A handle to a sandbox that is known by its id.

use std::sync::Arc;
use std::time::Duration;

use daytona_api::{Config, Daytona};
use sandbox_core::{Error, ErrorKind, Liveness};

use super::{DaytonaSandbox, SandboxParts, SandboxRef};
use crate::clients::ClientSet;
use crate::error::api_error;

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
        Ok(Self::from_parts(SandboxParts {
            clients,
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

async fn workdir(api: &Daytona, proxy: &str, id: &str) -> Result<String, Error> {
    let toolbox = api
        .toolbox_at(proxy, id)
        .map_err(|error| api_error(OPERATION, error))?;
    match toolbox.files().info("/workspace").await {
        Ok(info) if info.is_dir => return Ok("/workspace".to_owned()),
        Err(error) if !error.is_not_found() => return Err(api_error(OPERATION, error)),
        Ok(_) | Err(_) => {}
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
