use crate::client::Daytona;
use crate::error::Error;
use crate::models::{AvailableSandboxClass, Organization, OrganizationUsageOverview};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// Organizations, their usage and limits; from [`Daytona::organizations`]. Their administration is in
/// [`Daytona::raw`]. Cloning is cheap.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// for organization in api.organizations().list().await? {
///     println!("{} {}", organization.id, organization.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Organizations {
    client: Daytona,
}

impl Organizations {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// The organizations of the user: `GET /organizations`.
    ///
    /// # Errors
    ///
    /// See [`Organizations`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let organizations = api.organizations().list().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<Organization>, Error> {
        self.client
            .list_of(Call::new(&routes::LIST_ORGANIZATIONS, &[])?)
            .await
    }

    /// One organization: `GET /organizations/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Organizations`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let organization = api.organizations().get("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<Organization, Error> {
        self.client
            .fetch(Call::new(&routes::GET_ORGANIZATION, &[id])?)
            .await
    }

    /// What an organization uses and may use, by region: `GET /organizations/{id}/usage`. CPU in cores, memory
    /// and disk in GiB.
    ///
    /// # Errors
    ///
    /// See [`Organizations`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let usage = api.organizations().usage("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// for region in usage.region_usage {
    ///     println!("{}: {} of {} cores", region.region_id, region.current_cpu_usage, region.total_cpu_quota);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn usage(&self, id: &str) -> Result<OrganizationUsageOverview, Error> {
        self.client
            .fetch(Call::new(&routes::GET_ORGANIZATION_USAGE_OVERVIEW, &[id])?)
            .await
    }

    /// The classes of sandboxes that an organization may create, by region: `GET
    /// /organizations/{id}/available-sandbox-classes`.
    ///
    /// # Errors
    ///
    /// See [`Organizations`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let id = "3f0c8b1e-0000-4000-8000-000000000000";
    /// let classes = api.organizations().available_sandbox_classes(id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn available_sandbox_classes(
        &self,
        id: &str,
    ) -> Result<Vec<AvailableSandboxClass>, Error> {
        self.client
            .list_of(Call::new(&routes::LIST_AVAILABLE_SANDBOX_CLASSES, &[id])?)
            .await
    }

    /// Which GPUs are free: `GET /organizations/{id}/gpu-capacity`. Known from newer clients; its form is not
    /// documented, so it is given as it comes.
    ///
    /// # Errors
    ///
    /// See [`Organizations`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let id = "3f0c8b1e-0000-4000-8000-000000000000";
    /// let capacity = api.organizations().gpu_capacity(id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn gpu_capacity(&self, id: &str) -> Result<serde_json::Value, Error> {
        self.client
            .fetch(Call::new(&routes::GET_ORGANIZATION_GPU_CAPACITY, &[id])?)
            .await
    }
}
