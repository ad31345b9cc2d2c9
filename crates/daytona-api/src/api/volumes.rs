use std::time::Duration;

use super::wait::{Now, wait};
use crate::client::Daytona;
use crate::error::Error;
use crate::models::{CreateVolume, VolumeDto, VolumeState};
use crate::request::{Call, flag};
use crate::routes::control_plane as routes;

/// The volumes of an organization: folders that outlive sandboxes and are shared between them; from
/// [`Daytona::volumes`]. Cloning is cheap.
///
/// All methods fail with [`is_not_found`](Error::is_not_found) where there is no such volume.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let volume = api.volumes().create("data").await?;
/// let minute = std::time::Duration::from_secs(60);
/// let volume = api.volumes().wait_until_ready(&volume.id, minute).await?;
/// assert_eq!(volume.name, "data");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Volumes {
    client: Daytona,
}

impl Volumes {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// The volumes of the organization: `GET /volumes`; the deleted ones too, if wanted.
    ///
    /// # Errors
    ///
    /// See [`Volumes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volumes = api.volumes().list(false).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self, include_deleted: bool) -> Result<Vec<VolumeDto>, Error> {
        let call = Call::new(&routes::LIST_VOLUMES, &[])?;
        self.client
            .list_of(call.query("includeDeleted", flag(include_deleted)))
            .await
    }

    /// Makes a volume: `POST /volumes`. It cannot be used at once; see
    /// [`wait_until_ready`](Self::wait_until_ready).
    ///
    /// # Errors
    ///
    /// See [`Volumes`]. Status 400 or a conflict where the name is taken; 503 where the server keeps no
    /// volumes. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The volume may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volume = api.volumes().create("data").await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// api.volumes().wait_until_ready(&volume.id, minute).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(&self, name: &str) -> Result<VolumeDto, Error> {
        let body = CreateVolume {
            name: name.to_owned(),
        };
        self.client
            .fetch(Call::new(&routes::CREATE_VOLUME, &[])?.json(&body)?)
            .await
    }

    /// One volume by its id: `GET /volumes/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Volumes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volume = api.volumes().get("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<VolumeDto, Error> {
        self.client
            .fetch(Call::new(&routes::GET_VOLUME, &[id])?)
            .await
    }

    /// One volume by its name: `GET /volumes/by-name/{name}`.
    ///
    /// # Errors
    ///
    /// See [`Volumes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volume = api.volumes().get_by_name("data").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_by_name(&self, name: &str) -> Result<VolumeDto, Error> {
        self.client
            .fetch(Call::new(&routes::GET_VOLUME_BY_NAME, &[name])?)
            .await
    }

    /// Deletes a volume and what is on it: `DELETE /volumes/{id}`. The answer comes before it is gone.
    ///
    /// # Errors
    ///
    /// See [`Volumes`]. A conflict while a sandbox uses it; status 400 while it is being made. After a retry,
    /// not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// The volume may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volume = api.volumes().get_by_name("data").await?;
    /// api.volumes().delete(&volume.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::DELETE_VOLUME, &[id])?)
            .await
    }

    /// Waits until a volume can be used.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`ErrorKind::Failed`](crate::ErrorKind::Failed) at once, with the server's
    /// reason, where it failed or is being deleted; [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) where it
    /// is not ready after `timeout`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let volume = api.volumes().create("data").await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// let volume = api.volumes().wait_until_ready(&volume.id, minute).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_until_ready(&self, id: &str, timeout: Duration) -> Result<VolumeDto, Error> {
        wait(&self.client, "the volume", None, timeout, || async {
            let found = self.get(id).await?;
            Ok(match &found.state {
                VolumeState::Ready => Now::Done(found),
                VolumeState::Error
                | VolumeState::PendingDelete
                | VolumeState::Deleting
                | VolumeState::Deleted => Now::failed(found.state.as_str(), found.error_reason),
                _ => Now::NotYet,
            })
        })
        .await
    }
}
