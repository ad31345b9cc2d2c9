//! Listening to events: bounded, and never in the way of what happens.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
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
            state: State::Idle(sending.sender.subscribe()),
            waker: None,
        }
    }
}

/// The events of a factory since [`events`](crate::CachingFactory::events) was called.
///
/// It holds a bounded number of them, 256 unless
/// [chosen](crate::CachingFactoryBuilder::event_capacity). Whoever is slower than that loses the
/// oldest and is told how many; nothing ever waits for a listener. It does not keep the factory
/// alive, and ends once that has done its last work.
///
/// It is a `Stream` too, for those who join streams:
///
/// ```
/// use futures_util::StreamExt as _;
/// use sandbox_core::{EventKind, Events};
///
/// async fn losses(events: Events) -> usize {
///     events
///         .filter(|seen| {
///             let lost = seen.event().is_some_and(|event| matches!(event.kind(), EventKind::StateLost { .. }));
///             std::future::ready(lost)
///         })
///         .count()
///         .await
/// }
/// ```
pub struct Events {
    state: State,
    /// Of whoever polled last and was told to wait.
    waker: Option<Waker>,
}

type Received = (Result<Event, RecvError>, Receiver<Event>);

enum State {
    Idle(Receiver<Event>),
    /// Nothing was there; it keeps its place among those to be woken.
    Waiting(Pin<Box<dyn Future<Output = Received> + Send + Sync>>),
    /// The factory is no more.
    Over,
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
        poll_fn(|context| self.poll(context)).await
    }

    /// The next event if there is one by now.
    pub fn try_next(&mut self) -> Option<Observed> {
        // Whoever waits for the stream is still to be woken.
        let waker = self.waker.clone();
        let mut context = Context::from_waker(waker.as_ref().unwrap_or(Waker::noop()));
        match self.look(&mut context) {
            Poll::Ready(seen) => seen,
            Poll::Pending => None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Observed>> {
        let seen = self.look(context);
        self.waker = seen.is_pending().then(|| context.waker().clone());
        seen
    }

    fn look(&mut self, context: &mut Context<'_>) -> Poll<Option<Observed>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(mut receiver) => match receiver.try_recv() {
                    Err(TryRecvError::Empty) => {
                        self.state =
                            State::Waiting(Box::pin(
                                async move { (receiver.recv().await, receiver) },
                            ));
                    }
                    Err(TryRecvError::Closed) => {}
                    Err(TryRecvError::Lagged(missed)) => {
                        self.state = State::Idle(receiver);
                        return Poll::Ready(Some(Observed::Missed(missed)));
                    }
                    Ok(event) => {
                        self.state = State::Idle(receiver);
                        return Poll::Ready(Some(Observed::Event(event)));
                    }
                },
                State::Waiting(mut waiting) => {
                    let Poll::Ready((received, receiver)) = waiting.as_mut().poll(context) else {
                        self.state = State::Waiting(waiting);
                        return Poll::Pending;
                    };
                    self.state = State::Idle(receiver);
                    return Poll::Ready(Some(match received {
                        Ok(event) => Observed::Event(event),
                        Err(RecvError::Lagged(missed)) => Observed::Missed(missed),
                        // The receiver says so again.
                        Err(RecvError::Closed) => continue,
                    }));
                }
            }
        }
    }
}

impl Stream for Events {
    type Item = Observed;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Observed>> {
        self.poll(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = match &self.state {
            State::Idle(receiver) => receiver.len(),
            State::Waiting(_) | State::Over => 0,
        };
        f.debug_struct("Events")
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}
