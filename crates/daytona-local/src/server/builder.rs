//! Options of a server, and its start.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Server, connection};
use crate::app::{App, Options};
use crate::canned::CannedExec;
use crate::clock::{AcceleratedClock, Clock, ManualClock, ShiftedClock, SystemClock, add};
use crate::control::news::News;
use crate::control::snapshots::Snapshots;
use crate::control::store::Store;
use crate::error::Error;
use crate::faults::Faults;
use crate::ident;
use crate::isolate::Isolation;
use crate::isolate::host::Host;
use crate::isolate::watchdog::Watchdog;
use crate::log::Log;
use crate::storage::Storage;

/// Options of a server. Made by [`Server::builder`].
#[must_use]
pub struct ServerBuilder {
    isolation: Isolation,
    pub(super) clock: Arc<dyn Clock>,
    manual: Option<Arc<ManualClock>>,
    pub(super) token: Option<String>,
    port: u16,
    binds: Vec<PathBuf>,
    network: bool,
    create_delay: Duration,
    snapshots: BTreeSet<String>,
    any_snapshot: bool,
    time_to_live: bool,
    canned: Option<CannedExec>,
    admin: bool,
    events: bool,
    storage: u64,
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("isolation", &self.isolation)
            .field("clock", &self.clock)
            .field("token", &self.token.as_ref().map(|_| "[redacted]"))
            .field("port", &self.port)
            .field("binds", &self.binds)
            .field("network", &self.network)
            .field("create_delay", &self.create_delay)
            .finish_non_exhaustive()
    }
}

/// The most that all build contexts may hold, in bytes.
const STORAGE: u64 = 1 << 30;
/// The snapshot of a create that names none.
const DEFAULT_SNAPSHOT: &str = "daytona-local/default";

