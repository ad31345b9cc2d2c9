//! A command that runs, and whoever drives it.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::event::{ExecEvent, ExecStream};
use super::outcome::{ExecOutcome, ExecStatus};
use crate::{Error, ErrorKind};

/// How many pieces of output wait for a slow reader.
const WAITING: usize = 8;

/// A command that runs; from [`Sandbox::start`](crate::Sandbox::start).
///
/// Its output comes as it is written, through [`next`](Self::next), kept apart and byte-exact. At most a few pieces
/// wait for a slow reader: further output stays where the command runs, and may hold the command up. A command that
/// nobody reads from, and that is waited for, runs on.
///
/// **Dropping it kills the command** with all that it started, in the background, by a task of the runtime that it was
/// started in; [`detach`](Self::detach) lets it run. Where that runtime ends first or the sandbox cannot be reached,
/// the command ends by its timeout.
///
/// ```
/// # use sandbox_core::{Error, ExecRequest, ExecStream, Sandbox};
/// # async fn f(sandbox: &dyn Sandbox) -> Result<(), Error> {
/// let mut running = sandbox.start(ExecRequest::shell("make 2>&1")).await?;
/// while let Some(event) = running.next().await {
///     if event.stream == ExecStream::Stdout {
///         print!("{}", String::from_utf8_lossy(&event.bytes));
///     }
/// }
/// let outcome = running.wait().await;
/// # let _ = outcome;
/// # Ok(()) }
/// ```
#[must_use = "dropping it kills the command"]
pub struct Running {
    events: Option<mpsc::Receiver<ExecEvent>>,
    asked: watch::Sender<Asked>,
    told: watch::Receiver<Told>,
    begun: Instant,
}

/// What is asked of the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    /// The command is to be killed.
    Kill,
    /// Nobody reads or waits; it runs on.
    Detached,
}

/// What the driver tells.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Whether a kill met the command alive.
    killed: Option<Result<bool, Error>>,
    outcome: Option<ExecOutcome>,
}

impl Running {
    /// Starts the task that drives a command; for those who write a sandbox. The future runs the command and gives how
    /// it ended; it calls [`ExecControl::emit`] with what is written, in its order, and obeys
    /// its [`ExecKiller`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<D, F>(drive: D) -> Self
    where
        D: FnOnce(ExecControl) -> F,
        F: Future<Output = ExecOutcome> + Send + 'static,
    {
        let (sender, events) = mpsc::channel(WAITING);
        let (asked, asking) = watch::channel(Asked::Nothing);
        let (tell, told) = watch::channel(Told::default());
        let driving = drive(ExecControl {
            events: Some(sender),
            asked: asking,
            told: tell.clone(),
            offsets: [0; 2],
        });
        // A command is its caller's, and so are the connections it is followed over.
        Handle::current().spawn(async move {
            let outcome = driving.await;
            tell.send_modify(|told| {
                // It ended before anything was killed.
                told.killed.get_or_insert(Ok(false));
                told.outcome = Some(outcome);
            });
        });
        Self {
            events: Some(events),
            asked,
            told,
            begun: Instant::now(),
        }
    }

    /// A command that has ended, or never began.
    pub fn ended(outcome: ExecOutcome) -> Self {
        Self::spawn(|mut control| async move {
            for (stream, output) in [
                (ExecStream::Stdout, outcome.stdout().to_bytes()),
                (ExecStream::Stderr, outcome.stderr().to_bytes()),
            ] {
                control.emit(stream, output).await;
            }
            outcome
        })
    }

    /// The next piece of output; `None` once there is no more and the command has ended.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: no piece is lost.
    pub async fn next(&mut self) -> Option<ExecEvent> {
        self.events.as_mut()?.recv().await
    }

    /// Kills the command with all that it started, and waits until that is done. True if it was alive; false if it had
    /// ended, or was killed before. What it had written can still be read, and [`wait`](Self::wait) tells how it ended.
    ///
    /// # Errors
    ///
    /// Where the sandbox cannot be asked: the command then ends by its timeout.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the kill back.
    pub async fn kill(&self) -> Result<bool, Error> {
        self.kill_handle().kill().await
    }

    /// Something that kills the command from elsewhere, while this is read from or waited for. It keeps nothing alive.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        KillHandle {
            asked: self.asked.clone(),
            told: self.told.clone(),
        }
    }

    /// Waits for the end. Output that has not been read is thrown away; its beginning and end are in the outcome.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the command: it is killed.
    pub async fn wait(mut self) -> ExecOutcome {
        self.events = None;
        let outcome = match self.told.wait_for(|told| told.outcome.is_some()).await {
            Ok(told) => told.outcome.clone(),
            Err(_) => None,
        };
        outcome.unwrap_or_else(|| {
            ExecOutcome::without_output(ExecStatus::Unknown, self.begun.elapsed(), driver_gone())
        })
    }

    /// Lets the command run on by itself, until its own end or its timeout.
    pub fn detach(self) {
        self.asked.send_replace(Asked::Detached);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.told.borrow().outcome.is_none() {
            self.asked.send_if_modified(|asked| {
                let kill = *asked == Asked::Nothing;
                if kill {
                    *asked = Asked::Kill;
                }
                kill
            });
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("asked", &*self.asked.borrow())
            .field("ended", &self.told.borrow().outcome.is_some())
            .finish_non_exhaustive()
    }
}

