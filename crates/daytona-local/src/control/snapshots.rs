//! Snapshots: what sandboxes are created from.

pub(crate) mod change;
mod check;
pub(crate) mod show;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::models::{SandboxClass, SnapshotDto, SnapshotState};
use jiff::Timestamp;
use serde_json::json;

use super::agenda::Agenda;
use super::news::News;
use super::row::Build;
use super::view::{ORGANIZATION, time};
use crate::ident;
use crate::image::Plan;
use crate::isolate::frozen::Frozen;
use crate::web::reply::Failure;

/// How many an organization may have besides those that are there for everybody.
pub(crate) const QUOTA: usize = 100;

pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) name: String,
    /// There for everybody: made known by whoever runs the server.
    general: bool,
    image: Option<String>,
    pub(crate) build: Option<Build>,
    entrypoint: Vec<String>,
    pub(crate) state: SnapshotState,
    amounts: Amounts,
    error_reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used_at: Option<Timestamp>,
    /// The sandbox it was taken of, and its files.
    source: Option<String>,
    files: Option<Arc<Frozen>>,
    /// What its image asks for, or that of the sandbox it was taken of.
    plan: Option<Arc<Plan>>,
}

/// Cores, and GiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts {
    pub(crate) cpu: i64,
    pub(crate) gpu: i64,
    pub(crate) memory: i64,
    pub(crate) disk: i64,
}

/// What the service gives where nobody says anything.
pub(crate) const DEFAULT_AMOUNTS: Amounts = Amounts {
    cpu: 1,
    gpu: 0,
    memory: 1,
    disk: 3,
};

/// What a sandbox takes from the snapshot it is created from.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) amounts: Amounts,
    pub(crate) files: Option<Arc<Frozen>>,
    pub(crate) plan: Option<Arc<Plan>>,
}

impl Template {
    /// One that nothing is known of.
    pub(crate) fn plain(name: String) -> Self {
        Self {
            name,
            amounts: DEFAULT_AMOUNTS,
            files: None,
            plan: None,
        }
    }
}

impl Snapshot {
    fn new(id: String, name: &str, state: SnapshotState, amounts: Amounts, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            general: false,
            image: None,
            build: None,
            entrypoint: Vec::new(),
            state,
            amounts,
            error_reason: None,
            created_at: now,
            updated_at: now,
            last_used_at: None,
            source: None,
            files: None,
            plan: None,
        }
    }

    fn general(name: &str, now: Timestamp) -> Self {
        let id = ident::uuid_of(name);
        let mut snapshot = Self::new(id, name, SnapshotState::Active, DEFAULT_AMOUNTS, now);
        snapshot.general = true;
        snapshot.image = Some(name.to_owned());
        snapshot.last_used_at = Some(now);
        snapshot
    }

    fn view(&self) -> SnapshotDto {
        let mut view = SnapshotDto::default();
        view.id = self.id.clone();
        view.organization_id = Some(ORGANIZATION.to_owned());
        view.general = self.general;
        view.name = self.name.clone();
        view.image_name = self.image.clone();
        view.state = self.state.clone();
        let known = matches!(self.state, SnapshotState::Active | SnapshotState::Inactive);
        view.size = known.then_some(0.0);
        view.entrypoint = Some(self.entrypoint.clone());
        view.cpu = self.amounts.cpu;
        view.gpu = self.amounts.gpu;
        view.mem = self.amounts.memory;
        view.disk = self.amounts.disk;
        view.error_reason = self.error_reason.clone();
        view.created_at = time(self.created_at);
        view.updated_at = time(self.updated_at);
        view.last_used_at = self.last_used_at.map(time);
        let build = self.build.as_ref();
        view.build_info = build.map(|build| build.view(&self.id, self.created_at));
        view.region_ids = Some(vec![super::REGION.to_owned()]);
        view.source_sandbox_id = self.source.clone();
        view.sandbox_class = Some(SandboxClass::Container);
        view
    }

    fn enter(&mut self, state: SnapshotState, at: Timestamp, news: &News) {
        let old = std::mem::replace(&mut self.state, state);
        self.updated_at = at;
        if let Some(build) = &self.build {
            let over = !matches!(
                self.state,
                SnapshotState::Pending | SnapshotState::Building | SnapshotState::Pulling
            );
            let reason = self.error_reason.as_deref();
            build.log.note(self.state.as_str(), reason, over);
        }
        news.tell(
            "snapshot.state.updated",
            |_| json!({ "snapshot": self.view(), "oldState": old, "newState": self.state }),
        );
    }
}

