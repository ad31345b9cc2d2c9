//! One create, at most once.

use std::sync::Arc;

use daytona_api::{Daytona, models};
use sandbox_core::{Attempt, CreateError, Destroyed, Error, ErrorKind, Found, Target};

use super::phase::Phase;
use super::{DaytonaProvider, row};
use crate::clients::ClientSet;
use crate::error::{api_error, is_no_api, provider_error};
use crate::lease::Echo;
use crate::params::DaytonaParamsResolved;
use crate::sandbox::DaytonaSandbox;

/// What is needed of an open while its sandbox is made.
pub(super) struct Making<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) clients: Arc<ClientSet>,
    pub(super) api: Daytona,
}

impl DaytonaProvider {
    pub(super) async fn create_sandbox(
        &self,
        attempt: &Attempt,
        params: &DaytonaParamsResolved,
    ) -> Result<DaytonaSandbox, CreateError> {
        let clients = self.clients(params).map_err(CreateError::not_created)?;
        let api = clients.api().clone();
        let making = Making {
            attempt,
            clients,
            api,
        };
        let build = self.build_info(&making, params).await?;
        match self.post(&making, params, build).await {
            // the name was never anybody else's: an answer with another is about another sandbox
            Ok(row) if !row.name.is_empty() && row.name != attempt.name() => {
                Err(CreateError::may_exist(provider_error(
                    "create a sandbox",
                    "the server answered about another sandbox than the one it was asked to make",
                )))
            }
            Ok(row) => self.settle(&making, row).await,
            Err(error) => self.resolve(&making, params, error).await,
        }
    }

    /// What is to be built, where the image is more than a name; what it copies is where the server finds it.
    async fn build_info(
        &self,
        making: &Making<'_>,
        params: &DaytonaParamsResolved,
    ) -> Result<Option<models::CreateBuildInfo>, CreateError> {
        let Some(image) = params
            .image
            .as_ref()
            .filter(|_| self.settings.described_image)
        else {
            return Ok(None);
        };
        #[cfg(feature = "context")]
        if let Some(files) = &self.settings.files {
            let info = Box::pin(files.bring(image, &making.api)).await;
            return info.map(Some).map_err(CreateError::not_created);
        }
        let _ = making;
        let mut info = models::CreateBuildInfo::default();
        info.dockerfile_content.clone_from(image);
        Ok(Some(info))
    }

    async fn post(
        &self,
        making: &Making<'_>,
        params: &DaytonaParamsResolved,
        build: Option<models::CreateBuildInfo>,
    ) -> Result<models::Sandbox, daytona_api::Error> {
        let intervals = &self.settings.intervals;
        let labels = self.ownership(making.attempt, params).labels();
        let labels = labels
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        let mut request = making
            .api
            .sandboxes()
            .create()
            .name(making.attempt.name())
            .labels(labels.chain(self.settings.labels.iter().cloned()))
            .envs(
                params
                    .env_vars
                    .iter()
                    .map(|(name, value)| (name, value.expose())),
            )
            .auto_stop_interval(intervals.stop)
            .with(|body| body.auto_pause_interval = Some(0))
            .auto_delete_interval(intervals.delete);
        if let Some(archive) = intervals.archive {
            request = request.auto_archive_interval(archive);
        }
        if let Some(ttl) = self.settings.ttl(making.attempt.begun().elapsed()) {
            request = request.ttl_minutes(ttl);
        }
        if let Some(target) = &params.target {
            request = request.target(target);
        }
        if let Some(snapshot) = &params.snapshot {
            request = request.snapshot(snapshot);
        }
        if let Some(image) = &params.image {
            request = match build {
                Some(info) => request.build_info(info),
                None => request.image(image),
            };
            let resources = self.settings.resources;
            if let Some(cpu) = resources.cpu {
                request = request.cpu(cpu);
            }
            if let Some(memory) = resources.memory {
                request = request.memory(memory);
            }
            if let Some(disk) = resources.disk {
                request = request.disk(disk);
            }
        }
        self.looks.sends(making.attempt.name());
        request.send().await
    }

