//! Warm pools: creates that need not wait. A pool holds places and no sandboxes; what a create takes from it starts at
//! once, and the place is warm again after the delay of creates.

use std::collections::BTreeMap;

use daytona_api::models::{SnapshotState, WarmPool};
use jiff::Timestamp;
use serde_json::Value;

use super::agenda::Agenda;
use super::row::Row;
use super::snapshots::Snapshots;
use super::view::{ORGANIZATION, time};
use super::{REGION, USER};
use crate::app::App;
use crate::clock::add;
use crate::web::reply::{Failure, Reply};

/// How many pools there may be, and how large one may be.
const QUOTA: usize = 20;
const MAX_SIZE: i64 = 100;

#[derive(Clone, Debug)]
struct Pool {
    id: String,
    snapshot: String,
    target: String,
    size: i64,
    ready: i64,
    /// Places that are being warmed.
    warming: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct WarmPools {
    rows: BTreeMap<String, Pool>,
    /// When a place of a pool is warm.
    agenda: Agenda<()>,
}

impl Pool {
    fn view(&self, snapshots: &Snapshots) -> WarmPool {
        let amounts = snapshots.amounts(&self.snapshot);
        let mut view = WarmPool::default();
        view.id = self.id.clone();
        view.organization_id = ORGANIZATION.to_owned();
        view.snapshot = self.snapshot.clone();
        view.target = self.target.clone();
        view.pool = self.size;
        view.current_size = self.ready;
        view.cpu = amounts.cpu;
        view.mem = amounts.memory;
        view.disk = amounts.disk;
        view.os_user = USER.to_owned();
        view.created_at = time(self.created_at);
        view.updated_at = time(self.updated_at);
        view
    }
}

impl WarmPools {
    fn need(&mut self, id: &str) -> Result<&mut Pool, Failure> {
        let missing = || Failure::not_found(format!("Warm pool with ID {id} not found"));
        self.rows.get_mut(id).ok_or_else(missing)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.next_due()
    }

    pub(super) fn step(&mut self) {
        if let Some((_, id, ())) = self.agenda.pop()
            && let Some(pool) = self.rows.get_mut(&id)
        {
            pool.warming -= 1;
            pool.ready = (pool.ready + 1).min(pool.size);
        }
    }

    /// Warms what a pool lacks, up to `at`.
    fn fill(&mut self, id: &str, at: Timestamp, now: Timestamp) {
        let Some(pool) = self.rows.get_mut(id) else {
            return;
        };
        pool.ready = pool.ready.min(pool.size);
        let lacking = pool.size - pool.ready - pool.warming;
        if at <= now {
            pool.ready += lacking.max(0);
            return;
        }
        for _ in 0..lacking {
            pool.warming += 1;
            self.agenda.plan(id, at, ());
        }
    }

    /// Takes a place for a new sandbox, if there is one that fits; the id of its pool.
    pub(super) fn take(&mut self, row: &Row, warm_at: Timestamp, now: Timestamp) -> Option<String> {
        let plain = row.user == USER
            && row.env.is_empty()
            && row.volumes.is_empty()
            && row.secrets.is_empty()
            && row.gpu == 0;
        let snapshot = row.snapshot.as_deref().filter(|_| plain)?;
        let mut pools = self.rows.values_mut();
        let pool = pools.find(|pool| {
            pool.ready > 0 && pool.snapshot == snapshot && pool.target == row.target
        })?;
        pool.ready -= 1;
        let id = pool.id.clone();
        self.fill(&id, warm_at, now);
        Some(id)
    }
}

fn size(body: &Value, least: i64) -> Result<i64, Failure> {
    match body.get("pool").and_then(Value::as_i64) {
        None => Err(Failure::bad("pool must be an integer number")),
        Some(size) if size < least => {
            let message = format!("pool must not be less than {least}");
            Err(Failure::bad(message))
        }
        Some(size) if size > MAX_SIZE => {
            let message = format!("pool must not be greater than {MAX_SIZE}");
            Err(Failure::bad(message))
        }
        Some(size) => Ok(size),
    }
}

pub(crate) fn list(app: &App) -> Reply {
    let store = app.store();
    let mut rows: Vec<_> = store.warm_pools.rows.values().collect();
    rows.sort_by_key(|pool| (pool.created_at, pool.snapshot.clone()));
    let rows: Vec<_> = rows
        .iter()
        .map(|pool| pool.view(&store.snapshots))
        .collect();
    Reply::json(200, &rows)
}

pub(crate) fn create(app: &App, body: &Value) -> Result<Reply, Failure> {
    let size = size(body, 1)?;
    let key = body.get("snapshot").and_then(Value::as_str);
    let key = key.ok_or_else(|| Failure::bad("snapshot must be a string"))?;
    let target = match body.get("target") {
        None | Some(Value::Null) => REGION,
        Some(Value::String(target)) => target,
        Some(_) => return Err(Failure::bad("target must be a string")),
    };
    let now = app.clock.now();
    let mut guard = app.store();
    let store = &mut *guard;
    let snapshot = store.snapshots.find(key);
    let snapshot =
        snapshot.ok_or_else(|| Failure::not_found(format!("Snapshot {key} not found")))?;
    if snapshot.state != SnapshotState::Active {
        let state = snapshot.state.as_str();
        return Err(Failure::bad(format!("Snapshot {key} is {state}")));
    }
    let name = snapshot.name.clone();
    let pools = &mut store.warm_pools;
    let same = |pool: &Pool| pool.snapshot == name && pool.target == target;
    if pools.rows.values().any(same) {
        let message = format!("A warm pool for snapshot {name} in {target} already exists");
        return Err(Failure::conflict(message));
    }
    if pools.rows.len() >= QUOTA {
        let message = format!("Warm pool quota exceeded. Maximum allowed: {QUOTA}");
        return Err(Failure::bad(message));
    }
    let pool = Pool {
        id: app.new_id(),
        snapshot: name,
        target: target.to_owned(),
        size,
        ready: 0,
        warming: 0,
        created_at: now,
        updated_at: now,
    };
    let id = pool.id.clone();
    pools.rows.insert(id.clone(), pool);
    pools.fill(&id, add(now, app.options.create_delay), now);
    let view = store.warm_pools.need(&id)?.view(&store.snapshots);
    drop(guard);
    app.rescheduled.notify_one();
    Ok(Reply::json(201, &view))
}

pub(crate) fn update(app: &App, id: &str, body: &Value) -> Result<Reply, Failure> {
    let size = size(body, 0)?;
    let now = app.clock.now();
    let mut guard = app.store();
    let store = &mut *guard;
    let pool = store.warm_pools.need(id)?;
    (pool.size, pool.updated_at) = (size, now);
    let at = add(now, app.options.create_delay);
    store.warm_pools.fill(id, at, now);
    let view = store.warm_pools.need(id)?.view(&store.snapshots);
    drop(guard);
    app.rescheduled.notify_one();
    Ok(Reply::json(200, &view))
}

pub(crate) fn delete(app: &App, id: &str) -> Result<Reply, Failure> {
    let mut store = app.store();
    store.warm_pools.need(id)?;
    store.warm_pools.rows.remove(id);
    store.warm_pools.agenda.forget(id);
    Ok(Reply::empty(204))
}
