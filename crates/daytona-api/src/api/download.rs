use std::fmt;
use std::ops::{Bound, RangeBounds};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::{Progress, Toolbox};
use crate::client::send::Streamed;
use crate::error::{Error, ErrorKind};
use crate::request::{Call, check_path};
use crate::response::next;
use crate::routes::toolbox as routes;

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
    toolbox: Toolbox,
    path: String,
    start: u64,
    end: Option<u64>,
    limit: u64,
    progress: Option<Watcher>,
}

type Watcher = Box<dyn FnMut(Progress) + Send>;

impl fmt::Debug for DownloadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadBuilder")
            .field("path", &self.path)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl DownloadBuilder {
    pub(crate) fn new(toolbox: Toolbox, path: String) -> Self {
        Self {
            toolbox,
            path,
            start: 0,
            end: None,
            limit: u64::MAX,
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
        self.start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        self.end = match range.end_bound() {
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
        check_path(&self.path).map_err(|error| error.with_operation(route.id))?;
        if self.end.is_some_and(|end| end <= self.start) {
            return Err(Error::build("an empty range").with_operation(route.id));
        }
        let client = &self.toolbox.client;
        let mut call = Call::new(route, &[])?
            .query("path", &self.path)
            .accept("*/*")
            .total(client.shared.config.timeouts.transfer);
        if self.start > 0 || self.end.is_some() {
            let last = self
                .end
                .map(|end| (end - 1).to_string())
                .unwrap_or_default();
            let value = HeaderValue::from_str(&format!("bytes={}-{last}", self.start))
                .map_err(|_| Error::build("a bad range"))?;
            call = call.range(value);
        }
        let got = client.stream(&self.toolbox.base, call).await?;
        let at = if got.status == 206 {
            first_byte(&got)?
        } else {
            0
        };
        if at > self.start {
            let what = "the server sent another range than asked for";
            return Err(Error::new(ErrorKind::Decode, what).with_operation(route.id));
        }
        let whole = total(&got);
        Ok(Download {
            progress: self.progress,
            given: 0,
            wanted: whole.map(|whole| {
                whole
                    .min(self.end.unwrap_or(whole))
                    .saturating_sub(self.start)
            }),
            length: got.headers.get(CONTENT_LENGTH).and_then(number),
            total: whole,
            skip: self.start - at,
            left: self.end.map(|end| end - self.start),
            limit: self.limit,
            got,
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

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// The first byte of a partial answer, from `bytes 5-9/10`.
fn first_byte(got: &Streamed) -> Result<u64, Error> {
    let text = got
        .headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let range = text.and_then(|text| text.trim().strip_prefix("bytes"));
    range
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, _)| first.trim().parse().ok())
        .ok_or_else(|| {
            let what = "the server does not say which range it sent";
            Error::new(ErrorKind::Decode, what).with_operation(routes::DOWNLOAD_FILE.id)
        })
}

/// The length of the whole file, where the answer tells it.
fn total(got: &Streamed) -> Option<u64> {
    if got.status != 206 {
        return got.headers.get(CONTENT_LENGTH).and_then(number);
    }
    let text = got.headers.get(CONTENT_RANGE)?.to_str().ok()?;
    text.rsplit_once('/')?.1.trim().parse().ok()
}

/// The bytes of a file as they come in; from [`DownloadBuilder::send`].
///
/// The connection is held until the end or until this is dropped.
pub struct Download {
    got: Streamed,
    length: Option<u64>,
    total: Option<u64>,
    skip: u64,
    left: Option<u64>,
    limit: u64,
    progress: Option<Watcher>,
    given: u64,
    /// How much will be given out, where that is known.
    wanted: Option<u64>,
}

impl Download {
    /// The size of the whole file in bytes, where the server tells it.
    #[must_use]
    pub fn file_size(&self) -> Option<u64> {
        self.total
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Where the connection breaks off or stalls before the end, or more comes than the limit allows.
    ///
    /// # Cancel safety
    ///
    /// Safe: no bytes are lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let piece = next(&mut self.got.body, self.got.patience).await;
            let piece = piece.map_err(|error| error.with_operation(routes::DOWNLOAD_FILE.id))?;
            let Some(mut piece) = piece else {
                return Ok(None);
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
                let error = Error::new(ErrorKind::TooLarge, "the file is larger than the limit");
                return Err(error.with_operation(routes::DOWNLOAD_FILE.id));
            };
            self.limit = limit;
            self.given += piece.len() as u64;
            if let Some(watch) = &mut self.progress {
                watch(Progress::new(self.given, self.wanted));
            }
            return Ok(Some(piece));
        }
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
