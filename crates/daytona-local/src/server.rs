//! The server: a thread with a runtime of its own, and the handle to it.

mod admin;
pub(crate) mod app;
mod auth;
mod builder;
mod call;
pub(crate) mod connection;
mod dispatch;
mod events;
pub(crate) mod ident;
mod in_place;
pub(crate) mod preview;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod router;
mod strike;
pub(crate) mod unserved;

pub(crate) use call::Call;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::routes::Route;
use jiff::SignedDuration;
use tokio::io::DuplexStream;
use tokio::sync::watch;

use app::App;
pub use builder::{CannedExec, ServerBuilder};
use connection::Wire;

use crate::clock::Clock;
use crate::control::SandboxRow;
use crate::error::Error;
use crate::faults::Faults;
use crate::isolate::{IsolationReport, scan};
use crate::log::RequestRecord;

/// How much of an in-process connection waits to be read, in bytes.
const MEMORY_WIRE: usize = 256 * 1024;

/// A running server. Dropping it stops it; [`Server::shutdown`] also waits until nothing is left.
pub struct Server {
    app: Arc<App>,
    manual: Option<Arc<crate::ManualClock>>,
    /// True once the server's thread has cleaned up.
    done: watch::Receiver<bool>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("api_url", &self.api_url())
            .field("isolation", &self.isolation().mode)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Options of a new server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// What a Daytona client takes as its API URL: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.app.origin())
    }

    /// The API key that this server takes.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.app.token
    }

    /// What keeps the sandboxes apart from this machine.
    #[must_use]
    pub fn isolation(&self) -> IsolationReport {
        self.app.host.report()
    }

    /// The server's clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.app.clock)
    }

    /// Moves a manual clock on (see [`ServerBuilder::manual_clock`]) and runs the timers that became due.
    ///
    /// # Errors
    ///
    /// If the server has another clock.
    pub fn advance(&self, by: Duration) -> Result<(), Error> {
        let clock = self.manual.as_ref();
        clock
            .ok_or_else(|| Error::invalid("the clock of this server runs by itself"))?
            .advance(by);
        self.app.sweep();
        Ok(())
    }

    /// Makes the clock jump ahead, or back, whatever clock it is, and runs the timers that became due: what a machine
    /// does whose time was wrong.
    pub fn jump_clock(&self, by: SignedDuration) {
        self.app.shift.jump(by);
        self.app.sweep();
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// Every request so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.log.records()
    }

    /// The requests of one operation so far, oldest first.
    #[must_use]
    pub fn requests_to(&self, route: &Route) -> Vec<RequestRecord> {
        let mut records = self.requests();
        records.retain(|record| record.route == Some(route.id));
        records
    }

    /// Every sandbox, those destroyed in the last 24 hours too, oldest first.
    #[must_use]
    pub fn sandboxes(&self) -> Vec<SandboxRow> {
        self.app.sweep();
        let mut all: Vec<_> = self.app.store().rows.values().map(SandboxRow::of).collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }

    /// One sandbox by id or name, as `GET /sandbox/{..}` would find it.
    #[must_use]
    pub fn sandbox(&self, id_or_name: &str) -> Option<SandboxRow> {
        self.app.sweep();
        let mut store = self.app.store();
        store.find(id_or_name).ok().map(|row| SandboxRow::of(row))
    }

    /// Returns once nothing is due at the clock's present time and every change under way has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn settled(&self) {
        self.app.settled().await;
    }

    /// The ids of all processes of this server's sandboxes, pid 1 of an isolated one included.
    #[must_use]
    pub fn live_processes(&self) -> Vec<i32> {
        scan::find(self.app.host.marker())
    }

    /// Makes a snapshot name known, so that sandboxes can be created from it.
    pub fn add_snapshot(&self, name: impl Into<String>) {
        let now = self.app.clock.now();
        self.app.store().snapshots.make_known(&name.into(), now);
    }

    /// Removes a sandbox behind its clients' backs, by id or name, with its processes; false if there is none.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the sandbox goes even if the future is dropped.
    pub async fn vanish(&self, id_or_name: &str) -> bool {
        let (app, key) = (Arc::clone(&self.app), id_or_name.to_owned());
        let task = self.app.spawn(async move { app.vanish(&key).await });
        task.await.unwrap_or(false)
    }

    /// Stops a started sandbox behind its clients' backs, by id or name, and waits until its processes are gone; false
    /// if there is none that is started.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the sandbox stops even if the future is dropped.
    pub async fn force_stop(&self, id_or_name: &str) -> bool {
        let stopping = self.app.force_stop(id_or_name);
        self.app.settled().await;
        stopping
    }

    /// A connection in this process, served like one over TCP. HTTP/1.1, with a `Host` as for [`Server::api_url`].
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(MEMORY_WIRE);
        self.app.spawn(connection::serve(
            Arc::clone(&self.app),
            Wire::Memory(server),
        ));
        client
    }

    /// Stops, kills every process of every sandbox, removes their files, and waits for all that.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the server stops even if the future is dropped.
    pub async fn shutdown(&self) {
        self.app.stop.cancel();
        let mut done = self.done.clone();
        // An error means that the thread is gone, which is as good.
        drop(done.wait_for(|done| *done).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}
