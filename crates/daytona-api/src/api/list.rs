use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use crate::client::Daytona;
use crate::error::Error;
use crate::models::{ListSandboxesResponse, SandboxListItem, SandboxState};
use crate::pagination::{Items, items, pages};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// Lists sandboxes; from [`Sandboxes::list`](super::Sandboxes::list). Filters add up: an item must pass them all.
///
/// The list is eventually consistent: a sandbox just made may be missing, one just deleted may be there.
///
/// ```
/// # #[cfg(feature = "test-util")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), daytona_api::Error> {
/// # use daytona_api::{Config, Daytona, test_util::Scripted};
/// use futures_util::TryStreamExt;
///
/// let server = Scripted::new()
///     .json(200, r#"{"items":[{"id":"a"},{"id":"b"}],"nextCursor":"more"}"#)
///     .json(200, r#"{"items":[{"id":"c"}],"nextCursor":null}"#);
/// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
/// let mut list = api.sandboxes().list().label("team", "blue").page_size(2).stream();
/// let mut ids = Vec::new();
/// while let Some(item) = list.try_next().await? {
///     ids.push(item.id);
/// }
/// assert_eq!(ids, ["a", "b", "c"]);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "test-util"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the stream is read"]
pub struct List {
    client: Daytona,
    labels: BTreeMap<String, String>,
    query: Vec<(&'static str, String)>,
    page_size: Option<u32>,
}

impl List {
    pub(crate) fn new(client: Daytona) -> Self {
        Self {
            client,
            labels: BTreeMap::new(),
            query: Vec::new(),
            page_size: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Only ids that begin so.
    pub fn id_prefix(self, prefix: impl Into<String>) -> Self {
        self.with("id", prefix)
    }

    /// Only names that begin so, in upper or lower case.
    pub fn name_prefix(self, prefix: impl Into<String>) -> Self {
        self.with("name", prefix)
    }

    /// Only sandboxes with this label; may be given several times.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Only sandboxes in this state; given several times, in one of them. `destroyed` is no filter.
    pub fn state(self, state: &SandboxState) -> Self {
        self.with("states", state.as_str())
    }

    /// Only sandboxes made from this snapshot, by name; given several times, from one of them.
    pub fn snapshot(self, name: impl Into<String>) -> Self {
        self.with("snapshots", name)
    }

    /// Only sandboxes in this region; given several times, in one of them.
    pub fn region(self, id: impl Into<String>) -> Self {
        self.with("regionIds", id)
    }

    /// Also sandboxes that failed and shall be destroyed.
    pub fn include_errored_deleted(self, include: bool) -> Self {
        self.with(
            "includeErroredDeleted",
            if include { "true" } else { "false" },
        )
    }

    /// Only sandboxes made after this time (RFC 3339).
    pub fn created_after(self, time: impl Into<String>) -> Self {
        self.with("createdAtAfter", time)
    }

    /// Only sandboxes made before this time (RFC 3339).
    pub fn created_before(self, time: impl Into<String>) -> Self {
        self.with("createdAtBefore", time)
    }

    /// Only sandboxes whose last activity was before this time (RFC 3339).
    pub fn last_event_before(self, time: impl Into<String>) -> Self {
        self.with("lastEventBefore", time)
    }

    /// Items in a page, 1 to 200 (the server's default is 100); other numbers are moved into that range.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = Some(items.clamp(1, 200));
        self
    }

    async fn page(
        self,
        cursor: Option<String>,
    ) -> Result<(Vec<SandboxListItem>, Option<String>), Error> {
        let mut call = Call::new(&routes::LIST_SANDBOXES, &[])?;
        if let Some(cursor) = cursor {
            call = call.query("cursor", &cursor);
        }
        if let Some(size) = self.page_size {
            call = call.query("limit", &size.to_string());
        }
        if !self.labels.is_empty() {
            let labels = serde_json::to_string(&self.labels).map_err(|error| {
                Error::build("the labels cannot be written as json").with_source(error)
            })?;
            call = call.query("labels", &labels);
        }
        for (name, value) in &self.query {
            call = call.query(name, value);
        }
        let limit = self.client.shared.config.limits.metadata;
        let page: ListSandboxesResponse = self
            .client
            .json(&self.client.shared.base, call, limit)
            .await?;
        Ok((page.items, page.next_cursor))
    }

    /// The pages, each fetched when it is asked for.
    pub fn pages(self) -> Items<Vec<SandboxListItem>> {
        pages(move |cursor| self.clone().page(cursor))
    }

    /// The items of all pages, each page fetched when it is needed.
    pub fn stream(self) -> Items<SandboxListItem> {
        items(self.pages())
    }

    /// All items.
    ///
    /// # Errors
    ///
    /// The first error of any page.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn collect(self) -> Result<Vec<SandboxListItem>, Error> {
        self.stream().try_collect().await
    }
}
