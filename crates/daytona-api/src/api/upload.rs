use std::fmt;
use std::io;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use http::HeaderValue;
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::transport::Body;
use crate::wire::multipart::Form;

const CHUNK: usize = 64 << 10;

/// The content of an upload: bytes or text in memory, a local file, or a stream of known length.
///
/// Debug shows the length only.
pub struct Upload {
    content: Content,
    progress: Option<Watcher>,
}

type Watcher = Box<dyn FnMut(Progress) + Send>;
type Pieces = stream::BoxStream<'static, io::Result<Bytes>>;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the content so far: of an upload those handed to the connection, of a download those given out.
    pub bytes: u64,
    /// Bytes there are in all, where that is known.
    pub total: Option<u64>,
}

impl Progress {
    pub(crate) fn new(bytes: u64, total: Option<u64>) -> Self {
        Self { bytes, total }
    }
}

enum Content {
    Bytes(Bytes),
    Stream(Pieces, u64),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(_, length) => *length,
        }
    }
}

impl Upload {
    /// A stream of exactly `length` bytes. One that gives more or less ends the upload with an error.
    pub fn stream(
        content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: u64,
    ) -> Self {
        Self {
            content: Content::Stream(content.boxed(), length),
            progress: None,
        }
    }

    /// Calls `watch` with each piece that the connection takes, at most 64 KiB apart for what is in memory. To cancel
    /// an upload, drop its future.
    ///
    /// ```
    /// use daytona_api::api::Upload;
    ///
    /// let content = Upload::from("hello\n").on_progress(|progress| {
    ///     eprintln!("{} of {:?} bytes", progress.bytes, progress.total);
    /// });
    /// # drop(content);
    /// ```
    #[must_use]
    pub fn on_progress(mut self, watch: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(watch));
        self
    }

    /// A local file, of which 64 KiB at a time are in memory.
    ///
    /// # Errors
    ///
    /// Where it cannot be opened or is no regular file.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn file(path: impl AsRef<Path> + Send) -> Result<Self, Error> {
        let refused =
            |error: io::Error| Error::build("the local file cannot be read").with_source(error);
        let path = path.as_ref().to_owned();
        let file = tokio::fs::File::open(path).await.map_err(refused)?;
        let about = file.metadata().await.map_err(refused)?;
        if !about.is_file() {
            return Err(Error::build("the source of an upload is no regular file"));
        }
        // a file that grows meanwhile is cut at the length it had
        let file = file.take(about.len());
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = BytesMut::with_capacity(CHUNK);
            let read = file.read_buf(&mut piece).await?;
            io::Result::Ok((read > 0).then(|| (piece.freeze(), file)))
        });
        Ok(Self::stream(pieces, about.len()))
    }

    /// The content as it is.
    pub(crate) fn raw(self) -> Body {
        match self {
            Self {
                content: Content::Bytes(bytes),
                progress: None,
            } => Body::from(bytes),
            upload => {
                let length = upload.content.len();
                Body::sized(upload.pieces(), length)
            }
        }
    }

    /// The body of a form with one file.
    pub(crate) fn framed(self, path: &str) -> Result<(Body, HeaderValue), Error> {
        let (bytes, form) = match self {
            Self {
                content: Content::Bytes(bytes),
                progress: None,
            } => (bytes, Form::new()?),
            upload => return forms(vec![(path.to_owned(), upload)]),
        };
        let (before, after) = (form.before(0, path), form.end());
        let around = before.len() + after.len();
        let mut all = BytesMut::with_capacity(around.saturating_add(bytes.len()));
        all.extend_from_slice(&before);
        all.extend_from_slice(&bytes);
        all.extend_from_slice(&after);
        Ok((Body::from(all.freeze()), form.content_type()?))
    }

    /// Exactly the announced bytes, or an error.
    fn pieces(self) -> Pieces {
        let total = self.content.len();
        let pieces = match self.content {
            Content::Bytes(bytes) => stream::unfold(bytes, |mut rest| async move {
                let piece = rest.split_to(rest.len().min(CHUNK));
                (!piece.is_empty()).then_some((Ok(piece), rest))
            })
            .boxed(),
            Content::Stream(content, length) => exactly(content, length).boxed(),
        };
        let Some(mut watch) = self.progress else {
            return pieces;
        };
        let mut taken = 0;
        pieces
            .inspect(move |piece| {
                if let Ok(piece) = piece {
                    taken += piece.len() as u64;
                    watch(Progress::new(taken, Some(total)));
                }
            })
            .boxed()
    }
}

/// The body of a form with several files, one after the other.
pub(crate) fn forms(files: Vec<(String, Upload)>) -> Result<(Body, HeaderValue), Error> {
    let form = Form::new()?;
    let end = form.end();
    let mut length = end.len() as u64;
    let mut whole = Vec::with_capacity(files.len());
    for (position, (path, upload)) in files.into_iter().enumerate() {
        let before = form.before(position, &path);
        length = length
            .saturating_add(before.len() as u64)
            .saturating_add(upload.content.len());
        whole.push(stream::iter([Ok(before)]).chain(upload.pieces()));
    }
    let whole = stream::iter(whole).flatten().chain(stream::iter([Ok(end)]));
    Ok((Body::sized(whole, length), form.content_type()?))
}

/// Fails where `content` does not have `length` bytes, before the frame's end is sent.
fn exactly(content: Pieces, length: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((content, length), |(mut content, left)| async move {
        match content.next().await {
            None if left == 0 => Ok(None),
            None => Err(io::Error::other("the source is shorter than announced")),
            Some(piece) => {
                let piece = piece?;
                match left.checked_sub(piece.len() as u64) {
                    Some(left) => Ok(Some((piece, (content, left)))),
                    None => Err(io::Error::other("the source is longer than announced")),
                }
            }
        }
    })
}

impl From<Bytes> for Upload {
    fn from(bytes: Bytes) -> Self {
        Self {
            content: Content::Bytes(bytes),
            progress: None,
        }
    }
}

impl From<Vec<u8>> for Upload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Upload {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Upload {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Bytes(bytes) => write!(f, "Upload({} bytes)", bytes.len()),
            Content::Stream(_, length) => write!(f, "Upload(stream of {length} bytes)"),
        }
    }
}
