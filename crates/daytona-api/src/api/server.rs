use std::time::SystemTime;

use crate::client::Daytona;
use crate::error::{Error, ErrorKind};
use crate::models::{DaytonaConfiguration, StorageAccessDto};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// The server itself; from [`Daytona::server`]. Cloning is cheap.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// api.server().health().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    client: Daytona,
}

impl Server {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// What the server tells everybody about itself: `GET /config`.
    ///
    /// # Errors
    ///
    /// See [`Server`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let config = api.server().config().await?;
    /// println!("{}", config.version);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn config(&self) -> Result<DaytonaConfiguration, Error> {
        self.client
            .fetch(Call::new(&routes::CONFIG_CONTROLLER_GET_CONFIG, &[])?)
            .await
    }

    /// Whether the server runs: `GET /health`.
    ///
    /// # Errors
    ///
    /// See [`Server`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.server().health().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::HEALTH_CONTROLLER_LIVE, &[])?)
            .await
    }

    /// What time it is on the server, to the second: the `Date` of an answer to `GET /health`. Ages of sandboxes are told
    /// by this clock, and never by one's own.
    ///
    /// # Errors
    ///
    /// See [`Server`]; an answer without a date.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let now = api.server().time().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn time(&self) -> Result<SystemTime, Error> {
        let call = Call::new(&routes::HEALTH_CONTROLLER_LIVE, &[])?;
        let limit = self.client.shared.config.limits.metadata;
        let base = &self.client.shared.base;
        let answer = self.client.answer(base, call, limit).await?;
        let date = answer.headers.get(http::header::DATE);
        let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        date.ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no date"))
    }

    /// Whether the server can do its work, and how each part of it is: `GET /health/ready`.
    ///
    /// # Errors
    ///
    /// See [`Server`]. Status 503 where a part of it is not ready.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let parts = api.server().ready().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self) -> Result<serde_json::Value, Error> {
        self.client
            .fetch(Call::new(&routes::HEALTH_CONTROLLER_CHECK, &[])?)
            .await
    }

    /// Where the context of a build is uploaded to, with credentials for an hour: `GET
    /// /object-storage/push-access`. It speaks the protocol of S3.
    ///
    /// # Errors
    ///
    /// See [`Server`]. Status 503 where the server has no object storage.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let storage = api.server().push_access().await?;
    /// println!("{} {}", storage.storage_url, storage.bucket);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn push_access(&self) -> Result<StorageAccessDto, Error> {
        self.client
            .fetch(Call::new(&routes::GET_PUSH_ACCESS, &[])?)
            .await
    }
}
