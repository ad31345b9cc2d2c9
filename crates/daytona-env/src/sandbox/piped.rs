//! Standard input that comes bit by bit, of any size.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use daytona_api::api::{Files, Toolbox};
use futures_util::future::{Either, select};
use sandbox_core::{Error, ErrorKind, ExecOutcome, ExecRequest, ExecSpan, ExecStatus, Running};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, sleep, timeout};

use super::DaytonaSandbox;
use super::exec::unguessable;
use crate::error::api_error;

const OPERATION: &str = "send the input of a command";
/// The largest piece, in bytes.
const PIECE: usize = 1024 * 1024;
/// How long a piece that is not full waits for more.
const LINGER: Duration = Duration::from_millis(20);
/// How many pieces may lie in the sandbox unread.
const WINDOW: u64 = 8;
/// How often a request is tried.
const TRIES: u32 = 5;
/// How long the clean-up behind a command that did not read all may take.
const TIDY: Duration = Duration::from_secs(5);
/// How long a command may still take to end where a piece could not be sent.
const ENDS: Duration = Duration::from_secs(5);

impl DaytonaSandbox {
    /// Runs a command whose standard input is read from `input` while it runs.
    ///
    /// The input goes to the sandbox in pieces of up to 1 MiB, as they come; at most 8 of them lie there unread, so
    /// neither side holds more. The end of `input` is the end of the command's. A command that ends without reading
    /// all of it ends the call: an input that never ends holds nothing up.
    ///
    /// ```no_run
    /// # async fn example(sandbox: &daytona_env::DaytonaSandbox) -> Result<(), Box<dyn std::error::Error>> {
    /// use sandbox_core::ExecRequest;
    ///
    /// let (input, mut writer) = tokio::io::duplex(4096);
    /// # let _ = &mut writer;
    /// let outcome = sandbox.exec_piped(ExecRequest::argv(["wc", "-c"]), input).await?;
    /// # let _ = outcome;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`exec`](sandbox_core::Sandbox::exec); a request with an input of its own. Where `input` cannot be read
    /// or sent, the outcome is [`Unknown`](ExecStatus::Unknown) with the cause, and the command is killed.
    ///
    /// # Cancel safety
    ///
    /// As [`exec`](sandbox_core::Sandbox::exec); what was read from `input` is lost.
    pub async fn exec_piped<R>(&self, request: ExecRequest, input: R) -> Result<ExecOutcome, Error>
    where
        R: AsyncRead + Send + Unpin,
    {
        self.parts.liveness.check()?;
        request.validate()?;
        own_input(&request)?;
        let began = Instant::now();
        let toolbox = self.toolbox(OPERATION)?;
        let pieces = format!("{}/.denv-in-{}", self.spool(&toolbox).await, unguessable()?);
        let mut feed = Feed {
            files: toolbox.files(),
            looks: self.quiet_toolbox(OPERATION)?.files(),
            pieces: &pieces,
            next: 0,
        };
        let outcome = {
            let running = Box::pin(self.run_command(&request, Some(&pieces)));
            let feeding = pin!(feed.all(input));
            match fed(running, feeding).await {
                Ok(outcome) => outcome,
                Err(cause) => Ok(ExecOutcome::without_output(
                    ExecStatus::Unknown,
                    began.elapsed(),
                    cause,
                )),
            }
        };
        // what was on its way when the command ended came too late for the script to remove
        drop(timeout(TIDY, feed.tidy()).await);
        outcome
    }

