//! What every request of a server shares.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use daytona_api::models::SandboxState;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::canned::CannedExec;
use crate::clock::{Clock, ShiftedClock};
use crate::control::store::{Store, Work};
use crate::faults::Faults;
use crate::ident;
use crate::isolate::cell::Cell;
use crate::isolate::host::Host;
use crate::log::Log;
use crate::storage::Storage;
use crate::web::reply::Failure;

/// What the path of a preview begins with, where the name of the host does not say it.
pub(crate) const PREVIEWS: &str = "/preview/";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) create_delay: Duration,
    pub(crate) default_snapshot: String,
    pub(crate) any_snapshot: bool,
    /// Whether `ttlMinutes` counts.
    pub(crate) time_to_live: bool,
    pub(crate) canned: Option<CannedExec>,
    /// Whether the admin endpoint is served.
    pub(crate) admin: bool,
    /// Whether the event socket is served.
    pub(crate) events: bool,
    /// Nothing runs and no file is made.
    pub(crate) in_place: bool,
}

pub(crate) struct App {
    pub(crate) clock: Arc<dyn Clock>,
    /// The same clock, to make it jump.
    pub(crate) shift: Arc<ShiftedClock>,
    pub(crate) host: Arc<Host>,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) storage: Storage,
    pub(crate) options: Options,
    pub(crate) token: String,
    pub(crate) started: Timestamp,
    pub(crate) stop: CancellationToken,
    pub(crate) port: OnceLock<u16>,
    pub(crate) store: Mutex<Store>,
    pub(crate) runtime: Handle,
    /// How many ids were given away in place.
    pub(crate) made: AtomicU32,
    /// Held while the folders of a sandbox are made.
    pub(crate) making: tokio::sync::Mutex<()>,
    /// A row was added whose next step may come before anything else that is due.
    pub(crate) rescheduled: Notify,
    /// Changes of state that wait for processes to end.
    pub(crate) working: watch::Sender<usize>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}

