mod read;

use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;

use futures_core::Stream;
use futures_util::future::{Either, select};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::Sandboxes;
use crate::client::Daytona;
use crate::client::hub::{Listening, Status};
use crate::error::Error;
use crate::models::{
    Sandbox, SandboxDesiredState, SandboxState, SnapshotDto, SnapshotState, VolumeDto, VolumeState,
};

/// Something that happened in the organization; from [`Events`].
#[derive(Clone)]
#[non_exhaustive]
pub enum Event {
    /// The socket has just come up, or this listener was too slow: whatever happened before was not told. Look for
    /// yourself. It comes first, and again after each interruption.
    Resynced,
    /// A sandbox was created.
    SandboxCreated(Box<Sandbox>),
    /// A sandbox is in another state.
    SandboxStateUpdated {
        /// The sandbox as it is now.
        sandbox: Box<Sandbox>,
        /// Where it was.
        old_state: SandboxState,
        /// Where it is.
        new_state: SandboxState,
    },
    /// A sandbox shall be in another state.
    SandboxDesiredStateUpdated {
        /// The sandbox as it is now.
        sandbox: Box<Sandbox>,
        /// Where it should have been.
        old_desired_state: SandboxDesiredState,
        /// Where it should be.
        new_desired_state: SandboxDesiredState,
    },
    /// A snapshot was created.
    SnapshotCreated(Box<SnapshotDto>),
    /// A snapshot is in another state.
    SnapshotStateUpdated {
        /// The snapshot as it is now.
        snapshot: Box<SnapshotDto>,
        /// Where it was.
        old_state: SnapshotState,
        /// Where it is.
        new_state: SnapshotState,
    },
    /// A snapshot is gone.
    SnapshotRemoved(Box<SnapshotDto>),
    /// A volume was created.
    VolumeCreated(Box<VolumeDto>),
    /// A volume is in another state.
    VolumeStateUpdated {
        /// The volume as it is now.
        volume: Box<VolumeDto>,
        /// Where it was.
        old_state: VolumeState,
        /// Where it is.
        new_state: VolumeState,
    },
    /// Anything else (`runner.created`, what newer servers tell), or one of the above that is not as it should be.
    /// The payload may hold secrets, so Debug does not show it.
    Other {
        /// Its name.
        name: String,
        /// What came with it; null where nothing did.
        payload: Value,
    },
}

impl Event {
    /// Its name on the wire (`sandbox.state.updated`); `resynced` for [`Event::Resynced`], which is none of the
    /// server's.
    ///
    /// ```
    /// assert_eq!(daytona_api::api::Event::Resynced.name(), "resynced");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Resynced => "resynced",
            Self::SandboxCreated(_) => "sandbox.created",
            Self::SandboxStateUpdated { .. } => "sandbox.state.updated",
            Self::SandboxDesiredStateUpdated { .. } => "sandbox.desired-state.updated",
            Self::SnapshotCreated(_) => "snapshot.created",
            Self::SnapshotStateUpdated { .. } => "snapshot.state.updated",
            Self::SnapshotRemoved(_) => "snapshot.removed",
            Self::VolumeCreated(_) => "volume.created",
            Self::VolumeStateUpdated { .. } => "volume.state.updated",
            Self::Other { name, .. } => name,
        }
    }

    /// The sandbox it is about, where it is about one.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Sandbox> {
        match self {
            Self::SandboxCreated(sandbox)
            | Self::SandboxStateUpdated { sandbox, .. }
            | Self::SandboxDesiredStateUpdated { sandbox, .. } => Some(sandbox),
            _ => None,
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Event");
        shown.field("name", &self.name());
        if let Some(sandbox) = self.sandbox() {
            shown.field("sandbox", &sandbox.id);
            shown.field("state", &sandbox.state);
        }
        shown.finish_non_exhaustive()
    }
}

impl Daytona {
    /// What happens in the organization, as the server tells it: Socket.IO over a WebSocket on `GET /socket.io/`, as
    /// Daytona's own clients use it (server 0.190 and newer).
    ///
    /// All listeners of a client and of its clones share one socket. It is opened for the first of them in the
    /// background, on the runtime that this is called in; it is opened again when it breaks, after a quarter of a second at first and at most
    /// 30 seconds; and it is closed half a minute after the last listener. No request goes out before this is called.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Event;
    ///
    /// let mut events = api.events();
    /// while let Some(event) = events.next().await? {
    ///     match event {
    ///         Event::SandboxStateUpdated { sandbox, new_state, .. } => println!("{}: {new_state}", sandbox.name),
    ///         Event::Resynced => println!("listening; what was before is not known"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self)
    }
}

/// What happens in the organization; from [`Daytona::events`].
///
/// An event is a hint: it may be late, come twice or be lost, and a connection that breaks loses what happened
/// meanwhile. So look before you act on one. A listener that falls more than 256 events behind loses the oldest and
/// is told so with [`Event::Resynced`]; it never holds up others.
#[must_use = "nothing is told unless it is asked for"]
pub struct Events {
    listening: Listening,
    received: broadcast::Receiver<Event>,
    ready: VecDeque<Event>,
    over: bool,
}

