use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::logs::reopens;
use super::{Sandboxes, Snapshots};
use crate::client::Daytona;
use crate::client::auth::Base;
use crate::client::send::Streamed;
use crate::error::{Error, ErrorKind};
use crate::models::{SandboxState, SnapshotState};
use crate::request::Call;
use crate::response::next;
use crate::routes::{BUILD_LOG, Route, SNAPSHOT_BUILD_LOG};

/// A log that is silent for this long may be over; the state of the sandbox tells. A server need not end the answer.
const SILENCE: Duration = Duration::from_secs(2);
/// Longer than a server lets any build take.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// Between looks at a build that has no log yet, or whose log ended early.
const PAUSE: Duration = Duration::from_secs(1);

impl Sandboxes {
    /// What the build of a sandbox's image writes, from its beginning, and as it goes on: what
    /// [`build_logs_url`](Self::build_logs_url) names, with `follow=true`. Nothing is sent before the first
    /// [`BuildLog::next`].
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Image;
    ///
    /// let image = Image::base("debian:12").run_commands(["apt-get update"]);
    /// let sandbox = api.sandboxes().create().image(image).send().await?;
    /// let mut log = api.sandboxes().build_log(&sandbox.id);
    /// while let Some(piece) = log.next().await? {
    ///     print!("{}", String::from_utf8_lossy(&piece));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_log(&self, id_or_name: &str) -> BuildLog {
        BuildLog::new(Of::Sandbox(self.clone()), id_or_name)
    }
}

impl Snapshots {
    /// What the build of a snapshot writes, from its beginning, and as it goes on: what
    /// [`build_logs_url`](Self::build_logs_url) names, with `follow=true`. Nothing is sent before the first
    /// [`BuildLog::next`].
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Image;
    ///
    /// let snapshots = api.snapshots();
    /// let image = Image::debian_slim("3.12").pip_install(["numpy"]);
    /// let id = snapshots.create_from_image("tools:1", &image, |_| {}).await?.id;
    /// let mut log = snapshots.build_log(&id);
    /// while let Some(piece) = log.next().await? {
    ///     print!("{}", String::from_utf8_lossy(&piece));
    /// }
    /// // it is built; where it is not, this fails with the reason
    /// snapshots.wait_until_active(&id, std::time::Duration::from_secs(60)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_log(&self, id: &str) -> BuildLog {
        BuildLog::new(Of::Snapshot(self.clone()), id)
    }
}

/// Whose build it is.
enum Of {
    Sandbox(Sandboxes),
    Snapshot(Snapshots),
}

impl Of {
    fn client(&self) -> &Daytona {
        match self {
            Self::Sandbox(sandboxes) => &sandboxes.client,
            Self::Snapshot(snapshots) => &snapshots.client,
        }
    }

    fn route(&self) -> &'static Route {
        match self {
            Self::Sandbox(_) => &BUILD_LOG,
            Self::Snapshot(_) => &SNAPSHOT_BUILD_LOG,
        }
    }

    async fn url(&self, key: &str) -> Result<String, Error> {
        match self {
            Self::Sandbox(sandboxes) => sandboxes.build_logs_url(key).await,
            Self::Snapshot(snapshots) => snapshots.build_logs_url(key).await,
        }
    }

    /// Whether it has its build behind it, as far as is known.
    async fn is_built(&self, key: &str) -> Result<bool, Error> {
        Ok(match self {
            Self::Sandbox(sandboxes) => {
                let sandbox = sandboxes.get(key).await?;
                sandbox.state.is_some_and(|state| is_built(&state))
            }
            Self::Snapshot(snapshots) => {
                use SnapshotState as S;
                let state = snapshots.get(key).await?.state;
                matches!(
                    state,
                    S::Active | S::Inactive | S::Error | S::BuildFailed | S::Removing
                )
            }
        })
    }
}

/// What the build of an image writes; from [`Sandboxes::build_log`] and [`Snapshots::build_log`].
///
/// A connection that breaks is opened again, up to five times in a row, and goes on where it broke: no byte is lost or
/// comes twice. It ends with the build, whether that succeeded or not: the state of the sandbox or snapshot tells
/// which, and waiting for it gives the reason. A server that leaves the answer open is noticed two to four seconds
/// after the last output.
#[must_use = "nothing is sent before it is read"]
pub struct BuildLog {
    of: Of,
    key: String,
    follow: bool,
    base: Option<Base>,
    reading: Option<Streamed>,
    /// Bytes of the log given out so far.
    seen: u64,
    /// Bytes of this answer that an earlier one brought.
    skip: u64,
    failures: u32,
    /// The build was over before what is being read was asked for, or has been silent since.
    over: bool,
    /// Silences since the build was over.
    quiet: u32,
    /// When the silence that is under way counts as one; kept here, so that a `next` that is dropped loses no time.
    silent: Option<Instant>,
    /// Nothing is asked for before this.
    later: Option<Instant>,
    done: bool,
}

impl BuildLog {
    fn new(of: Of, key: &str) -> Self {
        Self {
            of,
            key: key.to_owned(),
            follow: true,
            base: None,
            reading: None,
            seen: 0,
            skip: 0,
            failures: 0,
            over: false,
            quiet: 0,
            silent: None,
            later: None,
            done: false,
        }
    }

