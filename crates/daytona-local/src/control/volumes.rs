//! Volumes: folders that outlive sandboxes and are shared between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::models::{SandboxDesiredState, SandboxVolume, VolumeDto, VolumeState};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::agenda::Agenda;
use super::news::News;
use super::store::{Store, Work};
use super::view::{ORGANIZATION, time};
use crate::app::App;
use crate::clock::between;
use crate::web::query::Query;
use crate::web::reply::{Failure, Reply};

/// As many as the service lets an organization have if nobody says otherwise.
pub(crate) const QUOTA: usize = 100;
/// How many deleted ones stay listed.
const MAX_DELETED: usize = 1000;
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest name, in bytes.
const MAX_NAME: usize = 255;

#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) id: String,
    name: String,
    state: VolumeState,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl Volume {
    fn view(&self) -> VolumeDto {
        let mut view = VolumeDto::default();
        view.id = self.id.clone();
        view.name = self.name.clone();
        view.organization_id = ORGANIZATION.to_owned();
        view.state = self.state.clone();
        view.created_at = time(self.created_at);
        view.updated_at = time(self.updated_at);
        view.last_used_at = self.last_used_at.map(time);
        view
    }

    fn deleted(&self) -> bool {
        self.state == VolumeState::Deleted
    }

    fn enter(&mut self, state: VolumeState, at: Timestamp, news: &News) {
        let old = std::mem::replace(&mut self.state, state);
        self.updated_at = at;
        news.tell(
            "volume.state.updated",
            |_| json!({ "volume": self.view(), "oldState": old, "newState": self.state }),
        );
    }
}

/// What a sandbox shows of a volume, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// As asked for: an id or a name; once the sandbox is stored the id.
    pub(crate) volume: String,
    pub(crate) mount_path: String,
    pub(crate) subpath: Option<String>,
}

impl Attached {
    pub(crate) fn view(&self) -> SandboxVolume {
        let mut view = SandboxVolume::default();
        view.volume_id = self.volume.clone();
        view.mount_path = self.mount_path.clone();
        view.subpath = self.subpath.clone();
        view
    }
}

#[derive(Debug, Default)]
pub(crate) struct Volumes {
    rows: BTreeMap<String, Volume>,
    /// The states they are on their way to.
    agenda: Agenda<VolumeState>,
}

impl Volumes {
    fn named(&self, name: &str) -> Option<&Volume> {
        let mut living = self.rows.values().filter(|volume| !volume.deleted());
        living.find(|volume| volume.name == name)
    }

    fn find(&mut self, id: &str) -> Result<&mut Volume, Failure> {
        let found = self.rows.get_mut(id);
        found.ok_or_else(|| Failure::not_found(format!("Volume with ID {id} not found")))
    }

    pub(crate) fn living(&self) -> usize {
        let living = self.rows.values().filter(|volume| !volume.deleted());
        living.count()
    }

    /// Notes that these are used now.
    pub(super) fn touch(&mut self, attached: &[Attached], now: Timestamp, news: &News) {
        for used in attached {
            if let Some(volume) = self.rows.get_mut(&used.volume) {
                volume.last_used_at = Some(now);
                news.tell("volume.lastUsedAt.updated", |_| json!(volume.view()));
            }
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.next_due()
    }

    /// Takes the next step that is due; the volume whose files are to go, if one was deleted.
    pub(super) fn step(&mut self, news: &News) -> Option<String> {
        let (at, id, state) = self.agenda.pop()?;
        let volume = self.rows.get_mut(&id)?;
        volume.enter(state, at, news);
        volume.deleted().then_some(id)
    }

    pub(super) fn purge(&mut self, now: Timestamp) {
        let kept = |volume: &Volume| !volume.deleted() || between(volume.updated_at, now) < KEPT;
        self.rows.retain(|_, volume| kept(volume));
    }

    fn forget_oldest(&mut self) {
        while self.rows.len() - self.living() > MAX_DELETED {
            let deleted = self.rows.values().filter(|volume| volume.deleted());
            let oldest = deleted.min_by_key(|volume| volume.updated_at);
            let Some(id) = oldest.map(|volume| volume.id.clone()) else {
                return;
            };
            self.rows.remove(&id);
        }
    }
}

impl Store {
    /// Puts ids in place of names and checks that all of it can be used.
    pub(super) fn attach(&self, attached: &mut [Attached]) -> Result<(), Failure> {
        for wanted in attached {
            let key = &wanted.volume;
            let living = self
                .volumes
                .rows
                .get(key)
                .filter(|volume| !volume.deleted());
            let found = living.or_else(|| self.volumes.named(key));
            let found = found.ok_or_else(|| {
                Failure::not_found(format!("Volume with ID or name {key} not found"))
            })?;
            if found.state != VolumeState::Ready {
                return Err(Failure::bad(format!(
                    "Volume {} is not ready: its state is {}",
                    found.name,
                    found.state.as_str()
                )));
            }
            wanted.volume = found.id.clone();
        }
        Ok(())
    }

