use std::fmt;
use std::ops::{Bound, RangeBounds};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, IF_RANGE};
use tokio::time::{Instant, sleep_until};

use self::mark::{Mark, first_byte, number, total};
use super::{Progress, Toolbox};
use crate::client::retry;
use crate::client::send::Streamed;
use crate::error::{Error, ErrorKind};
use crate::request::{Call, check_path};
use crate::response::next;
use crate::routes::toolbox as routes;

mod mark;

/// How often a download goes on after its connection broke, unless told otherwise.
const RESUMES: u32 = 3;

/// Reads a file; from [`Files::download`](super::Files::download).
///
/// ```no_run
/// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
/// let mut log = files.download("big.log").range(1024..).send().await?;
/// while let Some(piece) = log.next().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before `send` or `bytes`"]
pub struct DownloadBuilder {
    source: Source,
    limit: u64,
    resumes: u32,
    progress: Option<Watcher>,
}

type Watcher = Box<dyn FnMut(Progress) + Send>;

impl fmt::Debug for DownloadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadBuilder")
            .field("path", &self.source.path)
            .field("start", &self.source.start)
            .field("end", &self.source.end)
            .field("limit", &self.limit)
            .field("resumes", &self.resumes)
            .finish_non_exhaustive()
    }
}

/// What to read.
struct Source {
    toolbox: Toolbox,
    path: String,
    start: u64,
    end: Option<u64>,
}

impl Source {
    /// Asks for what begins at `from`; where `mark` is given, of the file that bears it.
    async fn ask(
        &self,
        from: u64,
        mark: Option<&Mark>,
        deadline: Instant,
    ) -> Result<Streamed, Error> {
        let mut call = Call::new(&routes::DOWNLOAD_FILE, &[])?
            .query("path", &self.path)
            .accept("*/*")
            .total(deadline.saturating_duration_since(Instant::now()));
        if from > 0 || self.end.is_some() {
            let last = self.end.map(|end| (end - 1).to_string());
            let value = format!("bytes={from}-{}", last.unwrap_or_default());
            let value = HeaderValue::from_str(&value).map_err(|_| Error::build("a bad range"))?;
            call = call.range(value);
            if let Some(mark) = mark {
                call = call.header(IF_RANGE, mark.value().clone());
            }
        }
        let toolbox = &self.toolbox;
        toolbox.client.stream(&toolbox.base, call).await
    }
}

impl DownloadBuilder {
    pub(crate) fn new(toolbox: Toolbox, path: String) -> Self {
        Self {
            source: Source {
                toolbox,
                path,
                start: 0,
                end: None,
            },
            limit: u64::MAX,
            resumes: RESUMES,
            progress: None,
        }
    }

    /// Calls `watch` with each piece that is given out. To cancel a download, drop it.
    pub fn on_progress(mut self, watch: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(watch));
        self
    }

    /// Reads only these bytes. Where a server sends the whole file all the same, what is outside is dropped here.
    pub fn range(mut self, range: impl RangeBounds<u64>) -> Self {
        self.source.start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        self.source.end = match range.end_bound() {
            Bound::Included(end) => Some(end.saturating_add(1)),
            Bound::Excluded(end) => Some(*end),
            Bound::Unbounded => None,
        };
        self
    }

    /// Fails with [`ErrorKind::TooLarge`] after this many bytes (default: no limit).
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// How often to go on where a broken connection left off (default 3; 0 turns it off).
    ///
    /// That is done only where it is certain that what comes is the rest of the same file: by the server's strong
    /// `ETag`, or its `Last-Modified` where that is at least 2 seconds older than the answer, and by the size. A file
    /// that has changed is [`ErrorKind::Changed`]; its bytes are never put behind those of the former one. Where the
    /// server gives neither mark, a broken connection is the error that it is.
    pub fn resumes(mut self, times: u32) -> Self {
        self.resumes = times;
        self
    }

    /// Begins to read.
    ///
    /// # Errors
    ///
    /// Not found; status 400 for a folder; status 416 where the range begins after the file's end; status 403
    /// where the file may not be read.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn send(self) -> Result<Download, Error> {
        let route = &routes::DOWNLOAD_FILE;
        let source = self.source;
        check_path(&source.path).map_err(|error| error.with_operation(route.id))?;
        if source.end.is_some_and(|end| end <= source.start) {
            return Err(Error::build("an empty range").with_operation(route.id));
        }
        let transfer = source.toolbox.client.shared.config.timeouts.transfer;
        let deadline = Instant::now() + transfer;
        let got = source.ask(source.start, None, deadline).await?;
        let at = first_byte(&got)?;
        if at > source.start {
            return Err(other_range());
        }
        let whole = total(&got);
        Ok(Download {
            progress: self.progress,
            given: 0,
            wanted: whole.map(|whole| {
                whole
                    .min(source.end.unwrap_or(whole))
                    .saturating_sub(source.start)
            }),
            length: got.headers.get(CONTENT_LENGTH).and_then(number),
            total: whole,
            skip: source.start - at,
            left: source.end.map(|end| end - source.start),
            limit: self.limit,
            mark: whole.and_then(|_| Mark::of(&got.headers)),
            resumes: self.resumes,
            failed: 0,
            deadline,
            state: State::Open(got),
            source,
        })
    }

    /// Reads all of it into memory; use [`limit`](Self::limit) for files that are not trusted.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and as [`Download::next`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let mut download = self.send().await?;
        let Some(first) = download.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = download.next().await? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&second);
        while let Some(piece) = download.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

