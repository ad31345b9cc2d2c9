//! Closing factories when the process is told to end.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::spawner;
use crate::{CloseError, Error, ErrorKind, SandboxFactory};

/// Closes factories on SIGINT and SIGTERM, then lets the process end as the signal would have ended
/// it.
///
/// Opt in, once, from `main`. At the first signal all factories are closed at once, on a thread of
/// this library, within the deadline; what is left then is logged. After that the signal's default
/// action is taken: the process ends, and its parent sees that it was that signal. A second signal
/// meanwhile ends it at once. What is not closed by then, the service's lease ends, where the kind
/// of sandbox has one.
///
/// The process's own handlers of these signals still run, but cannot keep the process from ending
/// this way; a program that wants to end in its own way closes its factories itself. A `main` that
/// returns or panics meanwhile, as its opens are refused, does not cut the closing short: dropping
/// the guard then waits for it, up to the deadline. `std::process::exit` drops nothing. Once a guard
/// was made, the two signals stay handled for the life of the process: after it is dropped they end
/// the process at once, without closing anything.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sandbox_core::{SandboxFactory, SignalGuard};
///
/// # fn example(factory: Arc<dyn SandboxFactory>) -> Result<(), sandbox_core::Error> {
/// let _guard = SignalGuard::new([factory], Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
pub struct SignalGuard {
    guarded: Arc<Guarded>,
    deadline: Duration,
}

struct Guarded {
    state: Mutex<State>,
    closed: Condvar,
}

enum State {
    Watching(Vec<Arc<dyn SandboxFactory>>),
    /// A signal came, and after it the process ends.
    Closing,
    /// The guard was dropped, or the process could not be ended.
    Over,
}

impl SignalGuard {
    /// Guards these factories from now on. `deadline` is how long closing them may take in all. No
    /// runtime of the caller's is needed.
    ///
    /// # Errors
    ///
    /// [`Internal`](ErrorKind::Internal) if the process cannot listen to signals.
    pub fn new(
        factories: impl IntoIterator<Item = Arc<dyn SandboxFactory>>,
        deadline: Duration,
    ) -> Result<Self, Error> {
        let internal = || Error::new(ErrorKind::Internal, "cannot listen to signals");
        let runtime = spawner::handle().ok_or_else(internal)?;
        let _entered = runtime.enter();
        let listen = |kind| signal(kind).map_err(|error| internal().with_source(error));
        let interrupts = listen(SignalKind::interrupt())?;
        let terminations = listen(SignalKind::terminate())?;
        let ours = Arc::new(Guarded {
            state: Mutex::new(State::Watching(factories.into_iter().collect())),
            closed: Condvar::new(),
        });
        let guarded = Arc::clone(&ours);
        runtime.spawn(async move {
            let mut signals = Signals {
                interrupts,
                terminations,
            };
            let number = signals.next().await;
            if let Some(factories) = guarded.take() {
                tracing::info!(signal = number, "closing sandboxes before the process ends");
                let close = Box::pin(close_all(factories, deadline));
                let again = Box::pin(signals.next());
                first(close, again).await;
            }
            if let Err(error) = emulate_default_handler(number) {
                tracing::error!(%error, signal = number, "the signal could not be passed on");
            }
            guarded.over();
        });
        Ok(Self {
            guarded: ours,
            deadline,
        })
    }
}

impl Guarded {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of others runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The factories to close; none if the guard is gone.
    fn take(&self) -> Option<Vec<Arc<dyn SandboxFactory>>> {
        let mut state = self.lock();
        let State::Watching(factories) = &mut *state else {
            return None;
        };
        let factories = std::mem::take(factories);
        *state = State::Closing;
        Some(factories)
    }

    fn over(&self) {
        *self.lock() = State::Over;
        self.closed.notify_all();
    }
}

impl Drop for SignalGuard {
    fn drop(&mut self) {
        let mut state = self.guarded.lock();
        if matches!(*state, State::Closing) {
            // The process ends while this waits; the deadline is that of the closing, and a moment.
            let most = self.deadline.saturating_add(Duration::from_secs(1));
            let closing = |state: &mut State| matches!(state, State::Closing);
            let waited = self.guarded.closed.wait_timeout_while(state, most, closing);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            return;
        }
        let watched = std::mem::replace(&mut *state, State::Over);
        drop(state);
        drop(watched);
    }
}

impl fmt::Debug for SignalGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factories = match &*self.guarded.lock() {
            State::Watching(factories) => factories.len(),
            State::Closing | State::Over => 0,
        };
        f.debug_struct("SignalGuard")
            .field("factories", &factories)
            .finish_non_exhaustive()
    }
}

struct Signals {
    interrupts: Signal,
    terminations: Signal,
}

impl Signals {
    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
        let Self {
            interrupts,
            terminations,
        } = self;
        std::future::poll_fn(|context| {
            if interrupts.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(SIGINT);
            }
            terminations.poll_recv(context).map(|_| SIGTERM)
        })
        .await
    }
}

/// Waits for whichever comes first.
async fn first<A, B>(mut one: A, mut other: B)
where
    A: Future<Output = ()> + Unpin + Send,
    B: Future<Output = i32> + Unpin + Send,
{
    std::future::poll_fn(|context| {
        if std::pin::Pin::new(&mut one).poll(context).is_ready() {
            return std::task::Poll::Ready(());
        }
        std::pin::Pin::new(&mut other).poll(context).map(|_| ())
    })
    .await;
}

async fn close_all(factories: Vec<Arc<dyn SandboxFactory>>, deadline: Duration) {
    let mut closes = JoinSet::new();
    for factory in factories {
        closes.spawn(async move { factory.close().await });
    }
    let all = async {
        while let Some(closed) = closes.join_next().await {
            match closed {
                Ok(Ok(())) => {}
                Ok(Err(left)) => tell(&left),
                Err(_) => tracing::error!("a factory panicked while it was closed"),
            }
        }
    };
    if timeout(deadline, all).await.is_err() {
        tracing::warn!("the process ends before all sandboxes are closed");
    }
}

fn tell(left: &CloseError) {
    for one in left.leftovers() {
        tracing::warn!(
            name = one.name(),
            id = one.id(),
            error = %one.why(),
            "a sandbox may be left"
        );
    }
}
