//! Ending a command before its limit.

use std::sync::Arc;
use std::time::Duration;

use context_vars::Secret;
use sandbox_core::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::time::sleep;
use tracing::Instrument as _;

use super::DaytonaSandbox;
use super::parts::SandboxParts;
use crate::error::api_error;
use crate::wrapper::{Killed, clean, kill, parse_kill};

const OPERATION: &str = "kill a command";
/// How often it is tried.
const TRIES: u32 = 4;
/// How long one try may take in the sandbox.
const LIMIT: Duration = Duration::from_secs(20);
/// How often a command that is on its way is looked for, every 50 ms.
const TICKS: u32 = 60;

/// A command that was sent.
#[derive(Clone)]
pub(super) struct Target {
    sandbox: Arc<SandboxParts>,
    nonce: String,
    tmpdir: Option<Secret>,
}

impl Target {
    pub(super) fn new(sandbox: &DaytonaSandbox, nonce: String, tmpdir: Option<Secret>) -> Self {
        Self {
            sandbox: Arc::new(sandbox.parts.clone()),
            nonce,
            tmpdir,
        }
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Runs a script of ours beside the command. It may be repeated, and does not feed the lease.
    pub(super) async fn beside(
        &self,
        operation: &'static str,
        script: String,
        limit: Duration,
        answer: usize,
    ) -> Result<String, daytona_api::Error> {
        let api = self.sandbox.clients.api().quiet();
        let toolbox = api.toolbox_at(&self.sandbox.toolbox_proxy_url, &self.sandbox.id)?;
        let mut call = toolbox
            .process()
            .execute(script)
            .timeout(limit)
            .output_limit(answer);
        if let Some(tmpdir) = &self.tmpdir {
            call = call.env("TMPDIR", tmpdir.expose());
        }
        tracing::trace!(operation, "a look beside a command");
        call.send().await.map(|answer| answer.result)
    }

    /// Kills it with all that it started.
    pub(super) async fn kill(&self) -> Result<Killed, Error> {
        let mut tried = 0;
        loop {
            // Nothing runs in a sandbox that is gone.
            self.sandbox.liveness.check()?;
            tried += 1;
            let script = kill(&self.nonce, TICKS);
            let error = match self.beside(OPERATION, script, LIMIT, 64 * 1024).await {
                Ok(result) => match parse_kill(&result, &self.nonce) {
                    Ok(killed) => return Ok(killed),
                    Err(frame) => {
                        Error::new(ErrorKind::Provider, frame.to_string()).with_operation(OPERATION)
                    }
                },
                // It is not there, or refuses us.
                Err(error) if error.is_auth() || error.is_not_found() => {
                    return Err(api_error(OPERATION, error));
                }
                Err(error) => api_error(OPERATION, error),
            };
            if tried >= TRIES {
                return Err(error);
            }
            sleep(Duration::from_millis(200) * tried).await;
        }
    }

    /// Removes its files.
    pub(super) async fn clean(&self, stdout_stays: bool, stderr_stays: bool) {
        let script = clean(&self.nonce, stdout_stays, stderr_stays);
        if let Err(error) = self
            .beside("clean up after a command", script, LIMIT, 64 * 1024)
            .await
        {
            tracing::debug!(%error, "the files of a command stay until its sandbox ends");
        }
    }
}

/// Kills a command whose caller went away.
pub(super) struct KillOnDrop {
    target: Option<Target>,
    runtime: Option<Handle>,
}

impl KillOnDrop {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target: Some(target),
            runtime: Handle::try_current().ok(),
        }
    }

    /// The answer is there; its nonce.
    pub(super) fn disarm(mut self) -> String {
        self.target
            .take()
            .map(|target| target.nonce)
            .unwrap_or_default()
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let (Some(target), Some(runtime)) = (self.target.take(), &self.runtime) else {
            return;
        };
        let killing = async move {
            if let Err(error) = target.kill().await {
                tracing::debug!(%error, "a dropped command could not be killed; its timeout will");
            }
        };
        runtime.spawn(killing.in_current_span());
    }
}