impl App {
    /// `http://127.0.0.1:PORT`
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.own_port())
    }

    pub(crate) fn own_port(&self) -> u16 {
        self.port.get().copied().unwrap_or_default()
    }

    /// Where toolboxes are, without the sandbox's id.
    pub(crate) fn proxy_url(&self) -> String {
        format!("{}/toolbox", self.origin())
    }

    /// Where a port of a sandbox is: of an id or a signed token.
    pub(crate) fn preview_url(&self, port: impl Display, whose: &str) -> String {
        format!("{}{PREVIEWS}{port}-{whose}", self.origin())
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for something new: random, or in place the next one, since rows are gone through in the order of their ids.
    pub(crate) fn new_id(&self) -> String {
        if self.options.in_place {
            let before = self.made.fetch_add(1, Ordering::Relaxed);
            return ident::nth(before);
        }
        ident::uuid()
    }

    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime.spawn(task)
    }

    /// Runs the timers that are due.
    pub(crate) fn sweep(self: &Arc<Self>) {
        let now = self.clock.now();
        let work = {
            let mut store = self.store();
            if now < store.next_due() {
                return;
            }
            store.sweep(now)
        };
        for (id, work) in work {
            self.finish(Some(work), id);
        }
    }

    /// Ends a change of state, once what is left to do for it is done.
    pub(crate) fn finish(self: &Arc<Self>, work: Option<Work>, id: String) {
        let Some(work) = work else {
            return;
        };
        self.working.send_modify(|working| *working += 1);
        let app = Arc::clone(self);
        self.spawn(async move {
            match work {
                Work::Kill(cell) => cell.kill().await,
                Work::Destroy(cell) => cell.destroy().await,
                Work::Volume => app.host.remove_volume(&id).await,
            }
            if let Some(row) = app.store().rows.get_mut(&id) {
                row.end_change();
            }
            app.working.send_modify(|working| *working -= 1);
        });
    }

    /// Returns once nothing is due and every change under way has ended.
    pub(crate) async fn settled(self: &Arc<Self>) {
        let mut working = self.working.subscribe();
        loop {
            self.sweep();
            if *working.borrow_and_update() == 0 {
                return;
            }
            // An error is impossible: this holds the sender.
            drop(working.wait_for(|working| *working == 0).await);
        }
    }

    /// Runs the timers whether or not anybody asks something.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        loop {
            let next = self.store().next_due();
            tokio::select! {
                biased;
                () = self.clock.sleep_until(next) => {}
                () = self.rescheduled.notified() => {}
            }
            self.sweep();
            tokio::task::yield_now().await;
        }
    }

    /// The folders of a sandbox, made by the first call.
    pub(crate) async fn cell(&self, id: &str) -> Result<Arc<Cell>, Failure> {
        let known = || -> Result<_, Failure> { Ok(self.store().keeps(id)?.cell.clone()) };
        if let Some(cell) = known()? {
            return Ok(cell);
        }
        let plan = self.store().keeps(id)?.plan.clone();
        // One at a time: the first requests of a sandbox often come together.
        let _making = self.making.lock().await;
        if self.stop.is_cancelled() {
            let message = "service unavailable: the server is stopping";
            return Err(Failure::new(503, "SERVICE_UNAVAILABLE", message));
        }
        if let Some(cell) = known()? {
            return Ok(cell);
        }
        let (mounts, frozen) = {
            let mut store = self.store();
            let row = store.keeps(id)?;
            (row.mounts(), row.files.clone())
        };
        let made = tokio::task::spawn_blocking({
            let (host, id) = (Arc::clone(&self.host), id.to_owned());
            move || Cell::make(&host, &id, &mounts, frozen.as_deref(), plan.as_deref())
        });
        let made = made.await.map_err(io::Error::other).and_then(|made| made);
        let gone = {
            let mut store = self.store();
            match store.keeps(id) {
                Ok(row) => {
                    let cell = made
                        .map_err(|error| Failure::internal(format!("sandbox folder: {error}")))?;
                    let cell = Arc::new(cell);
                    row.cell = Some(Arc::clone(&cell));
                    return Ok(cell);
                }
                Err(gone) => gone,
            }
        };
        // Deleted while its folders were made: nobody else knows of them.
        if let Ok(made) = made {
            made.destroy().await;
        }
        Err(gone)
    }

    /// A sandbox that is gone without anybody having asked: its row too.
    pub(crate) async fn vanish(self: &Arc<Self>, key: &str) -> bool {
        let now = self.clock.now();
        let work = {
            let mut store = self.store();
            let Ok(row) = store.find(key) else {
                return false;
            };
            let id = row.id.clone();
            let work = store.begin_destroy(&id, now);
            if let Some(row) = store.rows.get_mut(&id) {
                row.settle(SandboxState::Destroyed, now);
            }
            work
        };
        if let Some(Work::Destroy(cell) | Work::Kill(cell)) = work {
            cell.destroy().await;
        }
        true
    }

    /// Stops a started sandbox without anybody having asked.
    pub(crate) fn force_stop(self: &Arc<Self>, key: &str) -> bool {
        let now = self.clock.now();
        let mut store = self.store();
        let Ok(row) = store.find(key) else {
            return false;
        };
        if row.pending || row.state != SandboxState::Started {
            return false;
        }
        let id = row.id.clone();
        let work = row.begin_stop(now);
        drop(store);
        self.finish(work, id);
        true
    }

    /// Ends all processes and removes all files.
    pub(crate) async fn clean_up(&self) {
        // Waits for folders that are being made; the next ones see that the server stops.
        let _making = self.making.lock().await;
        let cells: Vec<_> = self
            .store()
            .rows
            .values_mut()
            .filter_map(|row| row.cell.take())
            .collect();
        futures_util::future::join_all(cells.iter().map(|cell| cell.destroy())).await;
        crate::isolate::scan::kill_all(self.host.marker()).await;
        // Now and not when the last handle goes, which the end of the process may forestall.
        let host = Arc::clone(&self.host);
        drop(tokio::task::spawn_blocking(move || host.remove()).await);
    }
}
