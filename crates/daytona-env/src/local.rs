//! Environments on an embedded server.

use std::sync::Arc;

use daytona_local::{Isolation, Server};
use sandbox_core::{Error, ErrorKind};

use crate::builder::DaytonaEnvironmentBuilder;
use crate::environment::DaytonaEnvironment;
use crate::provider::Keep;

impl DaytonaEnvironment {
    /// Starts an embedded server and begins to configure an environment on it: no account, no network.
    ///
    /// Commands run on this machine, isolated in namespaces; see [`on`](Self::on) for a server with other settings. The
    /// server lives as long as the environment and any clean-up of it. It is never started unless asked for by this
    /// name: an environment without a credential is an error, not a local one.
    ///
    /// # Errors
    ///
    /// The server cannot listen, or this machine cannot isolate.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no server behind.
    pub async fn local() -> Result<DaytonaEnvironmentBuilder, Error> {
        let server = Server::builder()
            .isolation(Isolation::Required)
            .start()
            .await
            .map_err(|error| {
                Error::new(ErrorKind::Unavailable, "the embedded server cannot start")
                    .with_source(error)
            })?;
        Ok(Self::on(server))
    }

    /// Begins to configure an environment on an embedded server that is already running, and keeps it running.
    pub fn on(server: impl Into<Arc<Server>>) -> DaytonaEnvironmentBuilder {
        let server = server.into();
        Self::builder()
            .api_url(server.api_url())
            .api_key(server.token())
            .keep(Keep::of(server))
    }
}
