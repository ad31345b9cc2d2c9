mod access;
mod settings;
mod state;
mod telemetry;
mod wait;

use std::collections::BTreeMap;

use super::{Create, List};
use crate::client::Daytona;
use crate::error::{Error, ErrorKind};
use crate::models::{Sandbox, SandboxLabels, ToolboxProxyUrl};
use crate::request::Call;
use crate::routes::{Route, control_plane as routes};

pub use self::telemetry::TelemetryQuery;

/// The sandboxes of an organization; from [`Daytona::sandboxes`]. Cloning is cheap.
///
/// Where a method takes `id_or_name`, the server looks for an id first and then for a name. All of them fail with
/// [`is_not_found`](Error::is_not_found) where there is no such sandbox in the organization, and with
/// [`is_conflict`](Error::is_conflict) while the sandbox changes its state.
///
/// Unless said otherwise a call is idempotent, so it is retried, and dropping its future leaves at most a request
/// that the server carries out anyway.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let sandboxes = api.sandboxes();
/// let sandbox = sandboxes.get("my-sandbox").await?;
/// sandboxes.set_auto_stop_interval(&sandbox.id, 15).await?;
/// sandboxes.delete(&sandbox.id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sandboxes {
    pub(super) client: Daytona,
}

impl Sandboxes {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// Makes a sandbox: `POST /sandbox`. See [`Create`].
    pub fn create(&self) -> Create {
        Create::new(self.client.clone())
    }

    /// Lists sandboxes: `GET /sandbox`. See [`List`].
    pub fn list(&self) -> List {
        List::new(self.client.clone())
    }

    /// One sandbox: `GET /sandbox/{id_or_name}`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. A destroyed sandbox is not found.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), daytona_api::Error> {
    /// # use daytona_api::{Config, Daytona, test_util::Scripted};
    /// let server = Scripted::new().json(200, r#"{"id":"sb-1","state":"started"}"#).json(404, "{}");
    /// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
    /// assert_eq!(api.sandboxes().get("sb-1").await?.id, "sb-1");
    /// assert!(api.sandboxes().get("sb-2").await.unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "test-util"))]
    /// # fn main() {}
    /// ```
    pub async fn get(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.same(id_or_name, Call::new(&routes::GET_SANDBOX, &[id_or_name])?)
            .await
    }

