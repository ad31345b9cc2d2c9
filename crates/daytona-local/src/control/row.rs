//! One sandbox as the control plane knows it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use jiff::Timestamp;

use super::build_log::BuildLog;
use super::keys::Keys;
use super::news::News;
use super::secrets::Held;
use super::store::Work;
use super::volumes::Attached;
use crate::clock::{add, between};
use crate::image::Plan;
use crate::isolate::cell::Cell;
use crate::isolate::frozen::Frozen;
use crate::isolate::mount::Mount;

/// How often a request that stays open counts as activity.
const RENEWAL: Duration = Duration::from_secs(50);

#[derive(Clone)]
pub(crate) struct Build {
    pub(crate) dockerfile: Option<String>,
    pub(crate) context_hashes: Option<Vec<String>>,
    pub(crate) log: BuildLog,
}

/// The intervals in minutes, as the wire has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intervals {
    pub(crate) stop: i64,
    pub(crate) archive: i64,
    pub(crate) delete: i64,
}

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) snapshot: Option<String>,
    pub(crate) build: Option<Build>,
    pub(crate) user: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) public: bool,
    pub(crate) network_block_all: bool,
    pub(crate) target: String,
    pub(crate) cpu: i64,
    pub(crate) gpu: i64,
    pub(crate) memory: i64,
    pub(crate) disk: i64,
    pub(crate) state: SandboxState,
    pub(crate) desired: SandboxDesiredState,
    /// A change of state is under way; others are answered 409.
    pub(crate) pending: bool,
    pub(crate) pending_since: Timestamp,
    pub(crate) error_reason: Option<String>,
    /// The states on its way to `started`, the next one first, and when each is reached.
    pub(crate) steps: VecDeque<(Timestamp, SandboxState)>,
    pub(crate) intervals: Intervals,
    pub(crate) auto_destroy_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) last_activity_at: Timestamp,
    /// What opens it beside the API key.
    pub(crate) keys: Keys,
    /// Toolbox and preview requests that are open, and since when.
    pub(crate) open: BTreeMap<u64, Timestamp>,
    /// What its image asks for; that of its snapshot, if it has one.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) volumes: Vec<Attached>,
    pub(crate) secrets: Vec<Held>,
    /// The pool it came from, if it started warm.
    pub(crate) warm_pool: Option<String>,
    /// What it begins with, if its snapshot was taken of a sandbox.
    pub(crate) files: Option<Arc<Frozen>>,
    /// Made by the first toolbox request.
    pub(crate) cell: Option<Arc<Cell>>,
    /// What it was before each of its last changes, oldest first.
    pub(crate) past: VecDeque<Past>,
    /// When it was active before, oldest first.
    pub(crate) was_active: VecDeque<Timestamp>,
    /// Who is told of its changes; nobody before it is stored.
    pub(crate) news: Option<News>,
}

/// What a row was until some time.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    until: Timestamp,
    name: String,
    state: SandboxState,
    desired: SandboxDesiredState,
}

/// How many changes of a row are remembered.
const PAST: usize = 8;
/// How many times of activity of a row are remembered: an hour of renewals.
const ACTIVITY: usize = 64;

impl Row {
    pub(crate) fn ephemeral(&self) -> bool {
        self.intervals.delete == 0
    }

    /// What it shows of volumes.
    pub(crate) fn mounts(&self) -> Vec<Mount> {
        let mounts = self.volumes.iter().map(|used| Mount {
            volume: used.volume.clone(),
            subpath: used.subpath.clone().unwrap_or_default(),
            at: used.mount_path.clone(),
        });
        mounts.collect()
    }

    /// Whether what is under way is a snapshot of it, and nothing that was asked for since.
    pub(crate) fn pending_for_snapshot(&self) -> bool {
        self.pending && self.desired != SandboxDesiredState::Destroyed
    }

    /// What it ends in where it cannot start.
    pub(crate) fn failed_state(&self) -> SandboxState {
        if self.build.is_some() {
            SandboxState::BuildFailed
        } else {
            SandboxState::Error
        }
    }

    pub(crate) fn destroyed(&self) -> bool {
        self.state == SandboxState::Destroyed
    }

    /// What a list that lags behind shows: the row as it was at `time`.
    pub(crate) fn at(&self, time: Timestamp) -> Option<Self> {
        if self.created_at > time {
            return None;
        }
        let mut row = self.clone();
        if let Some(past) = self.past.iter().find(|past| past.until > time) {
            row.name.clone_from(&past.name);
            row.state = past.state.clone();
            row.desired = past.desired.clone();
        }
        if row.last_activity_at > time {
            let known = row.was_active.iter();
            let before = known.take_while(|active| **active <= time).last();
            row.last_activity_at = *before.unwrap_or(&row.created_at);
        }
        Some(row)
    }

    /// Notes activity.
    pub(crate) fn active(&mut self, at: Timestamp) {
        if at <= self.last_activity_at {
            return;
        }
        if self.was_active.len() == ACTIVITY {
            self.was_active.pop_front();
        }
        self.was_active.push_back(self.last_activity_at);
        self.last_activity_at = at;
    }

    fn remember(&mut self, now: Timestamp) {
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        self.past.push_back(Past {
            until: now,
            name: self.name.clone(),
            state: self.state.clone(),
            desired: self.desired.clone(),
        });
    }

