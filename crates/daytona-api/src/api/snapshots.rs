use std::time::Duration;

use futures_util::TryStreamExt;

use super::Image;
use super::wait::{Now, wait};
use crate::client::Daytona;
use crate::error::Error;
use crate::models::{CreateSnapshot, PaginatedSnapshots, SnapshotDto, SnapshotState, Url};
use crate::pagination::{Items, items, pages};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// The snapshots of an organization, from which sandboxes are created; from [`Daytona::snapshots`]. Cloning is
/// cheap.
///
/// All methods fail with [`is_not_found`](Error::is_not_found) where there is no such snapshot.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let snapshots = api.snapshots();
/// snapshots.create("tools:1", |new| new.image_name = Some("python:3.12".into())).await?;
/// let five_minutes = std::time::Duration::from_secs(300);
/// snapshots.wait_until_active("tools:1", five_minutes).await?;
/// let sandbox = api.sandboxes().create().snapshot("tools:1").send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Snapshots {
    pub(super) client: Daytona,
}

impl Snapshots {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// Makes a snapshot from an image or a Dockerfile: `POST /snapshots`. `set` fills in `image_name` (with a
    /// tag other than `latest`, or a digest) or `build_info`, and what else is wanted: `cpu` in cores, `memory`
    /// and `disk` in GiB, `entrypoint`, `region_id`. The answer comes before it can be used; see
    /// [`wait_until_active`](Self::wait_until_active).
    ///
    /// # Errors
    ///
    /// See [`Snapshots`]. A conflict where the name is taken; status 400 for a name or image that will not do.
    /// Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The snapshot may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshots = api.snapshots();
    /// snapshots.create("tools:1", |new| new.image_name = Some("python:3.12".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        name: &str,
        set: impl FnOnce(&mut CreateSnapshot) + Send,
    ) -> Result<SnapshotDto, Error> {
        let mut body = CreateSnapshot {
            name: name.to_owned(),
            ..CreateSnapshot::default()
        };
        set(&mut body);
        self.client
            .fetch(Call::new(&routes::CREATE_SNAPSHOT, &[])?.json(&body)?)
            .await
    }

    /// As [`create`](Self::create), from an [`Image`]: local files that it copies are read and uploaded first. `set`
    /// fills in what else is wanted. What the build writes is in [`build_log`](Self::build_log).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and what is wrong with the image or its files, for which
    /// [`may_have_reached_server`](Error::may_have_reached_server) is false: no snapshot was made.
    ///
    /// # Cancel safety
    ///
    /// The snapshot may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Image;
    ///
    /// let image = Image::debian_slim("3.12").pip_install(["numpy"]);
    /// api.snapshots().create_from_image("tools:1", &image, |new| new.memory = Some(2)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_from_image(
        &self,
        name: &str,
        image: &Image,
        set: impl FnOnce(&mut CreateSnapshot) + Send,
    ) -> Result<SnapshotDto, Error> {
        #[cfg(feature = "context")]
        let info = Box::pin(image.uploaded(&self.client)).await?;
        #[cfg(not(feature = "context"))]
        let info = image.build_info()?;
        self.create(name, |new| {
            set(new);
            new.build_info = Some(info);
        })
        .await
    }

    /// One snapshot, by id or name: `GET /snapshots/{id_or_name}`.
    ///
    /// # Errors
    ///
    /// See [`Snapshots`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshot = api.snapshots().get("tools:1").await?;
    /// println!("{}", snapshot.state);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id_or_name: &str) -> Result<SnapshotDto, Error> {
        self.client
            .fetch(Call::new(&routes::GET_SNAPSHOT, &[id_or_name])?)
            .await
    }

    /// Deletes a snapshot by its id: `DELETE /snapshots/{id}`. Sandboxes made from it go on.
    ///
    /// # Errors
    ///
    /// See [`Snapshots`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// The snapshot may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshot = api.snapshots().get("tools:1").await?;
    /// api.snapshots().delete(&snapshot.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::REMOVE_SNAPSHOT, &[id])?)
            .await
    }

    /// Makes an inactive snapshot usable again: `POST /snapshots/{id}/activate`. The answer comes before it is.
    ///
    /// # Errors
    ///
    /// See [`Snapshots`]. Status 400 where it is active. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be activated all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshot = api.snapshots().get("tools:1").await?;
    /// api.snapshots().activate(&snapshot.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn activate(&self, id: &str) -> Result<SnapshotDto, Error> {
        self.client
            .fetch(Call::new(&routes::ACTIVATE_SNAPSHOT, &[id])?)
            .await
    }

    /// Puts a snapshot aside, so that nothing can be created from it: `POST /snapshots/{id}/deactivate`.
    ///
    /// # Errors
    ///
    /// See [`Snapshots`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be deactivated all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshot = api.snapshots().get("tools:1").await?;
    /// api.snapshots().deactivate(&snapshot.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn deactivate(&self, id: &str) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::DEACTIVATE_SNAPSHOT, &[id])?)
            .await
    }

    /// Where the log of a snapshot's build can be read: `GET /snapshots/{id}/build-logs-url`. With
    /// `?follow=true` at its end the log is followed. It wants this client's credential. See
    /// [`build_log`](Self::build_log), which reads it.
    ///
    /// # Errors
    ///
    /// See [`Snapshots`]. Not found also where nothing was built.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let snapshot = api.snapshots().get("tools:1").await?;
    /// let url = api.snapshots().build_logs_url(&snapshot.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn build_logs_url(&self, id: &str) -> Result<String, Error> {
        let found: Url = self
            .client
            .fetch(Call::new(&routes::GET_SNAPSHOT_BUILD_LOGS_URL, &[id])?)
            .await?;
        Ok(found.url)
    }

    /// Waits until a snapshot can be used.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`ErrorKind::Failed`](crate::ErrorKind::Failed) at once, with the server's
    /// reason, where it failed or is being removed; [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) where it
    /// is not active after `timeout`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let five_minutes = std::time::Duration::from_secs(300);
    /// let snapshot = api.snapshots().wait_until_active("tools:1", five_minutes).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_until_active(
        &self,
        id_or_name: &str,
        timeout: Duration,
    ) -> Result<SnapshotDto, Error> {
        wait(&self.client, "the snapshot", None, timeout, || async {
            let found = self.get(id_or_name).await?;
            Ok(match &found.state {
                SnapshotState::Active => Now::Done(found),
                SnapshotState::Error | SnapshotState::BuildFailed | SnapshotState::Removing => {
                    Now::failed(found.state.as_str(), found.error_reason)
                }
                _ => Now::NotYet,
            })
        })
        .await
    }

    /// Lists snapshots: `GET /snapshots`. See [`SnapshotList`].
    pub fn list(&self) -> SnapshotList {
        SnapshotList::new(self.client.clone())
    }
}