    fn volume_in_use(&self, id: &str) -> bool {
        self.rows.values().any(|row| {
            let uses = row.volumes.iter().any(|used| used.volume == id);
            uses && !row.destroyed() && row.desired != SandboxDesiredState::Destroyed
        })
    }
}

pub(crate) fn create(app: &App, body: &Value) -> Result<Reply, Failure> {
    let name = body.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| Failure::bad("name must be a string"))?;
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let message = "name must have at most 255 bytes and no control characters";
        return Err(Failure::bad(message));
    }
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let mut store = app.store();
    let id = app.new_id();
    let name = if name.is_empty() { &id } else { name };
    if store.volumes.named(name).is_some() {
        let message = format!("Volume with name {name} already exists");
        return Err(Failure::bad(message));
    }
    if store.volumes.living() >= QUOTA {
        let message = format!("Volume quota exceeded. Maximum allowed: {QUOTA}");
        return Err(Failure::bad(message));
    }
    let volume = Volume {
        id: id.clone(),
        name: name.to_owned(),
        state: if delay.is_zero() {
            VolumeState::Ready
        } else {
            VolumeState::PendingCreate
        },
        created_at: now,
        updated_at: now,
        last_used_at: None,
    };
    let view = volume.view();
    store.volumes.rows.insert(id.clone(), volume);
    if !delay.is_zero() {
        let states = [VolumeState::Creating, VolumeState::Ready];
        store.volumes.agenda.lead(&id, states, now, delay);
    }
    store.news.tell("volume.created", |_| json!(view));
    drop(store);
    app.rescheduled.notify_one();
    Ok(Reply::json(200, &view))
}

pub(crate) fn list(app: &App, query: &Query) -> Result<Reply, Failure> {
    let all = query.flag("includeDeleted").unwrap_or(false);
    let store = app.store();
    let mut shown: Vec<_> = store
        .volumes
        .rows
        .values()
        .filter(|volume| all || !volume.deleted())
        .collect();
    shown.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    let shown: Vec<_> = shown.into_iter().map(Volume::view).collect();
    Ok(Reply::json(200, &shown))
}

/// A deleted one is still found, and says so.
pub(crate) fn get(app: &App, id: &str) -> Result<Reply, Failure> {
    Ok(Reply::json(200, &app.store().volumes.find(id)?.view()))
}

pub(crate) fn get_by_name(app: &App, name: &str) -> Result<Reply, Failure> {
    let store = app.store();
    let found = store.volumes.named(name);
    // clients know a missing one by these words
    let missing = || Failure::not_found(format!("Volume with name {name} not found"));
    Ok(Reply::json(200, &found.ok_or_else(missing)?.view()))
}

pub(crate) fn delete(app: &Arc<App>, id: &str) -> Result<Reply, Failure> {
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let mut store = app.store();
    let in_use = store.volume_in_use(id);
    let news = store.news.clone();
    let volume = store.volumes.find(id)?;
    if !matches!(volume.state, VolumeState::Ready | VolumeState::Error) {
        let message = "Volume must be in state ready or error to be deleted";
        return Err(Failure::bad(message));
    }
    if in_use {
        let message = "Volume is in use by one or more sandboxes and cannot be deleted";
        return Err(Failure::conflict(message));
    }
    volume.enter(VolumeState::PendingDelete, now, &news);
    let states = [VolumeState::Deleting, VolumeState::Deleted];
    if delay.is_zero() {
        for state in states {
            volume.enter(state, now, &news);
        }
    } else {
        store.volumes.agenda.lead(id, states, now, delay);
    }
    store.volumes.forget_oldest();
    drop(store);
    app.rescheduled.notify_one();
    let work = delay.is_zero().then_some(Work::Volume);
    app.finish(work, id.to_owned());
    Ok(Reply::empty(200))
}
