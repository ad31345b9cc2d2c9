use std::collections::BTreeMap;

use super::Sandboxes;
use crate::error::Error;
use crate::models::{Sandbox, UpdateSandboxNetworkSettings, UpdateSandboxSecrets};
use crate::request::{Call, flag};
use crate::routes::control_plane as routes;

/// Settings.
impl Sandboxes {
    /// Sets whether anyone may use the sandbox's previews without a token: `POST
    /// /sandbox/{id_or_name}/public/{public}`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// It may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_public("my-sandbox", false).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_public(&self, id_or_name: &str, public: bool) -> Result<Sandbox, Error> {
        let call = Call::new(&routes::UPDATE_PUBLIC_STATUS, &[id_or_name, flag(public)])?;
        self.same(id_or_name, call.idempotent()).await
    }

    /// Sets after how many minutes without activity a running sandbox is paused; 0 is never: `POST
    /// /sandbox/{id_or_name}/autopause/{minutes}`. Auto-stop and auto-pause exclude each other. Older servers
    /// do not know it and answer 404.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The interval may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_auto_pause_interval("my-sandbox", 30).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_auto_pause_interval(
        &self,
        id_or_name: &str,
        minutes: u32,
    ) -> Result<Sandbox, Error> {
        self.number(
            &routes::SET_AUTO_PAUSE_INTERVAL,
            id_or_name,
            i64::from(minutes),
        )
        .await
    }

    /// Sets what a sandbox may reach: `POST /sandbox/{id_or_name}/network-settings`. `change` sets
    /// `network_block_all`, `network_allow_list` (at most 10 IPv4 networks such as `10.0.0.0/8`, with commas
    /// between them) or `domain_allow_list` (at most 10 host names, `*.` allowed in front). What it leaves
    /// alone stays; an empty text clears a list; blocking all clears the allow list, and an allow list ends
    /// blocking all.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 for a list that is none.
    ///
    /// # Cancel safety
    ///
    /// They may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let sandboxes = api.sandboxes();
    /// sandboxes
    ///     .update_network_settings("my-sandbox", |to| to.domain_allow_list = Some("pypi.org".into()))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_network_settings(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut UpdateSandboxNetworkSettings) + Send,
    ) -> Result<Sandbox, Error> {
        let mut body = UpdateSandboxNetworkSettings::default();
        change(&mut body);
        let call = Call::new(&routes::UPDATE_NETWORK_SETTINGS, &[id_or_name])?.json(&body)?;
        self.same(id_or_name, call.idempotent()).await
    }

    /// Replaces the secrets of a sandbox: `PUT /sandbox/{id_or_name}/secrets`. Each is the name of an
    /// environment variable and the name of one of the organization's [`Secrets`](crate::api::Secrets); none
    /// detaches all. A sandbox made without secrets must be started anew before they work. Older servers do not
    /// know it and answer 404.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 or 404 where there is no such secret.
    ///
    /// # Cancel safety
    ///
    /// They may be replaced all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().update_secrets("my-sandbox", [("GITHUB_TOKEN", "github")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_secrets<K, V>(
        &self,
        id_or_name: &str,
        secrets: impl IntoIterator<Item = (K, V)> + Send,
    ) -> Result<Sandbox, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let secrets = secrets
            .into_iter()
            .map(|(variable, secret)| BTreeMap::from([(variable.into(), secret.into())]));
        let body = UpdateSandboxSecrets {
            secrets: secrets.collect(),
        };
        self.same(
            id_or_name,
            Call::new(&routes::UPDATE_SANDBOX_SECRETS, &[id_or_name])?.json(&body)?,
        )
        .await
    }
}
