//! What only virtual machines can do, or what needs a service around: resizing, recovering, pausing, forking.

use daytona_api::models::SandboxState;
use serde_json::{Value, json};

use super::lifecycle::{check_settled, only_machines};
use super::settings::{change, minutes};
use crate::app::App;
use crate::web::reply::{Failure, Reply};

/// The numbers change; what a sandbox here really has is what the machine has.
pub(crate) fn resize(app: &App, key: &str, body: &Value) -> Result<Reply, Failure> {
    let amount = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(amount @ 1..) => Ok(Some(amount)),
            Some(_) => Err(Failure::bad(format!("{name} must not be less than 1"))),
            None => Err(Failure::bad(format!("{name} must be an integer number"))),
        },
    };
    let (cpu, memory, disk) = (amount("cpu")?, amount("memory")?, amount("disk")?);
    change(app, key, 200, |row| {
        check_settled(row)?;
        let running = match row.state {
            SandboxState::Started => true,
            SandboxState::Stopped => false,
            _ => {
                let message = "Sandbox must be started or stopped to be resized";
                return Err(Failure::bad(message));
            }
        };
        let old = (row.cpu, row.memory, row.disk);
        let new = (
            cpu.unwrap_or(row.cpu),
            memory.unwrap_or(row.memory),
            disk.unwrap_or(row.disk),
        );
        if new == old {
            return Err(Failure::bad("No resource changes specified"));
        }
        if running && (new.0 < old.0 || new.1 < old.1) {
            let message = "CPU and memory of a running sandbox can only be increased";
            return Err(Failure::bad(message));
        }
        if running && new.2 != old.2 {
            let message = "Disk can only be resized while the sandbox is stopped";
            return Err(Failure::bad(message));
        }
        if new.2 < old.2 {
            return Err(Failure::bad("Disk size cannot be decreased"));
        }
        (row.cpu, row.memory, row.disk) = new;
        Ok(())
    })
}

/// Only errors that a service could mend are recoverable; here are none.
pub(crate) fn recover(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    Err(Failure::bad("Sandbox is not in a recoverable error state"))
}

/// 0 leaves it off; anything else is for machines.
pub(crate) fn auto_pause(app: &App, key: &str, value: &str) -> Result<Reply, Failure> {
    match minutes(value)? {
        0 => change(app, key, 200, |_| Ok(())),
        ..0 => Err(Failure::bad("Auto-pause interval must be non-negative")),
        _ => only_machines(app, key),
    }
}

/// No container was ever forked.
pub(crate) fn no_relatives(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    Ok(Reply::json(200, &json!([])))
}

pub(crate) fn no_parent(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    let message = format!("Sandbox {key} has no parent");
    Err(Failure::not_found(message))
}