/// Kills a command from elsewhere; from [`Running::kill_handle`]. Dropping it does nothing.
///
/// ```
/// # use sandbox_core::{Error, Sandbox, SandboxExt};
/// # async fn f(sandbox: &dyn Sandbox) -> Result<(), Error> {
/// let running = sandbox.run(["sleep", "600"]).start().await?;
/// let killer = running.kill_handle();
/// let (outcome, killed) = tokio::join!(running.wait(), killer.kill());
/// assert!(killed? && !outcome.success());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct KillHandle {
    asked: watch::Sender<Asked>,
    told: watch::Receiver<Told>,
}

impl KillHandle {
    /// As [`Running::kill`]. After a [`Running`] was dropped, it waits until that kill is done.
    ///
    /// # Errors
    ///
    /// As [`Running::kill`].
    ///
    /// # Cancel safety
    ///
    /// As [`Running::kill`].
    pub async fn kill(&self) -> Result<bool, Error> {
        if self.told.borrow().outcome.is_some() {
            return Ok(false);
        }
        let first = self.asked.send_if_modified(|asked| {
            let first = *asked != Asked::Kill;
            *asked = Asked::Kill;
            first
        });
        let mut told = self.told.clone();
        let killed = match told.wait_for(|told| told.killed.is_some()).await {
            Ok(told) => told.killed.clone(),
            Err(_) => None,
        };
        match killed {
            Some(Ok(alive)) => Ok(alive && first),
            Some(Err(error)) => Err(error),
            None => Err(driver_gone()),
        }
    }
}

impl fmt::Debug for KillHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KillHandle").finish_non_exhaustive()
    }
}

fn driver_gone() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the runtime that followed the command has ended",
    )
    .with_operation("exec")
}

/// The other side of a [`Running`]; for those who write a sandbox.
pub struct ExecControl {
    events: Option<mpsc::Sender<ExecEvent>>,
    asked: watch::Receiver<Asked>,
    told: watch::Sender<Told>,
    offsets: [u64; 2],
}

impl ExecControl {
    /// Hands on what the command wrote, once there is room. False if nobody reads.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the piece may be lost. See [`room`](Self::room).
    pub async fn emit(&mut self, stream: ExecStream, bytes: Bytes) -> bool {
        if !self.room().await {
            return false;
        }
        self.put(stream, bytes);
        true
    }

    /// Waits until a piece can be handed on at once. False if nobody reads.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn room(&mut self) -> bool {
        let Some(events) = &self.events else {
            return false;
        };
        if events.reserve().await.is_err() {
            self.events = None;
        }
        self.events.is_some()
    }

    /// Hands on what the command wrote, after [`room`](Self::room). Where there is none, nobody gets it.
    pub fn put(&mut self, stream: ExecStream, bytes: Bytes) {
        let [out, err] = &mut self.offsets;
        let offset = match stream {
            ExecStream::Stdout => out,
            ExecStream::Stderr => err,
        };
        let at = *offset;
        *offset += bytes.len() as u64;
        if let Some(events) = &self.events
            && !bytes.is_empty()
            && events.try_send(ExecEvent::new(stream, at, bytes)).is_err()
        {
            // A gap would be a lie.
            self.events = None;
        }
    }

    /// Something that waits for the kill, and tells of it, apart from the output.
    #[must_use]
    pub fn killer(&self) -> ExecKiller {
        ExecKiller {
            asked: self.asked.clone(),
            told: self.told.clone(),
        }
    }
}

impl fmt::Debug for ExecControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecControl")
            .field("asked", &*self.asked.borrow())
            .field("offsets", &self.offsets)
            .finish_non_exhaustive()
    }
}

/// What an [`ExecControl`] hears and tells of a kill.
pub struct ExecKiller {
    asked: watch::Receiver<Asked>,
    told: watch::Sender<Told>,
}

impl ExecKiller {
    /// Waits until the command is to be killed. Never ends if it is not.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn asked(&mut self) {
        let kill = |asked: &Asked| *asked == Asked::Kill;
        if self.asked.wait_for(kill).await.is_err() && *self.asked.borrow() != Asked::Kill {
            std::future::pending().await
        }
    }

    /// Tells what came of it: whether the command was alive. Where the driver ends without a word, it was not.
    pub fn done(&self, alive: Result<bool, Error>) {
        self.told.send_modify(|told| {
            told.killed.get_or_insert(alive);
        });
    }
}

impl fmt::Debug for ExecKiller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecKiller").finish_non_exhaustive()
    }
}