    /// Gives only what is there, and does not wait for more.
    pub fn no_follow(mut self) -> Self {
        self.follow = false;
        self
    }

    /// The next piece, or `None` at the end. Pieces need not end with a line, nor be UTF-8.
    ///
    /// # Errors
    ///
    /// Not found where there is no such sandbox or snapshot, or nothing is built for it; without following also where
    /// the build has not begun to write. Where the log is on a host that must not have the credential, as for
    /// [`Daytona::toolbox_at`](crate::Daytona::toolbox_at). The error of the connection, where it broke too often
    /// without bringing anything new. After an error it is at its end.
    ///
    /// # Cancel safety
    ///
    /// Safe: no bytes are lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.done {
            match self.step().await {
                Ok(Some(piece)) => return Ok(Some(piece)),
                Ok(None) => {}
                Err(error) => {
                    self.reading = None;
                    self.failures += 1;
                    let Some(pause) = reopens(&error, self.failures) else {
                        self.done = true;
                        return Err(error.with_operation(self.of.route().id));
                    };
                    self.later = Some(Instant::now() + pause);
                }
            }
        }
        Ok(None)
    }

    async fn step(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(later) = self.later {
            sleep_until(later).await;
            self.later = None;
        }
        let Some(reading) = &mut self.reading else {
            self.open().await?;
            return Ok(None);
        };
        let silent = *self.silent.get_or_insert_with(|| Instant::now() + SILENCE);
        match timeout_at(silent, next(&mut reading.body, reading.patience)).await {
            Ok(piece) => match piece? {
                Some(piece) => return Ok(self.take(&piece)),
                None => self.ended().await?,
            },
            Err(_) => {
                if self.follow && self.look().await? {
                    // what was written last may be under way when the state is told: one more silence
                    self.quiet += 1;
                    self.done = self.quiet > 1;
                }
                self.silent = None;
            }
        }
        Ok(None)
    }

    fn take(&mut self, piece: &Bytes) -> Option<Bytes> {
        self.silent = None;
        let known = self.skip.min(piece.len() as u64);
        self.skip -= known;
        let new = piece.slice(usize::try_from(known).unwrap_or(piece.len())..);
        if new.is_empty() {
            return None;
        }
        (self.failures, self.quiet) = (0, 0);
        self.seen += new.len() as u64;
        Some(new)
    }

    async fn open(&mut self) -> Result<(), Error> {
        let base = match &self.base {
            Some(base) => base.clone(),
            None => {
                let url = self.of.url(&self.key).await?;
                let base = self.trusted(&url)?;
                self.base.insert(base).clone()
            }
        };
        let mut call = Call::at_base(self.of.route()).accept("*/*").total(LONGEST);
        if self.follow {
            call = call.query("follow", "true");
        }
        match self.of.client().stream(&base, call).await {
            Ok(mut reading) => {
                reading.patience.idle = LONGEST;
                self.reading = Some(reading);
                (self.skip, self.silent) = (self.seen, None);
                Ok(())
            }
            // it is there once the build has begun to write
            Err(error) if error.is_not_found() && self.follow => {
                if self.over {
                    self.done = true;
                } else {
                    self.pause().await?;
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The answer is at its end; the log is so only if the build was over before.
    async fn ended(&mut self) -> Result<(), Error> {
        if self.skip > 0 {
            let what = "the log is shorter than it was before";
            return Err(Error::new(ErrorKind::Decode, what));
        }
        if self.over || !self.follow {
            self.done = true;
            return Ok(());
        }
        // at once: what is at its end must not be read again
        self.reading = None;
        self.pause().await
    }

    /// Looks whether the build is over; if it is not, what comes next waits a moment.
    async fn pause(&mut self) -> Result<(), Error> {
        if !self.look().await? {
            self.later = Some(Instant::now() + PAUSE);
        }
        Ok(())
    }

    /// Whether the build is over, and so nothing more is written.
    async fn look(&mut self) -> Result<bool, Error> {
        if !self.over {
            self.over = match self.of.is_built(&self.key).await {
                Ok(built) => built,
                Err(error) if error.is_not_found() => true,
                Err(error) => return Err(error),
            };
        }
        Ok(self.over)
    }

    fn trusted(&self, url: &str) -> Result<Base, Error> {
        let base = Base::parse(url, "build log's url")?;
        let shared = &self.of.client().shared;
        if shared.base.trusts(&base, &shared.allowed) {
            return Ok(base);
        }
        Err(Error::build(
            "the build log is on a foreign host, which must not have the credential; allow_toolbox_origin permits it",
        ))
    }

    /// The same as a stream. After an error it ends.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        stream::try_unfold(self, |mut log| async move {
            let piece = log.next().await?;
            Ok(piece.map(|piece| (piece, log)))
        })
    }
}

/// Whether a sandbox in this state has its build behind it, as far as is known.
fn is_built(state: &SandboxState) -> bool {
    use SandboxState as S;
    matches!(
        state,
        S::Started
            | S::Starting
            | S::Stopped
            | S::Stopping
            | S::Error
            | S::BuildFailed
            | S::Destroyed
            | S::Destroying
            | S::Archived
            | S::Archiving
            | S::Paused
            | S::Pausing
    )
}

impl fmt::Debug for BuildLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildLog")
            .field("of", &self.key)
            .field("seen", &self.seen)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
