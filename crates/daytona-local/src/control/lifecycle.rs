//! Start, stop, archive, delete.

use std::sync::Arc;

use daytona_api::models::{SandboxDesiredState, SandboxState};

use super::row::Row;
use crate::app::App;
use crate::faults::Action;
use crate::web::reply::{Failure, Reply};

pub(super) fn check_settled(row: &Row) -> Result<(), Failure> {
    if row.pending {
        return Err(Failure::conflict("Sandbox state change in progress"));
    }
    Ok(())
}

pub(crate) fn get(app: &App, key: &str) -> Result<Reply, Failure> {
    let view = app.store().find(key)?.view(&app.proxy_url());
    Ok(Reply::json(200, &view))
}

pub(crate) fn delete(app: &Arc<App>, key: &str) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.find(key)?;
    // A build may be given up; anything else that is under way must end first.
    if row.state != SandboxState::PendingBuild || row.desired != SandboxDesiredState::Started {
        check_settled(row)?;
    }
    let id = row.id.clone();
    let work = store.begin_destroy(&id, now);
    let proxy = app.proxy_url();
    let mut view = store
        .rows
        .get(&id)
        .map(|row| row.view(&proxy))
        .unwrap_or_default();
    view.state = Some(SandboxState::Destroying);
    drop(store);
    app.finish(work, id);
    Ok(Reply::json(200, &view))
}

pub(crate) fn stop(app: &Arc<App>, key: &str) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.find(key)?;
    check_settled(row)?;
    if row.state != SandboxState::Started {
        return Err(Failure::bad("Sandbox is not in a stoppable state"));
    }
    let id = row.id.clone();
    let work = if row.ephemeral() {
        store.begin_destroy(&id, now)
    } else {
        row.begin_stop(now)
    };
    let proxy = app.proxy_url();
    let mut view = store
        .rows
        .get(&id)
        .map(|row| row.view(&proxy))
        .unwrap_or_default();
    // As if it took a while, also where there was nothing to kill.
    view.state = Some(match view.state {
        Some(SandboxState::Destroyed) => SandboxState::Destroying,
        Some(SandboxState::Stopped) => SandboxState::Stopping,
        state => state.unwrap_or_default(),
    });
    drop(store);
    app.finish(work, id);
    Ok(Reply::json(200, &view))
}

pub(crate) fn start(app: &App, key: &str, fault: Option<&Action>) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.find(key)?;
    let proxy = app.proxy_url();
    match row.state {
        SandboxState::Error | SandboxState::BuildFailed => {
            return Err(Failure::bad("Sandbox is in an errored state"));
        }
        SandboxState::Started if row.desired == SandboxDesiredState::Started => {
            return Ok(Reply::json(200, &row.view(&proxy)));
        }
        _ => check_settled(row)?,
    }
    if !matches!(row.state, SandboxState::Stopped | SandboxState::Archived) {
        return Err(Failure::bad("Sandbox is not in valid state"));
    }
    // What the wait for the start looks like from outside: stopped, meant to be started.
    row.state = SandboxState::Stopped;
    row.begin(SandboxDesiredState::Started, now);
    match fault {
        Some(Action::Stuck) => {}
        Some(Action::ErrorState { reason, quiet }) => {
            row.error_reason = Some(reason.clone());
            row.settle(SandboxState::Error, now);
            if !quiet {
                return Err(Failure::bad(format!("Sandbox failed to start: {reason}")));
            }
        }
        _ => {
            if let Some(cell) = &row.cell {
                cell.reopen();
            }
            row.keys.rotate();
            row.settle(SandboxState::Started, now);
        }
    }
    Ok(Reply::json(200, &row.view(&proxy)))
}

/// Pause and fork: containers cannot.
pub(crate) fn only_machines(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    let message = "This operation is not supported for this sandbox";
    Err(Failure::new(422, "UNPROCESSABLE_ENTITY", message))
}

pub(crate) fn archive(app: &App, key: &str) -> Result<Reply, Failure> {
    let now = app.clock.now();
    let mut store = app.store();
    let row = store.find(key)?;
    check_settled(row)?;
    if row.state != SandboxState::Stopped {
        return Err(Failure::bad("Sandbox is not stopped"));
    }
    if row.ephemeral() {
        return Err(Failure::bad("Ephemeral sandboxes cannot be archived"));
    }
    row.aim(SandboxDesiredState::Archived);
    row.settle(SandboxState::Archived, now);
    Ok(Reply::json(200, &row.view(&app.proxy_url())))
}
