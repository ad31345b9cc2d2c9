use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{UserHomeDirResponse, WorkDirResponse};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Where things are in a sandbox; from [`Toolbox::info`].
#[derive(Clone, Debug)]
pub struct Info {
    toolbox: Toolbox,
}

impl Info {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// The folder that relative paths and commands start from, the image's own or else the home:
    /// `GET /work-dir`.
    ///
    /// # Errors
    ///
    /// Where the sandbox does not run (status 400), is gone (404) or cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let folder = toolbox.info().work_dir().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn work_dir(&self) -> Result<String, Error> {
        let call = Call::new(&routes::GET_WORK_DIR, &[])?;
        let limit = self.toolbox.client.shared.config.limits.metadata;
        let found: WorkDirResponse = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await?;
        Ok(found.dir)
    }

    /// The home of the user that commands run as: `GET /user-home-dir`.
    ///
    /// # Errors
    ///
    /// As [`work_dir`](Self::work_dir).
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let home = toolbox.info().home_dir().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn home_dir(&self) -> Result<String, Error> {
        let call = Call::new(&routes::GET_USER_HOME_DIR, &[])?;
        let limit = self.toolbox.client.shared.config.limits.metadata;
        let found: UserHomeDirResponse = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await?;
        Ok(found.dir)
    }
}
