//! Daytona as a provider of sandboxes: how one is made, found again, kept and destroyed.

mod create;
mod destroy;
mod find;
mod keep;
mod pace;
mod phase;
mod prepare;
mod renew;
pub(crate) mod row;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{Resolve, ResolvedKey};
use daytona_api::transport::Transport;
use sandbox_core::{Attempt, CreateError, Destroyed, Error, Found, Health, Provider, Target};

use crate::clients::{Account, ClientSet, Clients, Credential};
use crate::error::{internal, invalid};
use crate::fingerprint::{Fingerprint, Fingerprinter};
use crate::labels::{NAME_PREFIX, Ownership};
use crate::params::{DaytonaParams, DaytonaParamsResolved};
use crate::sandbox::DaytonaSandbox;
use crate::settings::Settings;

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
            clients: Clients::new(prints.clone(), transport, settings.toolbox_origins.clone()),
            settings,
            prints,
            instance,
            pace: pace::Pace::default(),
            anchors: renew::Anchors::default(),
            _keep: keep,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn clients(&self, params: &DaytonaParamsResolved) -> Result<Arc<ClientSet>, Error> {
        let credential = match (&params.api_key, &params.jwt, &params.organization) {
            (Some(key), _, _) => Credential::ApiKey(key),
            (None, Some(token), Some(organization)) => Credential::Jwt {
                token,
                organization,
            },
            _ => return Err(internal("no credential after the check for one")),
        };
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

    fn ownership(&self, attempt: &Attempt, params: &DaytonaParamsResolved) -> Ownership<'_> {
        Ownership {
            namespace: &self.settings.namespace,
            instance: self.instance,
            key: self.fingerprint(params),
            generation: attempt.generation(),
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

    fn server_bound(&self) -> Option<Duration> {
        self.settings.intervals.server_bound()
    }
}