    /// Starts a sandbox, which may be started already: `POST /sandbox/{id_or_name}/start`. The answer comes
    /// before it runs.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may start all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let sandbox = api.sandboxes().start("my-sandbox").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.same(
            id_or_name,
            Call::new(&routes::START_SANDBOX, &[id_or_name])?,
        )
        .await
    }

    /// Stops a sandbox that runs: `POST /sandbox/{id_or_name}/stop`. One whose auto-delete interval is 0 is
    /// deleted by it. With `force` its processes are killed without time to end.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]; status 400 where it does not run. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may stop all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().stop("my-sandbox", false).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self, id_or_name: &str, force: bool) -> Result<Sandbox, Error> {
        let force = if force { "true" } else { "false" };
        let call = Call::new(&routes::STOP_SANDBOX, &[id_or_name])?.query("force", force);
        self.same(id_or_name, call).await
    }

    /// Deletes a sandbox: `DELETE /sandbox/{id_or_name}`. Its name is free at once; by id it can be seen until
    /// it is gone. `None` where the server answers with success but without a sandbox.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Also where the answer is about another sandbox, which may have been deleted in its place. After
    /// a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// match api.sandboxes().delete("my-sandbox").await {
    ///     Err(error) if error.is_not_found() => {}
    ///     deleted => drop(deleted?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id_or_name: &str) -> Result<Option<Sandbox>, Error> {
        let call = Call::new(&routes::DELETE_SANDBOX, &[id_or_name])?;
        let id = call.route.id;
        let body = self.client.done(&self.client.shared.base, call).await?;
        let row = serde_json::from_slice(&body).ok();
        let row = row.filter(|row: &Sandbox| !row.id.is_empty());
        row.map(|row| Self::is_of(row, id_or_name, id)).transpose()
    }

    /// Replaces all labels: `PUT /sandbox/{id_or_name}/labels`. Gives the labels as the server has them now.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The labels may be replaced all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().replace_labels("my-sandbox", [("team", "blue")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn replace_labels<K, V>(
        &self,
        id_or_name: &str,
        labels: impl IntoIterator<Item = (K, V)> + Send,
    ) -> Result<BTreeMap<String, String>, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let wanted = SandboxLabels {
            labels: labels
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        };
        let call = Call::new(&routes::REPLACE_LABELS, &[id_or_name])?.json(&wanted)?;
        let limit = self.client.shared.config.limits.metadata;
        let now: SandboxLabels = self
            .client
            .json(&self.client.shared.base, call, limit)
            .await?;
        Ok(now.labels)
    }

    /// Sets after how many minutes without activity a running sandbox is stopped; 0 is never:
    /// `POST /sandbox/{id_or_name}/autostop/{minutes}`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The interval may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_auto_stop_interval("my-sandbox", 15).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_auto_stop_interval(
        &self,
        id_or_name: &str,
        minutes: u32,
    ) -> Result<Sandbox, Error> {
        self.number(
            &routes::SET_AUTOSTOP_INTERVAL,
            id_or_name,
            i64::from(minutes),
        )
        .await
    }

    /// Sets after how many minutes a stopped sandbox is archived; 0 is the server's longest:
    /// `POST /sandbox/{id_or_name}/autoarchive/{minutes}`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The interval may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_auto_archive_interval("my-sandbox", 60).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_auto_archive_interval(
        &self,
        id_or_name: &str,
        minutes: u32,
    ) -> Result<Sandbox, Error> {
        self.number(
            &routes::SET_AUTO_ARCHIVE_INTERVAL,
            id_or_name,
            i64::from(minutes),
        )
        .await
    }

    /// Sets after how many minutes a stopped sandbox is deleted; 0 is at once, negative is never:
    /// `POST /sandbox/{id_or_name}/autodelete/{minutes}`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The interval may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_auto_delete_interval("my-sandbox", 0).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_auto_delete_interval(
        &self,
        id_or_name: &str,
        minutes: i32,
    ) -> Result<Sandbox, Error> {
        self.number(
            &routes::SET_AUTO_DELETE_INTERVAL,
            id_or_name,
            i64::from(minutes),
        )
        .await
    }

    /// Sets after how many minutes from now the sandbox is destroyed, whatever its state; 0 is never:
    /// `POST /sandbox/{id_or_name}/ttl/{minutes}`. Older servers do not know it and answer 404.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// The time may be set all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().set_ttl("my-sandbox", 15).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_ttl(&self, id_or_name: &str, minutes: u32) -> Result<Sandbox, Error> {
        self.number(&routes::SET_TTL, id_or_name, i64::from(minutes))
            .await
    }

    /// Tells that the sandbox is in use, which starts its auto-stop interval anew:
    /// `POST /sandbox/{id}/last-activity`. Takes an id only, no name.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().update_last_activity("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_last_activity(&self, id: &str) -> Result<(), Error> {
        let call = Call::new(&routes::UPDATE_LAST_ACTIVITY, &[id])?.idempotent();
        self.client
            .done(&self.client.shared.base, call)
            .await
            .map(drop)
    }

    /// The address of the sandbox's toolbox proxy, for a sandbox that does not name it:
    /// `GET /sandbox/{id}/toolbox-proxy-url`. For [`Daytona::toolbox_at`].
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
    /// # async fn example(api: daytona_api::Daytona, id: &str) -> Result<(), daytona_api::Error> {
    /// let url = api.sandboxes().toolbox_proxy_url(id).await?;
    /// let toolbox = api.toolbox_at(&url, id)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn toolbox_proxy_url(&self, id: &str) -> Result<String, Error> {
        let call = Call::new(&routes::GET_TOOLBOX_PROXY_URL, &[id])?;
        let limit = self.client.shared.config.limits.metadata;
        let found: ToolboxProxyUrl = self
            .client
            .json(&self.client.shared.base, call, limit)
            .await?;
        Ok(found.url)
    }

    async fn number(
        &self,
        route: &'static Route,
        id_or_name: &str,
        number: i64,
    ) -> Result<Sandbox, Error> {
        let call = Call::new(route, &[id_or_name, &number.to_string()])?;
        self.same(id_or_name, call.idempotent()).await
    }

    /// The row of the sandbox that was asked about, and no other's.
    async fn same(&self, asked: &str, call: Call) -> Result<Sandbox, Error> {
        let id = call.route.id;
        Self::is_of(self.sandbox(call).await?, asked, id)
    }

    fn is_of(row: Sandbox, asked: &str, operation: &'static str) -> Result<Sandbox, Error> {
        // one that is stopped and with that deleted loses its name at once
        let before = row
            .name
            .strip_prefix("DESTROYED_")
            .and_then(|name| Some(name.rsplit_once('_')?.0));
        if row.id == asked || row.name == asked || before == Some(asked) {
            return Ok(row);
        }
        let what = "the server answered with another sandbox than the one it was asked about";
        Err(Error::new(ErrorKind::Decode, what).with_operation(operation))
    }

    /// A row whose id nobody can know before.
    async fn sandbox(&self, call: Call) -> Result<Sandbox, Error> {
        let limit = self.client.shared.config.limits.metadata;
        self.client
            .json(&self.client.shared.base, call, limit)
            .await
    }
}
