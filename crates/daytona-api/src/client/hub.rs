//! The event socket that everything of one client shares: opened for the first who listens, closed after the last.

mod drive;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{Daytona, Shared};
use crate::api::Event;
use crate::error::{Error, ErrorKind, ServerText};
use crate::models::SandboxState;
use crate::wire::engine;

/// Events that wait for a listener who is slow; what is older is lost to it, and it is told.
const BUFFER: usize = 256;
/// A server without the socket is asked again after this time, if somebody listens.
const ABSENT: Duration = Duration::from_secs(300);
/// The same for one that refused the credential.
const REFUSED: Duration = Duration::from_secs(60);

/// How the socket is.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// There is none, or it is being opened.
    Down,
    /// It is up, and what happens is told; with the number of the connection.
    Live(u64),
    /// There will be none for a while.
    Over(Arc<Over>),
}

impl Status {
    /// The connection, where there is one.
    pub(crate) fn connection(&self) -> Option<u64> {
        match self {
            Self::Live(number) => Some(*number),
            Self::Down | Self::Over(_) => None,
        }
    }
}

/// Why there is no socket.
#[derive(Debug)]
pub(crate) struct Over {
    kind: ErrorKind,
    status: Option<u16>,
    message: Option<String>,
    not_daytona: bool,
}

impl Over {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            status: error.status(),
            message: error.message().map(str::to_owned),
            not_daytona: error.is_not_daytona(),
        }
    }

    pub(crate) fn error(&self) -> Error {
        let text = ServerText {
            message: self.message.clone(),
            ..ServerText::default()
        };
        let error = match self.status {
            Some(status) if matches!(status, 401 | 403) => {
                let what = "the server refused the credential for its events";
                Error::answered(status, what, text, None)
            }
            Some(status) if self.kind == ErrorKind::Status => {
                let what = "the server tells no events";
                Error::answered(status, what, text, None)
            }
            status => {
                let error = Error::new(self.kind, "the server tells no events");
                match status {
                    Some(status) => error.with_status(status),
                    None => error,
                }
            }
        };
        let error = if self.not_daytona {
            error.not_daytona()
        } else {
            error
        };
        error.with_operation(crate::routes::EVENT_SOCKET.id)
    }

    fn pause(&self) -> Duration {
        match self.status {
            Some(401 | 403) => REFUSED,
            _ => ABSENT,
        }
    }
}

pub(crate) struct Hub {
    state: Mutex<State>,
    status: watch::Sender<Status>,
    events: broadcast::Sender<Event>,
    /// A look found what should have been told: not to be relied on before something is told again.
    doubted: AtomicBool,
    users: watch::Sender<Users>,
    /// Where each sandbox that somebody waits for was last said to be.
    waited: Mutex<HashMap<Box<str>, watch::Sender<Option<SandboxState>>>>,
}

/// Who listens.
#[derive(Clone, Copy, Default)]
struct Users {
    now: usize,
    ever: u64,
}

#[derive(Default)]
enum Driver {
    #[default]
    None,
    Starting,
    Running(AbortHandle),
}

