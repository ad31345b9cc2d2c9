//! Snapshots are made, put aside, taken back, removed.

use std::sync::Arc;

use daytona_api::models::{SandboxState, SnapshotState};
use serde_json::{Value, json};

use super::{Amounts, Snapshot, check};
use crate::app::App;
use crate::control::create::build;
use crate::control::lifecycle::check_settled;
use crate::faults::Action;
use crate::image::Plan;
use crate::isolate::frozen::Frozen;
use crate::web::reply::{Failure, Reply};

/// In bytes.
const GIB: u64 = 1 << 30;

pub(crate) fn create(
    app: &App,
    body: &Value,
    plan: Option<Arc<Plan>>,
    fault: Option<&Action>,
) -> Result<Reply, Failure> {
    use SnapshotState as S;
    let asked = check::asked(body)?;
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let id = app.new_id();
    let mut snapshot = Snapshot::new(id.clone(), &asked.name, S::Pending, asked.amounts, now);
    snapshot.image = asked.image;
    snapshot.entrypoint = asked.entrypoint;
    let log = plan.as_ref().map_or("", |plan| plan.log.as_str());
    snapshot.build = asked
        .build
        .map(|info| build(info, log, S::Pending.as_str()));
    let built = snapshot.build.is_some();
    let mut last = S::Active;
    if let Some(Action::ErrorState { reason, .. }) = fault {
        snapshot.error_reason = Some(reason.clone());
        last = if built { S::BuildFailed } else { S::Error };
    } else if let Some(reason) = plan.as_ref().and_then(|plan| plan.failed.as_ref()) {
        snapshot.error_reason = Some(reason.clone());
        last = S::BuildFailed;
    }
    snapshot.plan = plan;
    let middle = if built { S::Building } else { S::Pulling };
    let mut store = app.store();
    store.snapshots.admit(&snapshot.name)?;
    let news = store.news.clone();
    news.tell("snapshot.created", |_| json!(snapshot.view()));
    store.snapshots.rows.insert(id.clone(), snapshot);
    if !matches!(fault, Some(Action::Stuck)) {
        let states = vec![Some(middle), Some(last)];
        store.snapshots.lead(&id, states, now, delay, &news);
    }
    let view = store.snapshots.need(&id)?.view();
    drop(store);
    app.rescheduled.notify_one();
    Ok(Reply::json(200, &view))
}

pub(crate) fn delete(app: &App, id: &str) -> Result<Reply, Failure> {
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let mut store = app.store();
    let news = store.news.clone();
    let snapshot = store.snapshots.own(id)?;
    if snapshot.state == SnapshotState::Removing {
        return Err(Failure::bad(format!("Snapshot {id} is being removed")));
    }
    snapshot.enter(SnapshotState::Removing, now, &news);
    store.snapshots.lead(id, vec![None], now, delay, &news);
    drop(store);
    app.rescheduled.notify_one();
    Ok(Reply::empty(200))
}

pub(crate) fn activate(app: &App, id: &str) -> Result<Reply, Failure> {
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let mut store = app.store();
    let news = store.news.clone();
    let snapshot = store.snapshots.own(id)?;
    match snapshot.state {
        SnapshotState::Inactive => {}
        SnapshotState::Active => {
            return Err(Failure::bad(format!("Snapshot {id} is already active")));
        }
        _ => {
            let message = format!("Snapshot {id} cannot be activated: it is not inactive");
            return Err(Failure::bad(message));
        }
    }
    snapshot.enter(SnapshotState::Pending, now, &news);
    let states = vec![Some(SnapshotState::Active)];
    store.snapshots.lead(id, states, now, delay, &news);
    let view = store.snapshots.need(id)?.view();
    drop(store);
    app.rescheduled.notify_one();
    Ok(Reply::json(200, &view))
}

/// One that is inactive already stays so.
pub(crate) fn deactivate(app: &App, id: &str) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let news = store.news.clone();
    let snapshot = store.snapshots.own(id)?;
    match snapshot.state {
        SnapshotState::Inactive => {}
        SnapshotState::Active => snapshot.enter(SnapshotState::Inactive, now, &news),
        _ => {
            let message = format!("Snapshot {id} cannot be deactivated: it is not active");
            return Err(Failure::bad(message));
        }
    }
    Ok(Reply::empty(204))
}

