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
use crate::wire::multipart::frame;

const CHUNK: usize = 64 << 10;

/// The content of an upload: bytes or text in memory, a local file, or a stream of known length.
///
/// Debug shows the length only.
pub struct Upload {
    content: Content,
}

enum Content {
    Bytes(Bytes),
    Stream(stream::BoxStream<'static, io::Result<Bytes>>, u64),
}

impl Upload {
    /// A stream of exactly `length` bytes. One that gives more or less ends the upload with an error.
    pub fn stream(
        content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: u64,
    ) -> Self {
        Self {
            content: Content::Stream(content.boxed(), length),
        }
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

    /// The body with the frame of a form around it.
    pub(crate) fn framed(self, path: &str) -> Result<(Body, HeaderValue), Error> {
        let frame = frame(path)?;
        let around = frame.before.len() + frame.after.len();
        let body = match self.content {
            Content::Bytes(bytes) => {
                let mut all = BytesMut::with_capacity(around.saturating_add(bytes.len()));
                all.extend_from_slice(&frame.before);
                all.extend_from_slice(&bytes);
                all.extend_from_slice(&frame.after);
                Body::from(all.freeze())
            }
            Content::Stream(content, length) => {
                let before = stream::iter([Ok(frame.before)]);
                let after = stream::iter([Ok(frame.after)]);
                let exact = exactly(content, length);
                Body::sized(
                    before.chain(exact).chain(after),
                    length.saturating_add(around as u64),
                )
            }
        };
        Ok((body, frame.content_type))
    }
}

/// Fails where `content` does not have `length` bytes, before the frame's end is sent.
fn exactly(
    content: stream::BoxStream<'static, io::Result<Bytes>>,
    length: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
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