pub(crate) struct Snapshots {
    rows: BTreeMap<String, Snapshot>,
    /// The states they are on their way to; `None` for a removal.
    agenda: Agenda<Option<SnapshotState>>,
}

impl Snapshots {
    pub(crate) fn new(general: impl IntoIterator<Item = String>, now: Timestamp) -> Self {
        let mut snapshots = Self {
            rows: BTreeMap::new(),
            agenda: Agenda::default(),
        };
        for name in general {
            snapshots.make_known(&name, now);
        }
        snapshots
    }

    /// One for everybody, active at once; nothing changes where the name is known.
    pub(crate) fn make_known(&mut self, name: &str, now: Timestamp) {
        if self.find(name).is_none() {
            let snapshot = Snapshot::general(name, now);
            self.rows.insert(snapshot.id.clone(), snapshot);
        }
    }

    /// By id, else by name.
    pub(crate) fn find(&self, key: &str) -> Option<&Snapshot> {
        let named = || self.rows.values().find(|snapshot| snapshot.name == key);
        self.rows.get(key).or_else(named)
    }

    fn need(&self, key: &str) -> Result<&Snapshot, Failure> {
        let missing = || Failure::not_found(format!("Snapshot {key} not found"));
        self.find(key).ok_or_else(missing)
    }

    /// One of the organization's own, by id only.
    fn own(&mut self, id: &str) -> Result<&mut Snapshot, Failure> {
        let missing = || Failure::not_found(format!("Snapshot with ID {id} not found"));
        let found = self.rows.get_mut(id).ok_or_else(missing)?;
        if found.general {
            let message = "Snapshots that are there for everybody cannot be changed";
            return Err(Failure::new(403, "FORBIDDEN", message));
        }
        Ok(found)
    }

    /// What sandboxes from this one have.
    pub(crate) fn amounts(&self, name: &str) -> Amounts {
        self.find(name)
            .map_or(DEFAULT_AMOUNTS, |found| found.amounts)
    }

    pub(crate) fn own_count(&self) -> usize {
        let own = self.rows.values().filter(|snapshot| !snapshot.general);
        own.count()
    }

    /// Whether one more can have this name.
    fn admit(&self, name: &str) -> Result<(), Failure> {
        if self.rows.values().any(|snapshot| snapshot.name == name) {
            let message =
                format!("Snapshot with name \"{name}\" already exists for this organization");
            return Err(Failure::conflict(message));
        }
        if self.own_count() >= QUOTA {
            let message = format!("Snapshot quota exceeded. Maximum allowed: {QUOTA}");
            return Err(Failure::bad(message));
        }
        Ok(())
    }

    /// What a sandbox is created from.
    pub(crate) fn template(&self, key: &str) -> Result<Template, Failure> {
        let snapshot = self.find(key).ok_or_else(|| {
            Failure::bad(format!(
                "Snapshot {key} not found. Did you add it through the Daytona Dashboard?"
            ))
        })?;
        if snapshot.state != SnapshotState::Active {
            let state = snapshot.state.as_str();
            return Err(Failure::bad(format!("Snapshot {key} is {state}")));
        }
        Ok(Template {
            name: snapshot.name.clone(),
            amounts: snapshot.amounts,
            files: snapshot.files.clone(),
            plan: snapshot.plan.clone(),
        })
    }

    /// Notes that one with this name is used now.
    pub(super) fn touch(&mut self, name: &str, now: Timestamp) {
        let mut rows = self.rows.values_mut();
        if let Some(snapshot) = rows.find(|snapshot| snapshot.name == name) {
            snapshot.last_used_at = Some(now);
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.next_due()
    }

    pub(super) fn step(&mut self, news: &News) {
        if let Some((at, id, state)) = self.agenda.pop() {
            self.go(&id, state, at, news);
        }
    }

    /// Into a state, or away.
    fn go(&mut self, id: &str, state: Option<SnapshotState>, at: Timestamp, news: &News) {
        match state {
            Some(state) => {
                if let Some(snapshot) = self.rows.get_mut(id) {
                    snapshot.enter(state, at, news);
                }
            }
            None => {
                if let Some(snapshot) = self.rows.remove(id) {
                    news.tell("snapshot.removed", |_| json!(snapshot.view()));
                }
            }
        }
    }

    /// Lets it go through these, evenly over the delay and whatever it was on its way to; at once if there is none.
    fn lead(
        &mut self,
        id: &str,
        states: Vec<Option<SnapshotState>>,
        now: Timestamp,
        delay: Duration,
        news: &News,
    ) {
        if !delay.is_zero() {
            return self.agenda.lead(id, states, now, delay);
        }
        for state in states {
            self.go(id, state, now, news);
        }
    }
}