impl Events {
    fn new(client: &Daytona) -> Self {
        let mut listening = Listening::new(client);
        let received = listening.events();
        // one that joins a socket that is up is told so, as the first one is
        let ready = match listening.now() {
            Status::Live(_) if received.is_empty() => VecDeque::from([Event::Resynced]),
            _ => VecDeque::new(),
        };
        Self {
            listening,
            received,
            ready,
            over: false,
        }
    }

    /// The next event. `None` after an error.
    ///
    /// # Errors
    ///
    /// [`is_auth`](Error::is_auth) where the server refuses the credential; a status such as 404, with
    /// [`is_not_found`](Error::is_not_found) or [`is_not_daytona`](Error::is_not_daytona), where it has no event
    /// socket, as older servers do not. Both are final for these events; a client asks such a server again for
    /// listeners that come at least one and five minutes later. Anything else is tried again, without end.
    ///
    /// # Cancel safety
    ///
    /// Safe: no event is lost.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        if let Some(event) = self.ready.pop_front() {
            return Ok(Some(event));
        }
        loop {
            if self.over {
                return Ok(None);
            }
            self.listening.keep();
            if let Status::Over(over) = self.listening.now() {
                self.over = true;
                return Err(over.error());
            }
            let (event, status) = (pin!(self.received.recv()), pin!(self.listening.status()));
            match select(event, status).await {
                Either::Left((Ok(event), _)) => return Ok(Some(event)),
                Either::Left((Err(RecvError::Lagged(_)), _)) => return Ok(Some(Event::Resynced)),
                Either::Left((Err(RecvError::Closed), _)) => self.over = true,
                Either::Right(_) => {}
            }
        }
    }

    /// The same as a stream. After an error it ends.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, Error>> + Send + 'static {
        stream::try_unfold(self, |mut events| async move {
            let event = events.next().await?;
            Ok(event.map(|event| (event, events)))
        })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

/// What became of the wait for an event; from [`Watch::changed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The server said that the sandbox is in this state, or was a moment ago.
    State(SandboxState),
    /// The socket that was up when [`Watch::is_live`] or [`Watch::changed`] last looked is not any more. What
    /// happened since may not have been told.
    Down,
}

/// Waits for events about one sandbox; from [`Sandboxes::watch`].
#[must_use = "nothing is told unless it is asked for"]
pub struct Watch {
    listening: Listening,
    told: watch::Receiver<Option<SandboxState>>,
    id: Box<str>,
    /// The connection that was last seen.
    connection: Option<u64>,
}

impl Sandboxes {
    /// Listens to what the server tells about one sandbox, by its id, over the socket that [`Daytona::events`]
    /// describes. This is for whoever waits for a state: wait for [`Watch::changed`] or for a while, whichever comes
    /// first, and then look. While [`Watch::is_live`] is true the while can be longer.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona, id: &str) -> Result<(), daytona_api::Error> {
    /// use std::time::Duration;
    ///
    /// use daytona_api::models::SandboxState;
    ///
    /// let mut watch = api.sandboxes().watch(id);
    /// loop {
    ///     let pause = Duration::from_millis(if watch.is_live() { 2000 } else { 200 });
    ///     if api.sandboxes().get(id).await?.state == Some(SandboxState::Stopped) {
    ///         return Ok(());
    ///     }
    ///     // whether it changed or the time is over, the next look will tell
    ///     tokio::time::timeout(pause, watch.changed()).await.ok();
    /// }
    /// # }
    /// ```
    pub fn watch(&self, id: &str) -> Watch {
        let listening = Listening::new(&self.client);
        let told = listening.watch(id);
        Watch {
            listening,
            told,
            id: id.into(),
            connection: None,
        }
    }
}

impl Watch {
    /// Whether the socket is up, so that what happens from now on is told. Never waits for it.
    ///
    /// Ask before you look: what changes after the look is then told.
    #[must_use]
    pub fn is_live(&mut self) -> bool {
        self.listening.keep();
        self.connection = self.listening.now().connection();
        self.listening.hub().is_live()
    }

    /// Tells that a look found a change which should have been told and was not: the socket then counts as not live,
    /// for all listeners of the client, until something is told or it is opened anew. It may be of a kind that says
    /// nothing, and waiting for it would be a loss of time.
    pub fn overlooked(&self) {
        self.listening.hub().doubt();
    }

    /// The next thing that the server tells about the sandbox, or the end of the socket. Where the socket is not up,
    /// this waits until it is.
    ///
    /// # Cancel safety
    ///
    /// Safe: the state that was told last is not lost.
    pub async fn changed(&mut self) -> Change {
        loop {
            let now = self.listening.now().connection();
            let was = std::mem::replace(&mut self.connection, now);
            if was.is_some() && was != now {
                return Change::Down;
            }
            let first = {
                let (told, status) = (pin!(self.told.changed()), pin!(self.listening.status()));
                match select(told, status).await {
                    Either::Left((told, _)) => Either::Left(told),
                    Either::Right((status, _)) => Either::Right(status),
                }
            };
            match first {
                Either::Left(Ok(())) => {
                    let state = self.told.borrow_and_update().clone();
                    if let Some(state) = state {
                        return Change::State(state);
                    }
                }
                // the sender goes with the last watch only, which this may be
                Either::Left(Err(_)) => std::future::pending().await,
                Either::Right(_) => {}
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.listening.unwatch(&self.id);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("id", &self.id)
            .field("live", &self.listening.hub().is_live())
            .finish_non_exhaustive()
    }
}