    /// What an answer other than a sandbox leaves behind.
    ///
    /// A refusal is no proof that nothing was made: a start that fails answers 400 and leaves its row, and a proxy may
    /// have lost the reply to a first delivery. So the name decides. Only what was never sent, and a refused credential,
    /// is settled without asking.
    async fn resolve(
        &self,
        making: &Making<'_>,
        params: &DaytonaParamsResolved,
        error: daytona_api::Error,
    ) -> Result<DaytonaSandbox, CreateError> {
        let attempt = making.attempt;
        let sent = error.may_have_reached_server();
        let status = error.status();
        let foreign = error.is_not_daytona();
        let error = api_error("create a sandbox", error);
        match status {
            _ if !sent => Err(CreateError::not_created(error)),
            // refused before anything was looked at
            Some(401 | 300..=399) => Err(CreateError::not_created(error)),
            // a gateway whose API is not there at the moment, and may have been when this was sent
            Some(502..=504 | 520..=530) if foreign => Err(CreateError::may_exist(error)),
            // something that is no API answered: in place of one that did what was asked, or there is none at all
            Some(status) if foreign && !matches!(status, 408 | 429) => {
                match Box::pin(self.find_sandbox(attempt, params)).await {
                    Ok(Found::Ready(sandbox)) => Ok(sandbox),
                    Ok(Found::Absent) => Err(CreateError::not_created(error)),
                    Err(again) if is_no_api(&again) => Err(CreateError::not_created(error)),
                    _ => Err(CreateError::may_exist(error)),
                }
            }
            Some(408) => Err(CreateError::may_exist(error)),
            Some(409) if self.shares() => self.join(making, params, error).await,
            // the name is taken, or to come again was asked: the caller looks for the name
            Some(409 | 429) => Err(CreateError::may_exist(error).answered()),
            Some(400..=499) => match Box::pin(self.find_sandbox(attempt, params)).await {
                Ok(Found::Ready(sandbox)) => Ok(sandbox),
                Ok(Found::Absent) => Err(CreateError::not_created(error)),
                Err(conflict) if conflict.kind() == ErrorKind::Conflict => {
                    Err(CreateError::not_created(conflict))
                }
                _ => Err(CreateError::may_exist(error).answered()),
            },
            Some(500..=599) => Err(CreateError::may_exist(error).answered()),
            _ => Err(CreateError::may_exist(error)),
        }
    }

    /// An agreed name is taken: by what others share, or by what failed or ends just now. That one says nothing about
    /// this create; it is cleared away, and the name is asked for again.
    async fn join(
        &self,
        making: &Making<'_>,
        params: &DaytonaParamsResolved,
        taken: Error,
    ) -> Result<DaytonaSandbox, CreateError> {
        match Box::pin(self.find_sandbox(making.attempt, params)).await {
            Ok(Found::Ready(sandbox)) => return Ok(sandbox),
            Ok(Found::Broken { target, .. }) => {
                // one that cannot be removed is found again, and its reason told
                let _ = self.release(&making.api, &target).await;
            }
            Ok(Found::Absent) => {}
            Err(conflict) if conflict.kind() == ErrorKind::Conflict => {
                return Err(CreateError::not_created(conflict));
            }
            _ => return Err(CreateError::may_exist(taken).answered()),
        }
        let freed = Error::new(ErrorKind::Unavailable, "the agreed name was still taken");
        Err(CreateError::may_exist(freed.with_source(taken)).answered())
    }

    /// From a reply that names our sandbox to one that can be used.
    async fn settle(
        &self,
        making: &Making<'_>,
        row: models::Sandbox,
    ) -> Result<DaytonaSandbox, CreateError> {
        let id = row.id.clone();
        match Box::pin(self.make_ready(making, row)).await {
            Ok(sandbox) => Ok(sandbox),
            Err(error) => Err(self.discard(making, &id, error).await),
        }
    }

    /// Waits for the start, checks the lease and makes the workdir.
    pub(super) async fn make_ready(
        &self,
        making: &Making<'_>,
        first: models::Sandbox,
    ) -> Result<DaytonaSandbox, Error> {
        if first.id.is_empty() {
            return Err(provider_error(
                "create a sandbox",
                "the server answered without the id of the sandbox",
            ));
        }
        // it holds for one that never starts too
        self.note_time_to_live(making.attempt, &first);
        // looked at first: a server that drops the lease must not be waited for
        let mut lease = row::echo(&first, &self.settings.intervals);
        let mut latest = if row::phase(&first) == Phase::Running && lease == Echo::Holds {
            first
        } else {
            self.wait_until_running(&making.api, &first.id).await?
        };
        if lease != Echo::Holds {
            lease = row::echo(&latest, &self.settings.intervals);
        }
        if lease == Echo::Absent {
            latest = self.get(&making.api, &latest.id).await?;
            lease = row::echo(&latest, &self.settings.intervals);
        }
        match lease {
            Echo::Holds => self.prepare(making, latest).await,
            Echo::Absent | Echo::Differs => Err(provider_error(
                "create a sandbox",
                "the server did not take the lease: its reply does not show the auto-stop and auto-delete intervals that \
                 were asked for, so nothing would remove the sandbox if this process died; it was deleted",
            )),
        }
    }

    /// Deletes what was made and cannot be used, or lets go of it if others may; the error says whether anything may be left.
    async fn discard(&self, making: &Making<'_>, id: &str, error: Error) -> CreateError {
        let gone = if self.shares() {
            let target = Target::new(Some(id.to_owned()), making.attempt.name());
            self.release(&making.api, &target).await
        } else {
            self.delete(&making.api, id).await
        };
        match gone {
            Ok(Destroyed::Accepted | Destroyed::Released) => CreateError::not_created(error),
            // that there is none may be because the answer gave a wrong id: the name decides
            _ => CreateError::may_exist(error).answered(),
        }
    }
}