/// Lists snapshots, the one used last first; from [`Snapshots::list`].
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let all = api.snapshots().list().name("tools").collect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the stream is read"]
pub struct SnapshotList {
    client: Daytona,
    query: Vec<(&'static str, String)>,
}

impl SnapshotList {
    fn new(client: Daytona) -> Self {
        Self {
            client,
            query: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Only snapshots with this in their names.
    pub fn name(self, part: impl Into<String>) -> Self {
        self.with("name", part)
    }

    /// Only snapshots made from this sandbox.
    pub fn source_sandbox(self, id: impl Into<String>) -> Self {
        self.with("sourceSandboxId", id)
    }

    /// Sorted by `name`, `state`, `lastUsedAt` (the default) or `createdAt`.
    pub fn sort(self, field: impl Into<String>) -> Self {
        self.with("sort", field)
    }

    /// `asc`, or `desc` (the default).
    pub fn order(self, order: impl Into<String>) -> Self {
        self.with("order", order)
    }

    /// Snapshots in a page, 1 to 200 (the server's default is 100); other numbers are moved into that range.
    pub fn page_size(self, snapshots: u32) -> Self {
        self.with("limit", snapshots.clamp(1, 200).to_string())
    }

    async fn page(
        self,
        cursor: Option<String>,
    ) -> Result<(Vec<SnapshotDto>, Option<String>), Error> {
        let mut call = Call::new(&routes::GET_ALL_SNAPSHOTS, &[])?.maybe("page", cursor);
        for (name, value) in &self.query {
            call = call.query(name, value);
        }
        let page: PaginatedSnapshots = self.client.fetch(call).await?;
        // an empty page ends the list whatever the counts say
        let more = page.page < page.total_pages && !page.items.is_empty();
        let next = more.then(|| (page.page + 1).to_string());
        Ok((page.items, next))
    }

    /// The snapshots of all pages, each page fetched when it is needed.
    pub fn stream(self) -> Items<SnapshotDto> {
        items(pages(move |cursor| self.clone().page(cursor)))
    }

    /// All snapshots.
    ///
    /// # Errors
    ///
    /// The first error of any page.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn collect(self) -> Result<Vec<SnapshotDto>, Error> {
        self.stream().try_collect().await
    }
}
