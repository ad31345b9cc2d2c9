use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;

use super::{Sessions, Toolbox};
use crate::error::{Error, ErrorKind};
use crate::request::Call;
use crate::routes::toolbox as routes;
use crate::wire::markers::{Demux, Output};
use crate::wire::socket::{Incoming, Socket};

/// How often in a row a connection may break before it has brought anything new.
const ATTEMPTS: u32 = 5;

/// A piece of what a command wrote.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogChunk {
    /// Where it was written to.
    pub output: Output,
    /// The bytes as the command wrote them, which need not be UTF-8 or end with a line.
    pub data: Bytes,
}

impl std::fmt::Debug for LogChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogChunk")
            .field("output", &self.output)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// Logs as they are written.
impl Sessions {
    /// The output of a command from its beginning, and as it goes on: a WebSocket on
    /// `GET /process/session/{session}/command/{command}/logs`. Nothing is sent before the first [`LogStream::next`].
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Output;
    ///
    /// let sessions = toolbox.sessions();
    /// let command = sessions.start("build", "make test", false).await?;
    /// let mut logs = sessions.follow_logs("build", &command);
    /// while let Some(chunk) = logs.next().await? {
    ///     if chunk.output == Output::Stderr {
    ///         eprintln!("{}", String::from_utf8_lossy(&chunk.data));
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_logs(&self, session: &str, command: &str) -> LogStream {
        let of = Some((session.to_owned(), command.to_owned()));
        LogStream::new(self.toolbox.clone(), of)
    }

    /// The output of the image's entrypoint, as [`follow_logs`](Self::follow_logs): a WebSocket on
    /// `GET /process/session/entrypoint/logs`.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let mut logs = toolbox.sessions().follow_entrypoint_logs();
    /// while let Some(chunk) = logs.next().await? {
    ///     println!("{} bytes", chunk.data.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_entrypoint_logs(&self) -> LogStream {
        LogStream::new(self.toolbox.clone(), None)
    }
}

/// The output of a command while it is written; from [`Sessions::follow_logs`].
///
/// Nothing is read from the connection before it is asked for, so a slow reader slows the server down. A connection
/// that breaks is opened again, up to five times in a row, and goes on where it broke: no byte is lost or comes
/// twice. It ends when the command has ended, about a second after its last output.
///
/// Servers mark the beginning of each line with its stream. Where a server sends no marks, all is
/// [`Output::Stdout`].
#[derive(Debug)]
#[must_use = "nothing is sent before it is read"]
pub struct LogStream {
    toolbox: Toolbox,
    of: Option<(String, String)>,
    socket: Option<Socket>,
    demux: Demux,
    /// Bytes of the log taken so far, marks included.
    seen: u64,
    /// Bytes of this connection that were taken from an earlier one.
    skip: u64,
    failures: u32,
    ready: VecDeque<LogChunk>,
    done: bool,
}

impl LogStream {
    fn new(toolbox: Toolbox, of: Option<(String, String)>) -> Self {
        Self {
            toolbox,
            of,
            socket: None,
            demux: Demux::new(),
            seen: 0,
            skip: 0,
            failures: 0,
            ready: VecDeque::new(),
            done: false,
        }
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Not found where there is no such session or command, also when it goes away in between. The error of the
    /// connection, where it broke too often without bringing anything new. After an error it is at its end.
    ///
    /// # Cancel safety
    ///
    /// Safe: no bytes are lost.
    pub async fn next(&mut self) -> Result<Option<LogChunk>, Error> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if self.done {
                return Ok(None);
            }
            if let Err(error) = self.step().await {
                self.socket = None;
                self.failures += 1;
                let Some(pause) = reopens(&error, self.failures) else {
                    self.done = true;
                    return Err(error);
                };
                tokio::time::sleep(pause).await;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Error> {
        let Some(socket) = &mut self.socket else {
            let opened = open(&self.toolbox, self.of.as_ref()).await?;
            self.socket = Some(opened);
            self.skip = self.seen;
            return Ok(());
        };
        let data = match socket.next().await? {
            Incoming::Binary(data) => data,
            Incoming::Text(text) => text.into(),
            Incoming::Closed(close) if !close.is_normal() => {
                return Err(close.error(&self.toolbox.client, ErrorKind::Transport));
            }
            Incoming::Closed(_) => {
                self.done = true;
                if self.skip > 0 {
                    let what = "the log is shorter than it was before";
                    return Err(Error::new(ErrorKind::Decode, what));
                }
                self.ready.extend(self.demux.finish().map(LogChunk::from));
                return Ok(());
            }
        };
        let known = self.skip.min(data.len() as u64);
        self.skip -= known;
        let new = data.slice(usize::try_from(known).unwrap_or(data.len())..);
        if !new.is_empty() {
            self.failures = 0;
            self.seen += new.len() as u64;
            let chunks = self.demux.feed(&new).into_iter();
            self.ready.extend(chunks.map(LogChunk::from));
        }
        Ok(())
    }

    /// The same as a stream. After an error it ends.
    pub fn into_stream(self) -> impl Stream<Item = Result<LogChunk, Error>> + Send + 'static {
        stream::try_unfold(self, |mut logs| async move {
            let chunk = logs.next().await?;
            Ok(chunk.map(|chunk| (chunk, logs)))
        })
    }
}

impl From<(Output, Bytes)> for LogChunk {
    fn from((output, data): (Output, Bytes)) -> Self {
        Self { output, data }
    }
}

/// How long to pause before what broke is opened again; `None` if it is not worth it, or has failed too often in a row.
pub(super) fn reopens(error: &Error, failures: u32) -> Option<Duration> {
    let broken = matches!(
        error.kind(),
        ErrorKind::Transport | ErrorKind::Connect | ErrorKind::Timeout
    );
    (broken && failures < ATTEMPTS)
        .then(|| Duration::from_millis(50) * 2_u32.saturating_pow(failures))
}

async fn open(toolbox: &Toolbox, of: Option<&(String, String)>) -> Result<Socket, Error> {
    let call = match of {
        Some((session, command)) => {
            Call::new(&routes::GET_SESSION_COMMAND_LOGS, &[session, command])?
        }
        None => Call::new(&routes::GET_ENTRYPOINT_LOGS, &[])?,
    };
    let call = call.query("follow", "true");
    toolbox.client.socket(&toolbox.base, call, &[]).await
}
