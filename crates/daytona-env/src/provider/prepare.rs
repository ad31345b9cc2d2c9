//! From a running sandbox to a handle: the toolbox answers and the workdir is there.

use std::time::Duration;

use daytona_api::api::Toolbox;
use daytona_api::models;
use sandbox_core::{Attempt, Error};
use tokio::time::{Instant, sleep};

use super::DaytonaProvider;
use super::create::Making;
use crate::error::{api_error, invalid, provider_error};
use crate::sandbox::{DaytonaSandbox, SandboxParts};
use crate::validate::Invalid;

/// A sandbox that runs answers within this, or is of no use.
const TOOLBOX_READY: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const DEFAULT_WORKDIR: &str = "/workspace";

/// What became of a directory that was to be the workdir.
enum Made {
    Usable,
    Refused(Error),
}

impl DaytonaProvider {
    pub(super) async fn prepare(
        &self,
        making: &Making<'_>,
        row: models::Sandbox,
    ) -> Result<DaytonaSandbox, Error> {
        let toolbox = making
            .api
            .toolbox(&row)
            .map_err(|error| api_error("reach a sandbox", error))?;
        let workdir = self.workdir(&toolbox).await?;
        tracing::info!(
            id = row.id,
            name = row.name,
            generation = making.attempt.generation(),
            "sandbox ready"
        );
        self.note_time_to_live(making.attempt, &row);
        Ok(DaytonaSandbox::from_parts(SandboxParts {
            clients: std::sync::Arc::clone(&making.clients),
            id: row.id.into(),
            name: row.name.into(),
            toolbox_proxy_url: row.toolbox_proxy_url.into(),
            workdir: workdir.into(),
            generation: making.attempt.generation(),
            state_lost: making.attempt.previous_lost(),
            timeout: self.settings.timeout,
            liveness: making.attempt.liveness().clone(),
        }))
    }

    /// Notes a time to live that the server shows.
    pub(super) fn note_time_to_live(&self, attempt: &Attempt, row: &models::Sandbox) {
        if row.auto_destroy_at.is_some() {
            self.anchors
                .remember(&row.id, attempt.name(), attempt.begun());
        }
    }

    /// The directory that commands start in, made if missing.
    async fn workdir(&self, toolbox: &Toolbox) -> Result<String, Error> {
        if let Some(wanted) = &self.settings.workdir {
            return match make(toolbox, wanted).await? {
                Made::Usable => Ok(wanted.clone()),
                Made::Refused(error) => {
                    let advice = match fallback(toolbox).await {
                        Ok(writable) => format!("; {writable:?} can be used here"),
                        Err(_) => String::new(),
                    };
                    let message = format!("the sandbox refuses the workdir {wanted:?}{advice}");
                    Err(invalid(&Invalid::new(message)).with_source(error))
                }
            };
        }
        if let Made::Usable = make(toolbox, DEFAULT_WORKDIR).await? {
            return Ok(DEFAULT_WORKDIR.to_owned());
        }
        fallback(toolbox).await
    }
}

/// A directory of ours below the server's own working directory.
async fn fallback(toolbox: &Toolbox) -> Result<String, Error> {
    let base = toolbox
        .info()
        .work_dir()
        .await
        .map_err(|error| api_error("ask for the work-dir", error))?;
    let dir = format!("{}/workspace", base.trim_end_matches('/'));
    match make(toolbox, &dir).await? {
        Made::Usable => Ok(dir),
        Made::Refused(error) => Err(error),
    }
}

/// Makes a directory and tries whether it may be written to. It is made by the files routes and tried by a command, since
/// both have to agree on it: a command alone may see more of a host than files do. Repeats while the toolbox is not there yet, as it may be
/// for a moment after the sandbox has started.
async fn make(toolbox: &Toolbox, dir: &str) -> Result<Made, Error> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        let made = match toolbox.files().create_folder(dir, None).await {
            Ok(_) => usable(toolbox, dir).await,
            Err(error) => Err(error),
        };
        let error = match made {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        let starting = error
            .status()
            .is_none_or(|status| status >= 500 || status == 429)
            || (error.status() == Some(400)
                && error
                    .message()
                    .is_some_and(|text| text.contains("Is the Sandbox started")));
        if !starting {
            return Ok(Made::Refused(api_error("make the workdir", error)));
        }
        if began.elapsed() > TOOLBOX_READY {
            return Err(api_error("reach a sandbox", error));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// A directory that was there before may belong to somebody else. To ask twice does no harm.
async fn usable(toolbox: &Toolbox, dir: &str) -> Result<Made, daytona_api::Error> {
    let probe = toolbox
        .process()
        .execute("test -w . || echo denied")
        .cwd(dir)
        .timeout(PROBE)
        .send()
        .await;
    match probe {
        // -1: the server could not even start a shell there
        Ok(answer) if answer.exit_code == Some(-1) || answer.result.trim() == "denied" => {
            Ok(Made::Refused(provider_error(
                "make the workdir",
                "the directory exists and cannot be written to",
            )))
        }
        // anything else says nothing about the directory: an image without a shell, say
        Ok(_) => Ok(Made::Usable),
        Err(error) => Err(error),
    }
}
