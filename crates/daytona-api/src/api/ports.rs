use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{IsPortInUseResponse, PortList};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// What listens in a sandbox; from [`Toolbox::ports`]. To reach it see
/// [`Sandboxes::preview_url`](super::Sandboxes::preview_url).
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let ports = toolbox.ports().list().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Ports {
    toolbox: Toolbox,
}

impl Ports {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// The TCP ports that something listens on: `GET /port`. The list may be a second old.
    ///
    /// # Errors
    ///
    /// See [`Ports`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let ports = toolbox.ports();
    /// println!("{:?}", ports.list().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<u16>, Error> {
        let found: PortList = self
            .toolbox
            .fetch(Call::new(&routes::GET_PORTS, &[])?)
            .await?;
        let ports = found.ports.unwrap_or_default();
        Ok(ports
            .into_iter()
            .filter_map(|port| u16::try_from(port).ok())
            .collect())
    }

    /// Whether something listens on a port, 3000 to 9999: `GET /port/{port}/in-use`.
    ///
    /// # Errors
    ///
    /// See [`Ports`]. Status 400 for another port.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let ports = toolbox.ports();
    /// while !ports.is_in_use(8080).await? {
    ///     tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn is_in_use(&self, port: u16) -> Result<bool, Error> {
        let call = Call::new(&routes::IS_PORT_IN_USE, &[&port.to_string()])?;
        let found: IsPortInUseResponse = self.toolbox.fetch(call).await?;
        Ok(found.is_in_use.unwrap_or_default())
    }
}
