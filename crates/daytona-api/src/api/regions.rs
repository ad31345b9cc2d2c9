use crate::client::Daytona;
use crate::error::Error;
use crate::models::Region;
use crate::request::Call;
use crate::routes::control_plane as routes;

/// The places where sandboxes run; from [`Daytona::regions`]. A region's name or id is what
/// [`Create::target`](super::Create::target) takes. Cloning is cheap.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// for region in api.regions().list().await? {
///     println!("{}", region.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Regions {
    client: Daytona,
}

impl Regions {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// The regions that the organization can use: `GET /regions`.
    ///
    /// # Errors
    ///
    /// See [`Regions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let regions = api.regions().list().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<Region>, Error> {
        self.client
            .list_of(Call::new(&routes::LIST_AVAILABLE_REGIONS, &[])?)
            .await
    }

    /// The regions that all organizations share: `GET /shared-regions`.
    ///
    /// # Errors
    ///
    /// See [`Regions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let regions = api.regions().list_shared().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_shared(&self) -> Result<Vec<Region>, Error> {
        self.client
            .list_of(Call::new(&routes::LIST_SHARED_REGIONS, &[])?)
            .await
    }

    /// One region: `GET /regions/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Regions`]. Not found where there is no such region.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let region = api.regions().get("us").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<Region, Error> {
        self.client
            .fetch(Call::new(&routes::GET_REGION_BY_ID, &[id])?)
            .await
    }
}