fn other_range() -> Error {
    let what = "the server sent another range than asked for";
    Error::new(ErrorKind::Decode, what).with_operation(routes::DOWNLOAD_FILE.id)
}

/// The bytes of a file as they come in; from [`DownloadBuilder::send`].
///
/// The connection is held until the end or until this is dropped.
pub struct Download {
    source: Source,
    state: State,
    /// By what the file is known again; without one nothing is resumed.
    mark: Option<Mark>,
    resumes: u32,
    failed: u32,
    deadline: Instant,
    length: Option<u64>,
    total: Option<u64>,
    /// What comes before the first byte that is wanted.
    skip: u64,
    left: Option<u64>,
    limit: u64,
    progress: Option<Watcher>,
    given: u64,
    /// How much will be given out, where that is known.
    wanted: Option<u64>,
}

enum State {
    Open(Streamed),
    /// The connection broke; the next one is made then.
    Broken(Instant),
    /// All has come.
    Ended,
    /// It cannot be had.
    Failed,
}

impl Download {
    /// The size of the whole file in bytes, where the server tells it.
    #[must_use]
    pub fn file_size(&self) -> Option<u64> {
        self.total
    }

    /// The next bytes, or `None` at the end. Goes on after a broken connection, see [`DownloadBuilder::resumes`].
    ///
    /// # Errors
    ///
    /// Where the connection breaks off or stalls before the end, or more comes than the limit allows;
    /// [`ErrorKind::Changed`] where the rest is another file's. There is nothing more to have after an error.
    ///
    /// # Cancel safety
    ///
    /// Safe: no bytes are lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = self.piece().await;
        if piece.is_err() {
            self.state = State::Failed;
        }
        piece.map_err(|error| error.with_operation(routes::DOWNLOAD_FILE.id))
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let got = match &mut self.state {
                State::Open(got) => got,
                State::Broken(again) => {
                    sleep_until(*again).await;
                    let got = self.resume().await?;
                    self.state = State::Open(got);
                    continue;
                }
                State::Ended => return Ok(None),
                State::Failed => {
                    let what = "the download has failed before";
                    return Err(Error::new(ErrorKind::Transport, what));
                }
            };
            let mut piece = match next(&mut got.body, got.patience).await {
                Ok(Some(piece)) => piece,
                Ok(None) if self.wanted.is_none_or(|wanted| self.given >= wanted) => {
                    self.state = State::Ended;
                    return Ok(None);
                }
                Ok(None) => {
                    let what = "the answer ended before the file did";
                    self.broken(Error::new(ErrorKind::Transport, what))?;
                    continue;
                }
                Err(error) => {
                    self.broken(error)?;
                    continue;
                }
            };
            let skipped = self.skip.min(piece.len() as u64);
            self.skip -= skipped;
            piece = piece.split_off(usize::try_from(skipped).unwrap_or(piece.len()));
            if let Some(left) = &mut self.left {
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
            }
            if piece.is_empty() {
                continue;
            }
            let Some(limit) = self.limit.checked_sub(piece.len() as u64) else {
                let what = "the file is larger than the limit";
                return Err(Error::new(ErrorKind::TooLarge, what));
            };
            self.limit = limit;
            self.given += piece.len() as u64;
            if let Some(watch) = &mut self.progress {
                watch(Progress::new(self.given, self.wanted));
            }
            return Ok(Some(piece));
        }
    }

    /// Notes when to go on, or gives the error back.
    fn broken(&mut self, error: Error) -> Result<(), Error> {
        let may_go_on = matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout)
            && self.mark.is_some()
            && self.resumes > 0;
        self.failed += 1;
        let again = Instant::now() + retry::delay(&error, self.failed);
        if !may_go_on || again >= self.deadline {
            return Err(error);
        }
        tracing::debug!(
            operation = routes::DOWNLOAD_FILE.id,
            given = self.given,
            kind = ?error.kind(),
            "resuming"
        );
        self.resumes -= 1;
        self.state = State::Broken(again);
        Ok(())
    }

    /// A connection that gives what has not been given out yet, of the same file.
    async fn resume(&mut self) -> Result<Streamed, Error> {
        let changed = || {
            let what = "the file has changed while it was read; read it again from its beginning";
            Error::new(ErrorKind::Changed, what)
        };
        let position = self.source.start + self.given;
        let got = self.source.ask(position, self.mark.as_ref(), self.deadline);
        let got = match got.await {
            Ok(got) => got,
            Err(error) if matches!(error.status(), Some(412 | 416)) => return Err(changed()),
            Err(error) => return Err(error),
        };
        // a server that ignores the condition sends the range of another file
        if Mark::of(&got.headers) != self.mark || total(&got) != self.total {
            return Err(changed());
        }
        let at = first_byte(&got)?;
        self.skip = position.checked_sub(at).ok_or_else(other_range)?;
        Ok(got)
    }

    /// The same as a stream. After an error it ends.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        stream::try_unfold(self, |mut download| async move {
            let piece = download.next().await?;
            Ok(piece.map(|piece| (piece, download)))
        })
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length)
            .field("file_size", &self.total)
            .finish_non_exhaustive()
    }
}