#[derive(Default)]
struct State {
    driver: Driver,
    /// Counts drivers, so that a late one does not end its successor.
    turn: u64,
    not_before: Option<Instant>,
    connections: u64,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            status: watch::Sender::new(Status::Down),
            events: broadcast::Sender::new(BUFFER),
            doubted: AtomicBool::new(false),
            users: watch::Sender::new(Users::default()),
            waited: Mutex::default(),
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.status.borrow().connection().is_some() && !self.doubted.load(Ordering::Relaxed)
    }

    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }

    /// Ends the socket: the client is gone.
    pub(crate) fn end(&self) {
        let driver = std::mem::take(&mut self.state().driver);
        if let Driver::Running(driver) = driver {
            driver.abort();
        }
    }

    /// Opens the socket if there is none, in the background. Where there is no runtime to do so, there is none.
    fn ensure(self: &Arc<Self>, shared: &Arc<Shared>) {
        let mut state = self.state();
        match &state.driver {
            Driver::Starting => return,
            Driver::Running(driver) if !driver.is_finished() => return,
            Driver::Running(_) | Driver::None => {}
        }
        if state.not_before.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        state.not_before = None;
        state.turn += 1;
        self.status.send_if_modified(|status| {
            let over = matches!(status, Status::Over(_));
            *status = Status::Down;
            over
        });
        let turn = Turn {
            hub: Arc::clone(self),
            turn: state.turn,
        };
        let number = state.turn;
        state.driver = Driver::Starting;
        drop(state);
        // not under the lock: a runtime that is ending drops the task, and its turn, at once
        let shared: Weak<Shared> = Arc::downgrade(shared);
        let task = runtime.spawn(drive::drive(turn, shared));
        let mut state = self.state();
        if state.turn == number && matches!(state.driver, Driver::Starting) {
            state.driver = Driver::Running(task.abort_handle());
        }
    }

    /// Hands an event on.
    fn tell(&self, array: &str) {
        #[derive(Deserialize)]
        struct Glance {
            id: Option<String>,
            state: Option<SandboxState>,
            sandbox: Option<Whose>,
            #[serde(rename = "newState")]
            new_state: Option<SandboxState>,
        }
        #[derive(Deserialize)]
        struct Whose {
            id: String,
            state: Option<SandboxState>,
        }
        self.doubted.store(false, Ordering::Relaxed);
        if self.events.receiver_count() > 0
            && let Some(event) = Event::read(array)
        {
            // nobody may listen any more
            drop(self.events.send(event));
        }
        let waited = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        if waited.is_empty() {
            return;
        }
        let Some((name, Some(glance))) = engine::event::<Glance>(array) else {
            return;
        };
        if !name.starts_with("sandbox.") {
            return;
        }
        let told = match glance.sandbox {
            Some(whose) => Some((whose.id, whose.state.or(glance.new_state))),
            None => glance.id.map(|id| (id, glance.state)),
        };
        if let Some((id, state)) = told
            && let Some(watched) = waited.get(id.as_str())
        {
            watched.send_replace(Some(state.unwrap_or_default()));
        }
    }
}

/// The right of one driver to speak for the socket; when it goes the socket is down.
struct Turn {
    hub: Arc<Hub>,
    turn: u64,
}

impl Turn {
    /// Ends for want of listeners, unless one came just now.
    fn end_if_idle(&self) -> bool {
        let mut state = self.hub.state();
        if self.hub.users.borrow().now > 0 {
            return false;
        }
        if state.turn == self.turn {
            state.driver = Driver::None;
        }
        true
    }

    fn live(&self) {
        let mut state = self.hub.state();
        state.connections += 1;
        self.hub.doubted.store(false, Ordering::Relaxed);
        let status = Status::Live(state.connections);
        self.hub.status.send_replace(status);
    }

    fn over(&self, error: &Error) {
        let over = Over::of(error);
        let mut state = self.hub.state();
        if state.turn == self.turn {
            state.not_before = Instant::now().checked_add(over.pause());
            self.hub.status.send_replace(Status::Over(Arc::new(over)));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if state.turn == self.turn {
            state.driver = Driver::None;
            self.hub.status.send_modify(|status| {
                if status.connection().is_some() {
                    *status = Status::Down;
                }
            });
        }
    }
}

/// Somebody who listens. The socket stays while there is one, and half a minute more.
pub(crate) struct Listening {
    client: Daytona,
    status: watch::Receiver<Status>,
}

impl Listening {
    pub(crate) fn new(client: &Daytona) -> Self {
        let hub = &client.shared.hub;
        let status = hub.status.subscribe();
        {
            // under the lock, so that a driver that finds itself idle sees this one
            let _state = hub.state();
            hub.users.send_modify(|users| {
                users.now += 1;
                users.ever += 1;
            });
        }
        let listening = Self {
            client: client.clone(),
            status,
        };
        listening.keep();
        listening
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.client.shared.hub
    }

    /// Sees to it that somebody drives the socket: who did may have ended with its runtime.
    pub(crate) fn keep(&self) {
        self.hub().ensure(&self.client.shared);
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.hub().events.subscribe()
    }

    /// The next change of the socket.
    pub(crate) async fn status(&mut self) -> Status {
        // the sender lives as long as the client, which this holds
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.status.borrow_and_update().clone()
    }

    pub(crate) fn now(&mut self) -> Status {
        self.status.borrow_and_update().clone()
    }

    pub(crate) fn watch(&self, id: &str) -> watch::Receiver<Option<SandboxState>> {
        let waited = &self.hub().waited;
        let mut waited = waited.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = waited.entry(id.into()).or_default();
        watched.subscribe()
    }

    pub(crate) fn unwatch(&self, id: &str) {
        let waited = &self.hub().waited;
        let mut waited = waited.lock().unwrap_or_else(PoisonError::into_inner);
        // the one that leaves is still counted
        if waited.get(id).is_some_and(|it| it.receiver_count() <= 1) {
            waited.remove(id);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let users = &self.client.shared.hub.users;
        users.send_modify(|users| users.now = users.now.saturating_sub(1));
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}