    /// Starts a command whose standard input is read from `input` while it runs, as by
    /// [`exec_piped`](Self::exec_piped), and hands it over as [`start`](sandbox_core::Sandbox::start) does.
    ///
    /// ```no_run
    /// # async fn example(sandbox: &daytona_env::DaytonaSandbox) -> Result<(), Box<dyn std::error::Error>> {
    /// use sandbox_core::ExecRequest;
    ///
    /// let input = tokio::io::empty();
    /// let mut running = sandbox.start_piped(ExecRequest::argv(["sort"]), input).await?;
    /// while let Some(event) = running.next().await {
    ///     println!("{} bytes", event.bytes.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`start`](sandbox_core::Sandbox::start); a request with an input of its own. Where `input` cannot be
    /// read or sent, the command is killed, and the outcome is [`Unknown`](ExecStatus::Unknown) with the cause.
    ///
    /// # Cancel safety
    ///
    /// As [`start`](sandbox_core::Sandbox::start).
    pub async fn start_piped<R>(&self, request: ExecRequest, input: R) -> Result<Running, Error>
    where
        R: AsyncRead + Send + Unpin + 'static,
    {
        self.parts.liveness.check()?;
        request.validate()?;
        own_input(&request)?;
        let toolbox = self.toolbox(OPERATION)?;
        let looks = self.quiet_toolbox(OPERATION)?.files();
        let pieces = format!("{}/.denv-in-{}", self.spool(&toolbox).await, unguessable()?);
        let span = ExecSpan::begin(&self.parts.id);
        // boxed, since whoever calls holds it in a future of theirs
        let prepared = Box::pin(span.prepare(self.prepare(&request, Some(&pieces), true)));
        let prepared = match prepared.await? {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(Running::ended(span.drive(async { *outcome }).await)),
        };
        let sandbox = Self::from_parts(self.parts.clone());
        Ok(Running::spawn(|control| {
            span.drive(async move {
                let began = Instant::now();
                let mut feed = Feed {
                    files: toolbox.files(),
                    looks,
                    pieces: &pieces,
                    next: 0,
                };
                let target = sandbox.target(&prepared);
                let outcome = {
                    let running = Box::pin(sandbox.follow(prepared, control));
                    let feeding = pin!(feed.all(input));
                    match fed(running, feeding).await {
                        Ok(outcome) => outcome,
                        Err(cause) => {
                            // Else it would wait for more until its timeout.
                            drop(target.kill().await);
                            target.clean(false, false).await;
                            let elapsed = began.elapsed();
                            ExecOutcome::without_output(ExecStatus::Unknown, elapsed, cause)
                        }
                    }
                };
                drop(timeout(TIDY, feed.tidy()).await);
                outcome
            })
        }))
    }

    /// A directory for inputs that both the files routes and the shell can reach.
    async fn spool(&self, toolbox: &Toolbox) -> String {
        match toolbox.files().info("/tmp").await {
            Ok(info) if info.is_dir => "/tmp".to_owned(),
            _ => self.parts.workdir.trim_end_matches('/').to_owned(),
        }
    }
}

fn own_input(request: &ExecRequest) -> Result<(), Error> {
    let message = "the request has an input of its own";
    match request.stdin_given() {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::InvalidInput, message)),
    }
}

/// Why no more of an input goes out.
enum Unfed {
    /// The input itself.
    Unread(Error),
    /// The sandbox did not take it.
    Unsent(Error),
}

/// What the command came to, or why its input did not reach it.
async fn fed<T>(
    running: impl Future<Output = T> + Unpin,
    feeding: impl Future<Output = Result<(), Unfed>> + Unpin,
) -> Result<T, Error> {
    match select(running, feeding).await {
        Either::Left((outcome, _)) => Ok(outcome),
        Either::Right((Ok(()), running)) => Ok(running.await),
        Either::Right((Err(Unfed::Unread(cause)), _)) => Err(cause),
        // At its end the command removes what it did not read, also under a piece that is just being moved: then
        // word of that end is already on its way.
        Either::Right((Err(Unfed::Unsent(cause)), running)) => {
            timeout(ENDS, running).await.map_err(|_| cause)
        }
    }
}

/// An input on its way.
struct Feed<'p> {
    files: Files,
    /// For what does not feed the lease.
    looks: Files,
    pieces: &'p str,
    /// The number of the piece that is not yet there.
    next: u64,
}

