//! What must hold in every world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daytona_api::routes::control_plane::DELETE_SANDBOX;
use daytona_local::{SandboxRow, Server};
use tokio::time::sleep;

use super::process::Process;
use super::sweep::sweeper;
use super::world::{DELETE, LEASE, SLACK, Ways};
use crate::world::left;

/// How often each command was run.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Arc<Mutex<BTreeMap<String, u32>>>);

impl Runs {
    /// Finds the mark of a command in what the server was given to run.
    pub(super) fn note(&self, script: &str) {
        if let Some((_, rest)) = script.split_once("command-") {
            let mark = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            *self.0.lock().unwrap().entry(mark).or_default() += 1;
        }
    }

    /// I6.
    pub(super) fn at_most_once(&self) {
        for (mark, runs) in &*self.0.lock().unwrap() {
            assert_eq!(*runs, 1, "I6: command-{mark} was run {runs} times");
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }

    pub(super) fn of(&self, mark: &str) -> u32 {
        self.0.lock().unwrap().get(mark).copied().unwrap_or(0)
    }
}

/// I3, twice a second: of one process and one key there is one sandbox, unless a close could not remove one.
pub(super) async fn watch(server: Arc<Server>, processes: Vec<Process>) {
    loop {
        sleep(Duration::from_millis(500)).await;
        let mut alive = BTreeMap::<_, Vec<_>>::new();
        for row in left(&server) {
            let label = |name: &str| row.labels.get(name).cloned().unwrap_or_default();
            // what sharers agree on is the name
            let shared = row.labels.contains_key("daytona-env.shared");
            let key = if shared {
                row.name.clone()
            } else {
                label("daytona-env.key")
            };
            let owner = (label("daytona-env.ns"), key);
            alive
                .entry(owner)
                .or_default()
                .push((row.id, row.name, row.state));
        }
        for ((namespace, key), rows) in alive {
            let owners: Vec<_> = processes
                .iter()
                .filter(|process| process.namespace() == namespace)
                .collect();
            assert!(!owners.is_empty(), "I5: nobody owns {rows:?}");
            if rows.len() > 1 && owners.iter().all(|owner| owner.is_tidy()) {
                // what is being removed may be there for a while beside its successor
                let deletes = server.requests_to(&DELETE_SANDBOX);
                let condemned = |id: &str, name: &str| {
                    deletes.iter().any(|delete| delete.path.ends_with(id))
                        || owners.iter().any(|owner| owner.condemned(name))
                };
                let kept = rows.iter().filter(|(id, name, _)| !condemned(id, name));
                let kept: Vec<_> = kept.collect();
                assert!(
                    kept.len() <= 1,
                    "I3: {namespace}, {key}: {rows:?}\n{}",
                    told(&server, &rows)
                );
            }
        }
    }
}

/// I2, for one process from its death on, whatever else is broken: what it held is gone by the bound of its lease. Rows
/// that failed run nothing, and are left to their time to live or a sweep.
pub(super) async fn outlives(process: Process) {
    if process.ways().is_in_use() {
        return;
    }
    sleep(process.ways().bound()).await;
    forsaken(&process, "killed");
    if process.ways().persist {
        sleep(DELETE + SLACK).await;
        let alive = with_its_name(&process);
        assert!(alive.is_empty(), "I2: kept for too long: {alive:#?}");
    }
}

/// Nothing runs of a process that was silent for as long as its lease allows.
pub(super) fn forsaken(process: &Process, how: &str) {
    let mut alive = with_its_name(process);
    // a lease that keeps is one that stops
    alive.retain(|row| !process.ways().persist || row.state == "started");
    assert!(
        alive.is_empty(),
        "I2: {} was {how}, and this outlived it: {alive:#?}",
        process.name()
    );
}

fn with_its_name(process: &Process) -> Vec<SandboxRow> {
    let mut alive = process.rows();
    alive.retain(|row| !process.ways().weather.is_broken(row));
    alive
}

/// Has what failed go: by its time to live, which is three times the lease; without one by a sweep.
pub(super) async fn cleared(server: &Arc<Server>, ways: &Ways, namespaces: &BTreeSet<String>) {
    sleep(LEASE * 3 + SLACK).await;
    if ways.persist {
        for namespace in namespaces {
            let report = sweeper(server, namespace).sweep().await.unwrap();
            assert_eq!(report.failed(), 0, "I2: {report:?}");
        }
    }
}

/// I2: nothing is left.
pub(super) async fn gone(server: &Arc<Server>, ways: &Ways, namespaces: &BTreeSet<String>) {
    if ways.weather.stuck || ways.weather.failing {
        cleared(server, ways, namespaces).await;
    }
    let alive = left(server);
    assert!(alive.is_empty(), "I2: {alive:#?}");
}

/// The creates, and the requests about these sandboxes.
pub(super) fn told(server: &Server, rows: &[(String, String, String)]) -> String {
    let about = |path: &str| {
        path == "/api/sandbox"
            || rows
                .iter()
                .any(|(id, name, _)| path.contains(id) || path.contains(name))
    };
    let mut told = String::new();
    for seen in server.requests().iter().filter(|seen| about(&seen.path)) {
        let status = seen
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        let (at, path) = (seen.at.strftime("%H:%M:%S%.3f"), &seen.path);
        told.push_str(&format!("{at} {} {path} {status}\n", seen.method));
    }
    told
}
