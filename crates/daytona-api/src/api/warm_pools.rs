use crate::client::Daytona;
use crate::error::Error;
use crate::models::{CreateWarmPool, UpdateWarmPool, WarmPool};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// Pools of sandboxes that are kept started, so that a create needs no start; from [`Daytona::warm_pools`].
/// Cloning is cheap.
///
/// They serve creates of their snapshot with the default user and without environment variables, volumes and
/// secrets. All methods fail with [`is_not_found`](Error::is_not_found) where there is no such pool, and with
/// older servers.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let pool = api.warm_pools().create("tools:1", 3, None).await?;
/// println!("{} of {} are ready", pool.current_size, pool.pool);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WarmPools {
    client: Daytona,
}

impl WarmPools {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// The pools of the organization: `GET /warm-pools`.
    ///
    /// # Errors
    ///
    /// See [`WarmPools`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let pools = api.warm_pools().list().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<WarmPool>, Error> {
        self.client
            .list_of(Call::new(&routes::LIST_WARM_POOLS, &[])?)
            .await
    }

    /// Keeps `size` sandboxes of a snapshot ready, at least 1: `POST /warm-pools`; in the region `target`
    /// (default: the organization's).
    ///
    /// # Errors
    ///
    /// See [`WarmPools`]. Status 400 for a size of 0 or an unknown snapshot. Not retried once it may have been
    /// sent.
    ///
    /// # Cancel safety
    ///
    /// The pool may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let pool = api.warm_pools().create("tools:1", 3, None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        snapshot: &str,
        size: u32,
        target: Option<&str>,
    ) -> Result<WarmPool, Error> {
        let body = CreateWarmPool {
            snapshot: snapshot.to_owned(),
            pool: i64::from(size),
            target: target.map(str::to_owned),
        };
        self.client
            .fetch(Call::new(&routes::CREATE_WARM_POOL, &[])?.json(&body)?)
            .await
    }

    /// Sets how many sandboxes a pool keeps ready: `PATCH /warm-pools/{id}`. 0 empties it.
    ///
    /// # Errors
    ///
    /// See [`WarmPools`].
    ///
    /// # Cancel safety
    ///
    /// It may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.warm_pools().update("3f0c8b1e-0000-4000-8000-000000000000", 0).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(&self, id: &str, size: u32) -> Result<WarmPool, Error> {
        let body = UpdateWarmPool {
            pool: i64::from(size),
        };
        let call = Call::new(&routes::UPDATE_WARM_POOL, &[id])?.json(&body)?;
        self.client.fetch(call.idempotent()).await
    }

    /// Ends a pool: `DELETE /warm-pools/{id}`.
    ///
    /// # Errors
    ///
    /// See [`WarmPools`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// The pool may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.warm_pools().delete("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::DELETE_WARM_POOL, &[id])?)
            .await
    }
}
