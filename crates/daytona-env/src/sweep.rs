//! Removing what no living process looks after any more.

mod builder;
mod judge;
mod report;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::Daytona;
use daytona_api::models::SandboxListItem;
use futures_util::StreamExt as _;
use futures_util::stream::{self, TryStreamExt as _};
use jiff::Timestamp;
use sandbox_core::{Destroyed, Error, Target};
use tokio::time::sleep;

pub use builder::SweeperBuilder;
pub use report::{SweepOutcome, SweepReport, Swept};

use crate::error::{api_error, provider_error};
use crate::labels;
use crate::provider::delete_shown;
use judge::{Judge, Verdict};

/// The server may answer a look-up from a cache for ten seconds.
const LOOKUP_CACHE: Duration = Duration::from_secs(11);
/// Rows looked at once more, and deleted, at a time.
const AT_ONCE: usize = 16;

/// Removes sandboxes that environments have left behind and that the server does not remove by itself: rows in an error
/// state, sandboxes on a machine that is out of order.
///
/// A lease already bounds what a process that died leaves running. The sweeper is the net below it. It touches only
/// rows that carry the labels of this library and the namespace it was given, whose name is one of ours, and that
/// nobody has renewed for long, by the server's own clock; each is looked at twice, more than ten seconds of the
/// server's time apart, before it is deleted by its id. A sandbox that any living process renews, on whatever host, is
/// spared, and so is every one of this process.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use daytona_env::Sweeper;
///
/// let server = daytona_local::Server::builder().isolation(daytona_local::Isolation::None).start().await?;
/// let sweeper = Sweeper::builder()
///     .api_url(server.api_url())
///     .api_key(server.token())
///     .dry_run(true)
///     .build()?;
/// let report = sweeper.sweep().await?;
/// assert!(report.swept().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Sweeper {
    api: Daytona,
    namespace: Arc<str>,
    idle: Duration,
    persistent: bool,
    dry_run: bool,
    instance: &'static str,
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper")
            .field("namespace", &self.namespace)
            .field("idle", &self.idle)
            .field("persistent", &self.persistent)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

impl Sweeper {
    /// Starts to configure one.
    pub fn builder() -> SweeperBuilder {
        SweeperBuilder::default()
    }

    /// One pass. It takes at least ten seconds where anything is found.
    ///
    /// # Errors
    ///
    /// Where the list or the server's time cannot be had; then nothing was deleted. What happens to a single sandbox,
    /// a refused delete included, is in the report.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the pass: what was deleted is, the rest is as it was.
    pub async fn sweep(&self) -> Result<SweepReport, Error> {
        let began = self.time().await?;
        let candidates = self.list(began).await?;
        let judge = self.judge(began);
        let mut report = SweepReport::default();
        let mut stale = Vec::new();
        for row in candidates {
            match judge.item(&row) {
                Verdict::Gone | Verdict::Foreign => {}
                Verdict::Spared(why) => {
                    report.push(Swept::of(&row, began, SweepOutcome::Spared(why)))
                }
                Verdict::Stale => stale.push(row),
            }
        }
        if !stale.is_empty() {
            let now = self.past_the_cache(began).await?;
            let confirmed = stream::iter(stale.into_iter().map(|row| self.confirm(row, now)));
            let confirmed: Vec<Swept> = confirmed.buffer_unordered(AT_ONCE).collect().await;
            confirmed.into_iter().for_each(|swept| report.push(swept));
        }
        report.sort();
        Ok(report)
    }

    fn judge(&self, now: Timestamp) -> Judge<'_> {
        Judge {
            namespace: &self.namespace,
            instance: self.instance,
            idle: self.idle,
            persistent: self.persistent,
            now,
        }
    }

    async fn time(&self) -> Result<Timestamp, Error> {
        let failed = |error| api_error("ask for the server's time", error);
        let now = self.api.server().time().await.map_err(failed)?;
        Timestamp::try_from(now).map_err(|_| {
            provider_error(
                "ask for the server's time",
                "the server's time is out of range",
            )
        })
    }

    /// Everything of this namespace that was last active long ago. The list may lag; it only names candidates.
    async fn list(&self, now: Timestamp) -> Result<Vec<SandboxListItem>, Error> {
        let before = now.checked_sub(self.idle).unwrap_or(Timestamp::MIN);
        let pages = self
            .api
            .sandboxes()
            .list()
            .label(labels::MANAGED, "1")
            .label(labels::NAMESPACE, &*self.namespace)
            .last_event_before(before.to_string())
            .page_size(200)
            .pages();
        let failed = |error| api_error("list the sandboxes", error);
        let pages: Vec<Vec<SandboxListItem>> = pages.try_collect().await.map_err(failed)?;
        Ok(pages.into_iter().flatten().collect())
    }

    /// Waits until a look-up cannot be answered from before `since`.
    async fn past_the_cache(&self, since: Timestamp) -> Result<Timestamp, Error> {
        let mut pause = Duration::from_millis(100);
        loop {
            sleep(pause).await;
            let now = self.time().await?;
            if Duration::try_from(now.duration_since(since)).unwrap_or_default() >= LOOKUP_CACHE {
                return Ok(now);
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Looks at one row again, and deletes it if it is still stale.
    async fn confirm(&self, row: SandboxListItem, now: Timestamp) -> Swept {
        let outcome = self.outcome(&row, now).await;
        Swept::of(&row, now, outcome)
    }

    async fn outcome(&self, row: &SandboxListItem, now: Timestamp) -> SweepOutcome {
        let sandboxes = self.api.sandboxes();
        let found = match sandboxes.get(&row.id).await {
            Ok(found) if found.id == row.id => found,
            Ok(_) => return SweepOutcome::Spared("the server answered with another sandbox"),
            Err(error) if error.is_not_found() => return SweepOutcome::Gone,
            Err(error) => return SweepOutcome::Failed(api_error("look at a sandbox", error)),
        };
        match self.judge(now).row(&found) {
            Verdict::Gone => return SweepOutcome::Gone,
            Verdict::Foreign => return SweepOutcome::Spared("its labels or its name changed"),
            Verdict::Spared(why) => return SweepOutcome::Spared(why),
            Verdict::Stale if self.dry_run => return SweepOutcome::WouldRemove,
            Verdict::Stale => {}
        }
        // a refusal may repeat what the sandbox was given
        let api = self.api.hiding(found.env.values().map(String::as_str));
        match delete_shown(&api, &row.id).await {
            Ok(Destroyed::Gone) => SweepOutcome::Gone,
            Ok(_) => {
                let target = Target::new(Some(row.id.clone()), &row.name);
                tracing::info!(
                    id = target.id(),
                    name = target.name(),
                    "abandoned sandbox removed"
                );
                SweepOutcome::Removed
            }
            Err(error) => SweepOutcome::Failed(error),
        }
    }
}