impl Feed<'_> {
    async fn all(&mut self, mut input: impl AsyncRead + Send + Unpin) -> Result<(), Unfed> {
        loop {
            let piece = read(&mut input).await.map_err(|error| {
                let error = Error::new(ErrorKind::Internal, "the input cannot be read")
                    .with_operation(OPERATION)
                    .with_source(error);
                Unfed::Unread(error)
            })?;
            let last = piece.is_empty();
            self.send(piece).await.map_err(Unfed::Unsent)?;
            if last {
                return Ok(());
            }
            self.next += 1;
        }
    }

    async fn send(&self, piece: Bytes) -> Result<(), Error> {
        if piece.is_empty() {
            return self.put("end", piece).await;
        }
        if let Some(old) = self.next.checked_sub(WINDOW) {
            self.read_by_then(old).await?;
        }
        self.put(&self.next.to_string(), piece).await
    }

    /// A file appears whole: the script must not read half of it.
    async fn put(&self, name: &str, piece: Bytes) -> Result<(), Error> {
        let fresh = format!("{}.new", self.pieces);
        let wanted = format!("{}.{name}", self.pieces);
        repeat(|_| self.files.upload(&fresh, piece.clone())).await?;
        repeat(|again| {
            let moving = self.files.move_file(&fresh, &wanted);
            async move {
                match moving.await {
                    // the reply to the first was lost
                    Err(error) if again && error.is_not_found() => Ok(()),
                    moved => moved,
                }
            }
        })
        .await
    }

    /// Waits until the command has taken a piece.
    async fn read_by_then(&self, number: u64) -> Result<(), Error> {
        let path = format!("{}.{number}", self.pieces);
        let mut pause = Duration::from_millis(20);
        loop {
            let looked = repeat(|_| async {
                match self.looks.info(&path).await {
                    Ok(_) => Ok(true),
                    Err(error) if error.is_not_found() => Ok(false),
                    Err(error) => Err(error),
                }
            });
            if !looked.await? {
                return Ok(());
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn tidy(&self) {
        let next = self.next.to_string();
        for name in ["new", next.as_str(), "end"] {
            // mostly, nothing is there
            drop(
                self.files
                    .delete(&format!("{}.{name}", self.pieces), false)
                    .await,
            );
        }
    }
}

/// What there is to be read, up to a piece; nothing at the end.
async fn read(input: &mut (impl AsyncRead + Send + Unpin)) -> std::io::Result<Bytes> {
    let mut piece = BytesMut::with_capacity(64 * 1024);
    let mut count = input.read_buf(&mut piece).await?;
    while count > 0 && piece.len() < PIECE {
        piece.reserve(64 * 1024);
        match timeout(LINGER, input.read_buf(&mut piece)).await {
            Ok(more) => count = more?,
            Err(_) => break,
        }
    }
    Ok(piece.freeze())
}

/// Tries a request that may be repeated; told whether it is.
async fn repeat<T, F>(mut request: impl FnMut(bool) -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, daytona_api::Error>>,
{
    let mut tried = 0;
    let mut pause = Duration::from_millis(100);
    loop {
        tried += 1;
        match request(tried > 1).await {
            Ok(done) => return Ok(done),
            Err(error) if tried >= TRIES || error.is_auth() || error.is_not_found() => {
                return Err(api_error(OPERATION, error));
            }
            Err(_) => sleep(pause).await,
        }
        pause *= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn error() -> Error {
        Error::new(ErrorKind::NotFound, "gone")
    }

    fn unsent() -> impl Future<Output = Result<(), Unfed>> + Unpin {
        ready(Err(Unfed::Unsent(error())))
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_on_its_way_is_heard() {
        let ends = pin!(async {
            sleep(Duration::from_secs(4)).await;
            7
        });
        assert_eq!(fed(ends, unsent()).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_goes_on_without_its_input_is_given_up() {
        let began = Instant::now();
        let cause = fed(pending::<()>(), unsent()).await.unwrap_err();
        assert!(cause.is_not_found());
        assert_eq!(began.elapsed(), ENDS);
        let unread = ready(Err(Unfed::Unread(error())));
        fed(pending::<()>(), unread).await.unwrap_err();
        assert_eq!(began.elapsed(), ENDS);
    }
}