/// `POST /sandbox/{..}/snapshot`: the files of a sandbox, while it is in a state of its own.
pub(crate) fn of_sandbox(app: &Arc<App>, key: &str, body: &Value) -> Result<Reply, Failure> {
    let name = check::check_name(body.get("name").and_then(Value::as_str))?;
    match body.get("includeMemory") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::Bool(true)) => {
            let message = "Memory snapshots are not supported for container sandboxes";
            return Err(Failure::bad(message));
        }
        Some(_) => return Err(Failure::bad("includeMemory must be a boolean value")),
    }
    let now = app.clock.now();
    let mut guard = app.store();
    let store = &mut *guard;
    let row = store.find(key)?;
    check_settled(row)?;
    if !matches!(row.state, SandboxState::Started | SandboxState::Stopped) {
        let message = "Sandbox must be started or stopped to create a snapshot of it";
        return Err(Failure::bad(message));
    }
    let amounts = Amounts {
        cpu: row.cpu,
        gpu: row.gpu,
        memory: row.memory,
        disk: row.disk,
    };
    let (sandbox, cell, files) = (row.id.clone(), row.cell.clone(), row.files.clone());
    let plan = row.plan.clone();
    store.snapshots.admit(&name)?;
    let id = app.new_id();
    let mut snapshot = Snapshot::new(id.clone(), &name, SnapshotState::Snapshotting, amounts, now);
    snapshot.source = Some(sandbox.clone());
    snapshot.plan = plan;
    store
        .news
        .tell("snapshot.created", |_| json!(snapshot.view()));
    store.snapshots.rows.insert(id.clone(), snapshot);
    let row = store.find(key)?;
    let before = row.state.clone();
    row.settle(SandboxState::Snapshotting, now);
    (row.pending, row.pending_since) = (true, now);
    let view = row.view(&app.proxy_url());
    drop(guard);

    let limit = u64::try_from(amounts.disk).unwrap_or(0).saturating_mul(GIB);
    app.working.send_modify(|working| *working += 1);
    let task = Arc::clone(app);
    app.spawn(async move {
        let app = task;
        let frozen = match cell {
            // nothing ran in it: it is as it was created
            None => Ok(files),
            Some(cell) => {
                let id = id.clone();
                let copy = move || Frozen::of(&cell, &id, limit).map(|files| Some(Arc::new(files)));
                let copied = tokio::task::spawn_blocking(copy).await;
                copied.unwrap_or_else(|_| Err(std::io::Error::other("copying its files failed")))
            }
        };
        taken(&app, &id, &sandbox, before, frozen);
        app.working.send_modify(|working| *working -= 1);
    });
    Ok(Reply::json(200, &view))
}

fn taken(
    app: &App,
    id: &str,
    sandbox: &str,
    before: SandboxState,
    frozen: std::io::Result<Option<Arc<Frozen>>>,
) {
    let (now, delay) = (app.clock.now(), app.options.create_delay);
    let mut store = app.store();
    let news = store.news.clone();
    let row = store.rows.get_mut(sandbox);
    let row =
        row.filter(|row| row.state == SandboxState::Snapshotting && row.pending_for_snapshot());
    let frozen = match row {
        Some(row) => {
            row.settle(before, now);
            frozen
        }
        // who knows what was copied before it was gone
        None => Err(std::io::Error::other("the sandbox was destroyed meanwhile")),
    };
    let Some(snapshot) = store.snapshots.rows.get_mut(id) else {
        return;
    };
    if snapshot.state != SnapshotState::Snapshotting {
        return;
    }
    match frozen {
        Ok(files) => {
            snapshot.files = files;
            let states = vec![Some(SnapshotState::Active)];
            store.snapshots.lead(id, states, now, delay, &news);
        }
        Err(error) => {
            snapshot.error_reason = Some(format!("the sandbox's files cannot be kept: {error}"));
            snapshot.enter(SnapshotState::Error, now, &news);
        }
    }
    drop(store);
    app.rescheduled.notify_one();
}
