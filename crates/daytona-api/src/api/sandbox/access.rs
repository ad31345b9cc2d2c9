use super::Sandboxes;
use crate::api::SecretText;
use crate::error::Error;
use crate::models::{
    PortPreviewUrl, Sandbox, SignedPortPreviewUrl, SshAccessDto, SshAccessValidationDto, Url,
};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// Ways in.
impl Sandboxes {
    /// The address of what listens on `port` in a sandbox, and the token that opens it: `GET
    /// /sandbox/{id_or_name}/ports/{port}/preview-url`. The token goes into the header
    /// `X-Daytona-Preview-Token`; it changes with each start of the sandbox.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 for port 0.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let preview = api.sandboxes().preview_url("my-sandbox", 8080).await?;
    /// println!("{}", preview.url);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_url(&self, id_or_name: &str, port: u16) -> Result<PortPreviewUrl, Error> {
        self.client
            .fetch(Call::new(
                &routes::GET_PORT_PREVIEW_URL,
                &[id_or_name, &port.to_string()],
            )?)
            .await
    }

    /// An address for `port` that needs no header, for a browser: `GET
    /// /sandbox/{id_or_name}/ports/{port}/signed-preview-url`. It works for `seconds` (1 to 86,400; default 60)
    /// and survives a restart of the sandbox. Who has the address has access.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 for a time or a port that is out of range.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let preview = api.sandboxes().signed_preview_url("my-sandbox", 8080, Some(600)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn signed_preview_url(
        &self,
        id_or_name: &str,
        port: u16,
        seconds: Option<u32>,
    ) -> Result<SignedPortPreviewUrl, Error> {
        let params = [id_or_name, &port.to_string()];
        let call = Call::new(&routes::GET_SIGNED_PORT_PREVIEW_URL, &params)?;
        self.client
            .fetch(call.maybe("expiresInSeconds", seconds))
            .await
    }

    /// Ends a signed address before its time: `POST
    /// /sandbox/{id_or_name}/ports/{port}/signed-preview-url/{token}/expire`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// It may be ended all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let sandboxes = api.sandboxes();
    /// let preview = sandboxes.signed_preview_url("my-sandbox", 8080, None).await?;
    /// sandboxes.expire_signed_preview_url("my-sandbox", 8080, &preview.token).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn expire_signed_preview_url(
        &self,
        id_or_name: &str,
        port: u16,
        token: &str,
    ) -> Result<(), Error> {
        let params = [id_or_name, &port.to_string(), token];
        let call = Call::new(&routes::EXPIRE_SIGNED_PORT_PREVIEW_URL, &params)?;
        self.client
            .act(call.hide([&token.to_owned()]).idempotent())
            .await
    }

    /// Opens a sandbox for SSH: `POST /sandbox/{id_or_name}/ssh-access`. The answer holds the command to type
    /// and the token in it, good for `minutes` (default 60). **Revokes every earlier token of the sandbox.**
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// A token may be made, and the earlier ones revoked, all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let access = api.sandboxes().create_ssh_access("my-sandbox", Some(30)).await?;
    /// println!("{}", access.ssh_command);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_ssh_access(
        &self,
        id_or_name: &str,
        minutes: Option<u32>,
    ) -> Result<SshAccessDto, Error> {
        let call = Call::new(&routes::CREATE_SSH_ACCESS, &[id_or_name])?;
        self.client
            .fetch(call.maybe("expiresInMinutes", minutes))
            .await
    }

    /// Closes a sandbox for SSH: `DELETE /sandbox/{id_or_name}/ssh-access`, for one token or for all.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// They may be revoked all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().revoke_ssh_access("my-sandbox", None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke_ssh_access(
        &self,
        id_or_name: &str,
        token: Option<&str>,
    ) -> Result<Sandbox, Error> {
        let call = Call::new(&routes::REVOKE_SSH_ACCESS, &[id_or_name])?;
        let hidden = token.map(str::to_owned);
        let call = call.maybe("token", token).hide(&hidden);
        self.same(id_or_name, call).await
    }

    /// Whether an SSH token opens a sandbox, and which: `GET /sandbox/ssh-access/validate`. A wrong token is no
    /// error.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let found = api.sandboxes().validate_ssh_access("token").await?;
    /// assert!(found.valid);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate_ssh_access(&self, token: &str) -> Result<SshAccessValidationDto, Error> {
        let call = Call::new(&routes::VALIDATE_SSH_ACCESS, &[])?;
        self.client
            .fetch(call.query("token", token).hide([&token.to_owned()]))
            .await
    }

    /// The key that signs addresses of a sandbox's files: `GET /sandbox/{id}/signing-key`. Takes an id only, no
    /// name. Older servers do not know it and answer 404. See
    /// [`Files::signed_download_url`](crate::api::Files::signed_download_url), which signs with it.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let key = api.sandboxes().signing_key("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn signing_key(&self, id: &str) -> Result<SecretText, Error> {
        let key: String = self
            .client
            .fetch(Call::new(&routes::GET_SANDBOX_SIGNING_KEY, &[id])?)
            .await?;
        Ok(key.into())
    }

    /// Makes a new signing key, which ends all signed addresses of files: `POST
    /// /sandbox/{id}/signing-key/rotate`. Takes an id only, no name. Gives the new key.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The key may be changed all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let key = api.sandboxes().rotate_signing_key("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate_signing_key(&self, id: &str) -> Result<SecretText, Error> {
        let key: String = self
            .client
            .fetch(Call::new(&routes::ROTATE_SIGNING_KEY, &[id])?)
            .await?;
        Ok(key.into())
    }

    /// Where the log of the build of a sandbox's image can be read: `GET /sandbox/{id_or_name}/build-logs-url`.
    /// With `?follow=true` at its end the log is followed. It wants this client's credential.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Not found also where nothing was built.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let url = api.sandboxes().build_logs_url("my-sandbox").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn build_logs_url(&self, id_or_name: &str) -> Result<String, Error> {
        let found: Url = self
            .client
            .fetch(Call::new(&routes::GET_BUILD_LOGS_URL, &[id_or_name])?)
            .await?;
        Ok(found.url)
    }
}
