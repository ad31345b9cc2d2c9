//! Daytona as a provider of sandboxes: how one is made, found again, kept and destroyed.

mod create;
mod destroy;
mod find;
mod keep;
mod looks;
mod pace;
mod phase;
mod prepare;
mod renew;
pub(crate) mod row;
#[cfg(test)]
mod tests;
mod wait;

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{Resolve, ResolvedKey, Scope};
use daytona_api::transport::Transport;
use sandbox_core::{Attempt, CreateError, Destroyed, Error, Found, Health, Provider, Target};

use crate::clients::{Account, ClientSet, Clients, Credential};
use crate::error::{internal, invalid};
use crate::fingerprint::{Fingerprint, Fingerprinter};
use crate::labels::{NAME_PREFIX, Ownership};
use crate::params::{DaytonaParams, DaytonaParamsResolved};
use crate::sandbox::DaytonaSandbox;
use crate::settings::Settings;

pub(crate) use destroy::delete_shown;
pub(crate) use find::{Start, UNCLEAR_STARTS, ask_to_start};
pub(crate) use keep::Keep;
pub(crate) use phase::Phase;

/// Makes, finds, renews and destroys sandboxes for one environment.
#[derive(Debug)]
pub(crate) struct DaytonaProvider {
    settings: Arc<Settings>,
    clients: Clients,
    prints: Fingerprinter,
    instance: &'static str,
    pace: pace::Pace,
    anchors: renew::Anchors,
    looks: looks::Looks,
    /// Dropped with the last task that may still have to delete something.
    _keep: Keep,
}

impl DaytonaProvider {
    pub(crate) fn new(
        settings: Arc<Settings>,
        prints: Fingerprinter,
        instance: &'static str,
        transport: Option<Arc<dyn Transport>>,
        keep: Keep,
    ) -> Self {
        Self {
            clients: Clients::new(
                prints.clone(),
                transport,
                settings.toolbox_origins.clone(),
                settings.trace.clone(),
            ),
            settings,
            prints,
            instance,
            pace: pace::Pace::default(),
            anchors: renew::Anchors::default(),
            looks: looks::Looks::default(),
            _keep: keep,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn clients(&self, params: &DaytonaParamsResolved) -> Result<Arc<ClientSet>, Error> {
        let credential = Self::credential(params)?;
        let account = self.clients.of(&Account {
            api_url: &params.api_url,
            credential,
        })?;
        let values = params.env_vars.iter().map(|(_, value)| value.expose());
        Ok(ClientSet::hiding(account, values))
    }

    fn fingerprint(&self, params: &DaytonaParamsResolved) -> Fingerprint {
        use std::hash::Hash;
        self.prints.of(|mac| {
            params.hash_key(mac);
            self.settings.resources.hash(mac);
            self.settings.workdir.hash(mac);
            self.settings.timeout.hash(mac);
        })
    }

    /// The name on which all sharers agree, if there are any.
    fn shared_name(&self, params: &DaytonaParamsResolved) -> Result<Option<String>, Error> {
        let share = self.settings.share.as_ref();
        share
            .map(|share| share.name(params))
            .transpose()
            .map_err(|error| invalid(&error))
    }

    /// Whether others may be using a sandbox of ours.
    fn shares(&self) -> bool {
        self.settings.share.is_some()
    }

    fn ownership(&self, attempt: &Attempt, params: &DaytonaParamsResolved) -> Ownership<'_> {
        Ownership {
            namespace: &self.settings.namespace,
            instance: self.instance,
            key: self.fingerprint(params),
            generation: attempt.generation(),
            shared: self
                .settings
                .share
                .as_ref()
                .map(|share| share.labels(params, &self.settings)),
        }
    }

    fn credential<'p>(params: &'p DaytonaParamsResolved) -> Result<Credential<'p>, Error> {
        match (&params.api_key, &params.jwt, &params.organization) {
            (Some(key), _, _) => Ok(Credential::ApiKey(key)),
            (None, Some(token), Some(organization)) => Ok(Credential::Jwt {
                token,
                organization,
            }),
            _ => Err(internal("no credential after the check for one")),
        }
    }
}

#[async_trait]
impl Provider for DaytonaProvider {
    type Params = DaytonaParams;
    type Sandbox = DaytonaSandbox;

    fn name_prefix(&self) -> &str {
        NAME_PREFIX
    }

    fn check(&self, view: &<DaytonaParams as Resolve>::View<'_>) -> Result<(), Error> {
        view.check(&self.settings).map_err(|error| invalid(&error))
    }

    fn agreed_name(&self, params: &DaytonaParamsResolved) -> Result<Option<String>, Error> {
        self.shared_name(params)
    }

    fn account(&self, params: &DaytonaParamsResolved, mut account: &mut dyn Hasher) {
        if let Ok(credential) = Self::credential(params) {
            let api_url = &params.api_url;
            Account {
                api_url,
                credential,
            }
            .feed(&mut account);
        }
    }

    fn scope<'p>(&self, params: &'p DaytonaParamsResolved) -> Option<&'p Scope> {
        Some(&params.scope)
    }

    async fn create(
        &self,
        attempt: &Attempt,
        params: &DaytonaParamsResolved,
    ) -> Result<DaytonaSandbox, CreateError> {
        self.create_sandbox(attempt, params).await
    }

    async fn find(
        &self,
        attempt: &Attempt,
        params: &DaytonaParamsResolved,
    ) -> Result<Found<DaytonaSandbox>, Error> {
        self.find_sandbox(attempt, params).await
    }

    async fn destroy(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<Destroyed, Error> {
        self.destroy_sandbox(target, params).await
    }

    async fn stop(&self, target: &Target, params: &DaytonaParamsResolved) -> Result<(), Error> {
        self.stop_sandbox(target, params).await
    }

    async fn dependents(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<Vec<Target>, Error> {
        self.forks(target, params).await
    }

    async fn inspect(&self, sandbox: &DaytonaSandbox) -> Result<Health, Error> {
        self.inspect_sandbox(sandbox).await
    }

    async fn start(&self, sandbox: &DaytonaSandbox) -> Result<(), Error> {
        self.start_sandbox(sandbox).await
    }

    async fn renew(&self, sandbox: &DaytonaSandbox) -> Result<(), Error> {
        self.renew_sandbox(sandbox).await
    }

    fn renew_interval(&self) -> Option<Duration> {
        Some(self.settings.renew_interval)
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.settings.intervals.idle())
    }

    fn server_bound(&self) -> Option<Duration> {
        self.settings.intervals.server_bound()
    }

    fn server_bound_at_worst(&self, target: &Target) -> Option<Duration> {
        let counted = match target.id() {
            Some(id) => self.anchors.knows(id),
            // an agreed name is that of one sandbox at a time, whoever made it
            None => self.shares() && self.anchors.knows_name(target.name()),
        };
        counted
            .then(|| self.settings.intervals.time_to_live_bound())
            .flatten()
    }
}
