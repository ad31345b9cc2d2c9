use super::Git;
use crate::api::SecretText;
use crate::error::Error;
use crate::models::toolbox::{
    GitAuthenticateRequest, GitConfigResponse, GitConfigureUserRequest, GitSetConfigRequest,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Git's configuration.
impl Git {
    /// One value of git's configuration: `GET /git/config`. `scope` is `global` (the default), `local` (with a
    /// `path`) or `system`. `None` where it is not set.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// let name = git.config("user.name", None, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn config(
        &self,
        key: &str,
        scope: Option<&str>,
        path: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let call = Call::new(&routes::GET_GIT_CONFIG, &[])?.query("key", key);
        let call = call.maybe("scope", scope).maybe("path", path);
        let found: GitConfigResponse = self.toolbox.fetch(call).await?;
        Ok(found.value)
    }

    /// Sets one value of git's configuration: `POST /git/config`. `set` may give `scope` and `path`, as in
    /// [`config`](Self::config).
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404. The value is in no error.
    ///
    /// # Cancel safety
    ///
    /// It may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.set_config("pull.rebase", "true", |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_config(
        &self,
        key: &str,
        value: &str,
        set: impl FnOnce(&mut GitSetConfigRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitSetConfigRequest {
            key: key.to_owned(),
            value: value.to_owned(),
            ..GitSetConfigRequest::default()
        };
        set(&mut body);
        let call = Call::new(&routes::SET_GIT_CONFIG, &[])?.json(&body)?;
        self.toolbox
            .act(call.hide([&body.value]).idempotent())
            .await
    }

    /// Sets who commits: `POST /git/config/user`. `set` may give `scope` and `path`, as in
    /// [`config`](Self::config).
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404.
    ///
    /// # Cancel safety
    ///
    /// It may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.configure_user("Ada", "ada@example.org", |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn configure_user(
        &self,
        name: &str,
        email: &str,
        set: impl FnOnce(&mut GitConfigureUserRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitConfigureUserRequest {
            name: name.to_owned(),
            email: email.to_owned(),
            ..GitConfigureUserRequest::default()
        };
        set(&mut body);
        self.toolbox
            .act(
                Call::new(&routes::CONFIGURE_USER, &[])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }

    /// Keeps credentials for a host in the sandbox, **in plain text**, where all that runs there can read them:
    /// `POST /git/credentials`. `set` may give `host` (default `github.com`) and `protocol` (default `https`).
    /// Credentials of one call, as in [`GitClone::credentials`](super::GitClone::credentials), stay nowhere.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404. The password is in no error.
    ///
    /// # Cancel safety
    ///
    /// They may be kept all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.authenticate("ada", &"token".into(), |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authenticate(
        &self,
        username: &str,
        password: &SecretText,
        set: impl FnOnce(&mut GitAuthenticateRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitAuthenticateRequest {
            username: username.to_owned(),
            password: password.expose().to_owned(),
            ..GitAuthenticateRequest::default()
        };
        set(&mut body);
        let call = Call::new(&routes::AUTHENTICATE, &[])?.json(&body)?;
        self.toolbox
            .act(call.hide([&body.password]).idempotent())
            .await
    }
}