    /// Enters a state and ends the change that led there.
    pub(crate) fn settle(&mut self, state: SandboxState, now: Timestamp) {
        self.remember(now);
        let old = std::mem::replace(&mut self.state, state);
        self.pending = false;
        self.updated_at = now;
        self.active(now);
        if let Some(build) = &self.build {
            build.log.entered(&self.state, self.error_reason.as_deref());
        }
        if let Some(news) = &self.news {
            news.changed(self, &old);
        }
    }

    /// What it shall become.
    pub(crate) fn aim(&mut self, desired: SandboxDesiredState) {
        let old = std::mem::replace(&mut self.desired, desired);
        if let Some(news) = &self.news {
            news.aimed(self, &old);
        }
    }

    pub(crate) fn begin(&mut self, desired: SandboxDesiredState, now: Timestamp) {
        self.remember(now);
        self.pending = true;
        self.pending_since = now;
        self.updated_at = now;
        self.aim(desired);
    }

    /// Processes are killed first, where there are any; what is left to do for that.
    pub(crate) fn begin_stop(&mut self, now: Timestamp) -> Option<Work> {
        self.begin(SandboxDesiredState::Stopped, now);
        let work = self.cell.clone().map(Work::Kill);
        if work.is_none() {
            self.settle(SandboxState::Stopped, now);
        }
        work
    }

    /// Ends the change that is under way, now that its processes are gone. It counts from its begin: a clock that a
    /// test moves must not lose time here.
    pub(crate) fn end_change(&mut self) {
        let since = self.pending_since;
        match self.desired {
            SandboxDesiredState::Destroyed => self.settle(SandboxState::Destroyed, since),
            SandboxDesiredState::Stopped if self.pending => {
                self.settle(SandboxState::Stopped, since);
            }
            _ => {}
        }
    }

    /// Takes the next step on the way to `started`, unless it was told to go elsewhere.
    pub(crate) fn take_step(&mut self) {
        let Some((at, state)) = self.steps.pop_front() else {
            return;
        };
        if self.desired != SandboxDesiredState::Started || !self.pending {
            self.steps.clear();
            return;
        }
        self.settle(state, at);
        self.pending = !self.steps.is_empty();
    }

    /// Counts open requests as activity: at their start and every 50 seconds.
    pub(crate) fn renew(&mut self, now: Timestamp) {
        let renewals = self.open.values().map(|&start| {
            let open = between(start, now).as_secs() / RENEWAL.as_secs();
            add(start, Duration::from_secs(open * RENEWAL.as_secs()))
        });
        if let Some(last) = renewals.max() {
            self.active(last);
        }
    }

    /// The state as single-sandbox answers give it.
    pub(crate) fn reported_state(&self) -> SandboxState {
        match (&self.state, &self.desired) {
            (SandboxState::Started, SandboxDesiredState::Stopped) => SandboxState::Stopping,
            (SandboxState::Stopped, SandboxDesiredState::Started) => SandboxState::Starting,
            (SandboxState::Stopped, SandboxDesiredState::Archived) => SandboxState::Archiving,
            (SandboxState::Unknown, SandboxDesiredState::Started) => SandboxState::Creating,
            (SandboxState::Destroyed, _) => SandboxState::Destroyed,
            (_, SandboxDesiredState::Destroyed) => SandboxState::Destroying,
            (state, _) => state.clone(),
        }
    }
}

/// What the server knows of one sandbox; destroyed ones stay listed for 24 hours of its time. Without the environment,
/// which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRow {
    /// Its id.
    pub id: String,
    /// Its name; a deleted one is called `DESTROYED_<name>_<milliseconds>`.
    pub name: String,
    /// The stored state, spelt as the API does; lists show it.
    pub state: String,
    /// The state as answers about this one sandbox show it, changes that are under way included.
    pub reported_state: String,
    /// The state it is meant to reach.
    pub desired_state: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Why it failed, if it did.
    pub error_reason: Option<String>,
    /// Minutes without activity until it stops; 0 for never.
    pub auto_stop_interval: i64,
    /// Minutes it stays stopped until it is archived.
    pub auto_archive_interval: i64,
    /// Minutes it stays stopped until it is deleted; 0 deletes it at the stop, negative never.
    pub auto_delete_interval: i64,
    /// When it is deleted whatever its state, by the server's clock.
    pub auto_destroy_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its last activity.
    pub last_activity_at: Timestamp,
    /// Toolbox and preview requests that are open now, their answers not yet fully sent.
    pub open_requests: usize,
}

impl fmt::Debug for SandboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxRow")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("state", &self.state)
            .field("desired_state", &self.desired_state)
            .field("labels", &self.labels)
            .field("last_activity_at", &self.last_activity_at)
            .finish_non_exhaustive()
    }
}

impl SandboxRow {
    /// Whether it exists, if only until a delete that has begun ends.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.state != SandboxState::Destroyed.as_str()
    }

    pub(crate) fn of(row: &Row) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            state: row.state.as_str().to_owned(),
            reported_state: row.reported_state().as_str().to_owned(),
            desired_state: row.desired.as_str().to_owned(),
            labels: row.labels.clone(),
            error_reason: row.error_reason.clone(),
            auto_stop_interval: row.intervals.stop,
            auto_archive_interval: row.intervals.archive,
            auto_delete_interval: row.intervals.delete,
            auto_destroy_at: row.auto_destroy_at,
            created_at: row.created_at,
            last_activity_at: row.last_activity_at,
            open_requests: row.open.len(),
        }
    }
}
