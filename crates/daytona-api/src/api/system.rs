use std::collections::BTreeMap;

use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{SystemMetrics, UpdateEnvRequest};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// The sandbox as a machine; from [`Toolbox::system`].
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let version = toolbox.system().version().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct System {
    toolbox: Toolbox,
}

impl System {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// What the sandbox uses just now; memory and disk in bytes, CPU in percent: `GET /system/metrics`.
    ///
    /// # Errors
    ///
    /// See [`System`]. Older servers answer 404.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let system = toolbox.system();
    /// let now = system.metrics().await?;
    /// println!("{:?} of {:?} bytes", now.mem_used, now.mem_total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn metrics(&self) -> Result<SystemMetrics, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_SYSTEM_METRICS, &[])?)
            .await
    }

    /// The version of the toolbox: `GET /version`.
    ///
    /// # Errors
    ///
    /// See [`System`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let system = toolbox.system();
    /// println!("{}", system.version().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn version(&self) -> Result<String, Error> {
        let found: BTreeMap<String, String> = self
            .toolbox
            .fetch(Call::new(&routes::GET_VERSION, &[])?)
            .await?;
        Ok(found.get("version").cloned().unwrap_or_default())
    }

    /// Changes the environment of processes that start from now on: `POST /env`. `change` fills in `set`,
    /// `unset` (names) and `unset_value_prefix` (all variables whose values begin so). Gives what the server
    /// answers, which may be the environment.
    ///
    /// # Errors
    ///
    /// See [`System`]. Older servers answer 404. Values are in no error.
    ///
    /// # Cancel safety
    ///
    /// It may be changed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let system = toolbox.system();
    /// system.update_env(|env| env.unset = Some(vec!["DEBUG".into()])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_env(
        &self,
        change: impl FnOnce(&mut UpdateEnvRequest) + Send,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut body = UpdateEnvRequest::default();
        change(&mut body);
        let call = Call::new(&routes::UPDATE_ENV, &[])?
            .json(&body)?
            .idempotent();
        let values = body.set.iter().flatten().map(|(_, value)| value);
        self.toolbox.fetch(call.hide(values)).await
    }
}
