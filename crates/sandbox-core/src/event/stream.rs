//! Listening to events: bounded, and never in the way of what happens.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{Receiver, Sender};

use super::{Event, EventKind, Subject};

/// The sending side. It keeps nothing until somebody listens.
pub(crate) struct Broadcast {
    most: usize,
    sender: Mutex<Option<Sending>>,
}

struct Sending {
    sender: Sender<Event>,
    next: u64,
}

impl Broadcast {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            sender: Mutex::new(None),
        }
    }

    pub(crate) fn send(&self, subject: &Subject, kind: &EventKind) {
        let mut sending = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sending) = &mut *sending
            && sending.sender.receiver_count() > 0
        {
            let event = Event::new(sending.next, subject.clone(), kind.clone());
            sending.next += 1;
            // Under the lock, so that the order is that of the sequence.
            let _ = sending.sender.send(event);
        }
    }

    pub(crate) fn subscribe(&self) -> Events {
        let mut sending = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sending = sending.get_or_insert_with(|| Sending {
            sender: Sender::new(self.most),
            next: 0,
        });
        Events {
            receiver: sending.sender.subscribe(),
        }
    }
}

/// The events of a factory since [`events`](crate::CachingFactory::events) was called.
///
/// It holds a bounded number of them, 256 unless
/// [chosen](crate::CachingFactoryBuilder::event_capacity). Whoever is slower than that loses the
/// oldest and is told how many; nothing ever waits for a listener. It does not keep the factory
/// alive, and ends once that has done its last work.
pub struct Events {
    receiver: Receiver<Event>,
}

/// What a listener gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Observed {
    /// The next event.
    Event(Event),
    /// So many events came and went while nobody looked.
    Missed(u64),
}

impl Observed {
    /// The event, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Missed(_) => None,
        }
    }
}

impl Events {
    /// The next event, or how many were missed; `None` once the factory is no more.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: nothing is lost by it.
    pub async fn next(&mut self) -> Option<Observed> {
        match self.receiver.recv().await {
            Ok(event) => Some(Observed::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(Observed::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next event if there is one by now.
    pub fn try_next(&mut self) -> Option<Observed> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Observed::Event(event)),
            Err(TryRecvError::Lagged(missed)) => Some(Observed::Missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("waiting", &self.receiver.len())
            .finish_non_exhaustive()
    }
}
