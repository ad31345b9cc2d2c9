//! All rows of a server.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use jiff::Timestamp;

use super::news::News;
use super::row::Row;
use super::secrets::Secrets;
use super::snapshots::Snapshots;
use super::volumes::Volumes;
use super::warm_pools::WarmPools;
use crate::isolate::cell::Cell;
use crate::web::reply::Failure;

/// What is left to do for a row outside the lock.
#[derive(Debug)]
pub(crate) enum Work {
    /// Its processes are to be killed.
    Kill(Arc<Cell>),
    /// Its processes and files are to go.
    Destroy(Arc<Cell>),
    /// The files of the volume with this id are to go.
    Volume,
}

pub(crate) struct Store {
    pub(crate) rows: BTreeMap<String, Row>,
    names: HashMap<String, String>,
    pub(crate) snapshots: Snapshots,
    pub(crate) volumes: Volumes,
    pub(crate) secrets: Secrets,
    pub(crate) warm_pools: WarmPools,
    /// When rows take their next step.
    pub(super) steps: BTreeSet<(Timestamp, String)>,
    pub(super) next_tick: Timestamp,
    pub(crate) next_request: u64,
    pub(crate) news: News,
}

impl Store {
    pub(crate) fn new(snapshots: Snapshots, next_tick: Timestamp, news: News) -> Self {
        Self {
            rows: BTreeMap::new(),
            names: HashMap::new(),
            snapshots,
            volumes: Volumes::default(),
            secrets: Secrets::default(),
            warm_pools: WarmPools::default(),
            steps: BTreeSet::new(),
            next_tick,
            next_request: 0,
            news,
        }
    }

    /// Whether one more can have this name.
    pub(super) fn admit(&self, name: &str) -> Result<(), Failure> {
        if self.names.contains_key(name) {
            let message = format!("Sandbox with name {name} already exists");
            return Err(Failure::conflict(message));
        }
        Ok(())
    }

    /// The row was admitted; what it is made from is used now.
    pub(super) fn insert(&mut self, mut row: Row) {
        self.names.insert(row.name.clone(), row.id.clone());
        if let Some(&(at, _)) = row.steps.front() {
            self.steps.insert((at, row.id.clone()));
        }
        self.news.created(&row);
        if let Some(snapshot) = &row.snapshot {
            self.snapshots.touch(snapshot, row.created_at);
        }
        let (volumes, now) = (&row.volumes, row.created_at);
        self.volumes.touch(volumes, now, &self.news);
        row.news = Some(self.news.clone());
        self.rows.insert(row.id.clone(), row);
    }

    /// By id, else by name. Destroyed ones are not found, nor are failed ones that are to be destroyed.
    pub(crate) fn find(&mut self, key: &str) -> Result<&mut Row, Failure> {
        let id = if self.rows.contains_key(key) {
            Some(key)
        } else {
            self.names.get(key).map(String::as_str)
        };
        let row = id.and_then(|id| self.rows.get_mut(id)).filter(|row| {
            let failed = matches!(row.state, SandboxState::Error | SandboxState::BuildFailed);
            let gone = failed && row.desired == SandboxDesiredState::Destroyed;
            !row.destroyed() && !gone
        });
        row.ok_or_else(|| Failure::not_found(format!("Sandbox with ID or name {key} not found")))
    }

    /// As [`Store::find`], but not while it is being destroyed: what is made for it then would be left behind.
    pub(crate) fn keeps(&mut self, key: &str) -> Result<&mut Row, Failure> {
        let row = self.find(key)?;
        if row.desired == SandboxDesiredState::Destroyed {
            return Err(Failure::not_found(format!(
                "Sandbox with ID or name {key} not found"
            )));
        }
        Ok(row)
    }

    /// All rows, now or as they were at `time`, as far as is known.
    pub(crate) fn at(&self, time: Option<Timestamp>) -> Vec<Cow<'_, Row>> {
        match time {
            None => self.rows.values().map(Cow::Borrowed).collect(),
            Some(time) => {
                let past = self.rows.values().filter_map(|row| row.at(time));
                past.map(Cow::Owned).collect()
            }
        }
    }

    /// The row must exist; frees its name at once and says what is left to do.
    pub(crate) fn begin_destroy(&mut self, id: &str, now: Timestamp) -> Option<Work> {
        let row = self.rows.get_mut(id)?;
        self.names.remove(&row.name);
        row.begin(SandboxDesiredState::Destroyed, now);
        row.name = format!("DESTROYED_{}_{}", row.name, now.as_millisecond());
        row.auto_destroy_at = None;
        match row.cell.take() {
            Some(cell) => Some(Work::Destroy(cell)),
            None => {
                row.settle(SandboxState::Destroyed, now);
                None
            }
        }
    }
}
