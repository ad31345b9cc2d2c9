//! The machine's figures, and the environment of programs to come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use daytona_api::models::toolbox::SystemMetrics;
use serde_json::{Map, Value};

use super::{Place, process};
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// What a client changed in the environment of a sandbox, until it stops.
#[derive(Debug, Default)]
pub(crate) struct Environment(Mutex<Changes>);

#[derive(Default)]
struct Changes {
    set: BTreeMap<String, String>,
    unset: BTreeSet<String>,
}

impl std::fmt::Debug for Changes {
    /// Values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes")
            .field("set", &self.set.keys())
            .field("unset", &self.unset)
            .finish()
    }
}

impl Environment {
    pub(crate) fn apply(&self, env: &mut BTreeMap<String, String>) {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        env.retain(|name, _| !changes.unset.contains(name));
        env.extend(changes.set.clone());
    }

    /// As it was before any change.
    pub(crate) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Changes::default();
    }
}

fn invalid(message: &str) -> Failure {
    Failure::bad(format!("bad request: invalid request body: {message}"))
}

pub(super) async fn update_env(place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let body = call
        .json()
        .await
        .map_err(|failure| invalid(&failure.message))?;
    let body = body.as_object().ok_or_else(|| invalid("not an object"))?;
    let mut as_envs = Map::new();
    if let Some(set) = body.get("set") {
        as_envs.insert("envs".to_owned(), set.clone());
    }
    let set = process::env(&as_envs)?;
    let unset: Vec<String> = match body.get("unset") {
        None | Some(Value::Null) => Vec::new(),
        Some(list) => serde_json::from_value(list.clone())
            .map_err(|_| invalid("unset must be an array of strings"))?,
    };
    let prefix = match body.get("unsetValuePrefix") {
        None | Some(Value::Null) => None,
        Some(Value::String(prefix)) => Some(prefix).filter(|prefix| !prefix.is_empty()),
        Some(_) => return Err(invalid("unsetValuePrefix must be a string")),
    };
    let held = place.env.iter().filter(|(name, value)| {
        let fits = prefix.is_some_and(|prefix| value.starts_with(prefix.as_str()));
        fits && !set.contains_key(*name)
    });
    let held: Vec<String> = held.map(|(name, _)| name.clone()).collect();
    {
        let lock = &place.cell.environment.0;
        let mut changes = lock.lock().unwrap_or_else(PoisonError::into_inner);
        for name in unset.into_iter().chain(held) {
            changes.set.remove(&name);
            changes.unset.insert(name);
        }
        changes.unset.retain(|name| !set.contains_key(name));
        changes.set.extend(set);
    }
    let message = "Environment updated";
    Ok(Reply::json(200, &serde_json::json!({ "message": message })))
}

/// Busy and whole time of all processors when somebody asked last.
static BEFORE: Mutex<Option<(u64, u64)>> = Mutex::new(None);

/// Of this machine: nothing here is limited for one sandbox.
pub(super) async fn metrics(app: &App, place: &Place) -> Result<Reply, Failure> {
    let folder = place.cell.root.clone();
    let read = tokio::task::spawn_blocking(move || {
        let disk = nix::sys::statvfs::statvfs(&folder).ok();
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let time = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        (disk, memory, time)
    });
    let (disk, memory, time) = read
        .await
        .map_err(|_| Failure::internal("internal server error: metrics"))?;
    let signed = |bytes: u64| Some(i64::try_from(bytes).unwrap_or(i64::MAX));
    let kib = |name: &str| {
        let mut lines = memory.lines().filter_map(|line| line.split_once(':'));
        let value = lines.find(|(key, _)| *key == name)?.1;
        let number: u64 = value.split_whitespace().next()?.parse().ok()?;
        Some(number.saturating_mul(1024))
    };
    let now = app.clock.now();
    let mut metrics = SystemMetrics::default();
    let processors = std::thread::available_parallelism();
    metrics.cpu_count = processors
        .ok()
        .and_then(|count| i64::try_from(count.get()).ok());
    metrics.cpu_used_pct = Some(used(&time));
    let total = kib("MemTotal").unwrap_or_default();
    let free = kib("MemAvailable").unwrap_or_default();
    metrics.mem_total = signed(total);
    metrics.mem_used = signed(total.saturating_sub(free));
    metrics.mem_cache = kib("Cached").and_then(signed);
    if let Some(disk) = disk {
        let block = disk.fragment_size();
        let bytes = |blocks: u64| blocks.saturating_mul(block);
        metrics.disk_total = signed(bytes(disk.blocks()));
        metrics.disk_free = signed(bytes(disk.blocks_available()));
        let used = disk.blocks().saturating_sub(disk.blocks_free());
        metrics.disk_used = signed(bytes(used));
    }
    metrics.timestamp = Some(now.to_string());
    metrics.timestamp_unix = Some(now.as_second());
    Ok(Reply::json(200, &metrics))
}

/// The share of the processors' time that was used since the last call, in percent; 0 for the first.
fn used(stat: &str) -> f64 {
    let first = stat.lines().next().unwrap_or_default();
    let times = first.split_whitespace().skip(1).take(8);
    let times: Vec<u64> = times.filter_map(|time| time.parse().ok()).collect();
    let whole: u64 = times.iter().sum();
    let idle: u64 = times.iter().skip(3).take(2).sum();
    let now = (whole.saturating_sub(idle), whole);
    let before = BEFORE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(now);
    let Some((busy, whole)) = before else {
        return 0.0;
    };
    let (busy, whole) = (now.0.saturating_sub(busy), now.1.saturating_sub(whole));
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "ticks since a moment ago")]
    let share = busy as f64 / whole as f64;
    (share * 100.0).clamp(0.0, 100.0)
}