impl ServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            isolation: Isolation::Required,
            clock: Arc::new(SystemClock),
            manual: None,
            token: None,
            port: 0,
            binds: Vec::new(),
            network: true,
            create_delay: Duration::ZERO,
            snapshots: BTreeSet::from([DEFAULT_SNAPSHOT.to_owned()]),
            any_snapshot: false,
            time_to_live: true,
            canned: None,
            admin: false,
            events: true,
            storage: STORAGE,
        }
    }

    /// Whether programs are isolated. [`Isolation::Required`] if not said.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The clock of states, intervals and time stamps. The system's if not said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self.manual = None;
        self
    }

    /// The system's clock, this many times as fast.
    pub fn speed(self, speed: f64) -> Self {
        self.clock(Arc::new(AcceleratedClock::new(speed)))
    }

    /// A clock that stands still but for [`Server::advance`].
    pub fn manual_clock(self) -> Self {
        let clock = Arc::new(ManualClock::new());
        let mut builder = self.clock(Arc::clone(&clock) as Arc<dyn Clock>);
        builder.manual = Some(clock);
        builder
    }

    /// The API key to take. A random one of 256 bits if not said.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Shows a folder of the host read-only, at its own path, in every sandbox; its `bin` comes first in their `PATH`.
    /// For an interpreter outside `/usr`. Where the host has no `python3` in `/usr/bin`, the folder of the one in the
    /// process's `PATH` is added by itself.
    pub fn bind_ro(mut self, folder: impl Into<PathBuf>) -> Self {
        self.binds.push(folder.into());
        self
    }

    /// Whether isolated programs may use the network. True if not said.
    pub fn network(mut self, network: bool) -> Self {
        self.network = network;
        self
    }

    /// How long a new sandbox is `creating` (from an image: half of it `pending_build`), by the server's clock. None if
    /// not said: a create is answered with a started sandbox then. With a delay it is answered at once.
    pub fn create_delay(mut self, delay: Duration) -> Self {
        self.create_delay = delay;
        self
    }

    /// A snapshot name that creates may use.
    pub fn snapshot(mut self, name: impl Into<String>) -> Self {
        self.snapshots.insert(name.into());
        self
    }

    /// Whether every snapshot name is taken. False if not said.
    pub fn any_snapshot(mut self, any: bool) -> Self {
        self.any_snapshot = any;
        self
    }

    /// Whether a time to live is counted. True if not said; false is a server of release 0.190 or older: `ttlMinutes` is
    /// ignored, no row shows `autoDestroyAt`, and the route that sets it is not found.
    pub fn time_to_live(mut self, counted: bool) -> Self {
        self.time_to_live = counted;
        self
    }

    /// Answers every execute with this and runs nothing, for benchmarks of clients.
    pub fn canned_exec(mut self, answer: CannedExec) -> Self {
        self.canned = Some(answer);
        self
    }

    /// Serves `/admin/`, by which the holder of the token injects faults, moves the clock and sees all requests and
    /// sandboxes. For tests that run the server in a process of its own; false if not said. The same token, host names
    /// and loopback as for everything else.
    pub fn admin(mut self, admin: bool) -> Self {
        self.admin = admin;
        self
    }

    /// Whether clients can listen to what happens, over the event socket (`GET /api/socket.io/`). Without it that is
    /// answered 404, as older servers do. True if not said.
    pub fn events(mut self, events: bool) -> Self {
        self.events = events;
        self
    }

    /// How many bytes of build contexts are kept, 1 GiB if not said, in the server's own folder and until its end. The
    /// address of the storage and credentials for an hour of the server's clock come from `GET
    /// /object-storage/push-access`; it takes what clients need of S3: signed requests for one object, uploads in parts
    /// and lists. With 0 there is none, which is answered 503, as by a server without object storage. A server
    /// [in place](Self::start_in_place) has none.
    pub fn object_storage(mut self, bytes: u64) -> Self {
        self.storage = bytes;
        self
    }

    /// Starts the server in a thread of its own. It listens on loopback only.
    ///
    /// # Errors
    ///
    /// If isolation is required and this machine cannot give it, if a folder to show is none, if the port is taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the server that was being started.
    pub async fn start(self) -> Result<Server, Error> {
        if self
            .token
            .as_ref()
            .is_some_and(|token| token.trim().is_empty())
        {
            return Err(Error::invalid("an empty token would let everybody in"));
        }
        let manual = self.manual.clone();
        let (ready, started) = oneshot::channel();
        let (finished, done) = watch::channel(false);
        std::thread::Builder::new()
            .name("daytona-local".to_owned())
            .spawn(move || {
                let built = runtime::Builder::new_current_thread().enable_all().build();
                match built {
                    // One thread for all of it: a death signal follows the thread that spawned.
                    Ok(runtime) => runtime.block_on(self.run(ready)),
                    Err(error) => {
                        drop(ready.send(Err(Error::io("no runtime for the server", error))));
                    }
                }
                finished.send(true).ok();
            })
            .map_err(|error| Error::io("no thread for the server", error))?;
        let app = started.await.map_err(|_| {
            Error::io("the server's thread ended", std::io::Error::other("panic"))
        })??;
        Ok(Server { app, manual, done })
    }

    async fn run(self, ready: oneshot::Sender<Result<Arc<App>, Error>>) {
        let (app, listener, watchdog) = match self.prepare().await {
            Ok(prepared) => prepared,
            Err(error) => {
                drop(ready.send(Err(error)));
                return;
            }
        };
        if ready.send(Ok(Arc::clone(&app))).is_err() {
            app.stop.cancel();
        }
        let ticks = app.spawn(Arc::clone(&app).run_timers());
        connection::accept(Arc::clone(&app), listener).await;
        ticks.abort();
        app.clean_up().await;
        watchdog.dismiss().await;
    }

    async fn prepare(self) -> Result<(Arc<App>, TcpListener, Watchdog), Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
            .await
            .map_err(|error| Error::port(self.port, error))?;
        let address = listener
            .local_addr()
            .map_err(|error| Error::io("the port is not known", error))?;
        let marker = ident::uuid();
        let (host, watchdog) =
            Host::prepare(self.isolation, self.binds.clone(), self.network, marker).await?;
        let app = self.app(host, address.port(), runtime::Handle::current(), false);
        Ok((Arc::new(app), listener, watchdog))
    }

    pub(super) fn app(
        self,
        host: Host,
        port: u16,
        runtime: runtime::Handle,
        in_place: bool,
    ) -> App {
        let shift = Arc::new(ShiftedClock::new(self.clock));
        let now = shift.now();
        let news = News::new(&format!("http://127.0.0.1:{port}/toolbox"));
        let first_tick = add(now, Duration::from_secs(10));
        App {
            clock: Arc::clone(&shift) as Arc<dyn Clock>,
            shift,
            storage: Storage::new(host.objects(), if in_place { 0 } else { self.storage }),
            host: Arc::new(host),
            faults: Faults::default(),
            log: Log::default(),
            options: Options {
                create_delay: self.create_delay,
                default_snapshot: DEFAULT_SNAPSHOT.to_owned(),
                any_snapshot: self.any_snapshot,
                time_to_live: self.time_to_live,
                canned: self.canned,
                admin: self.admin,
                events: self.events,
                in_place,
            },
            token: self.token.unwrap_or_else(ident::token),
            started: now,
            stop: CancellationToken::new(),
            port: OnceLock::from(port),
            store: Mutex::new(Store::new(
                Snapshots::new(self.snapshots, now),
                first_tick,
                news,
            )),
            runtime,
            made: AtomicU32::new(1),
            making: tokio::sync::Mutex::default(),
            rescheduled: Notify::new(),
            working: watch::Sender::new(0),
        }
    }
}
