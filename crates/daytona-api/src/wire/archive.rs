//! Archives of local files on their way to a server: measured first, then sent piece by piece.

use std::io::{self, Write};

use bytes::Bytes;
use tar::Builder;
use tokio::sync::mpsc;

use super::pipe::Writer;
use crate::error::{Error, ErrorKind};

/// Content is padded to a multiple of it.
const BLOCK: u64 = 512;

/// Where an archive goes.
pub(crate) trait Sink: Write {
    /// Whether the content of files is wanted; else `skip` is told how much it would be.
    const CONTENT: bool;

    fn skip(&mut self, _content: u64) {}
}

impl Sink for Writer {
    const CONTENT: bool = true;
}

/// Only counts.
pub(crate) struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Counter {
    const CONTENT: bool = false;

    fn skip(&mut self, content: u64) {
        self.0 += content.next_multiple_of(BLOCK);
    }
}

/// An archive of which only the length is wanted: from [`length`].
pub(crate) fn measured() -> Builder<Counter> {
    Builder::new(Counter(0))
}

pub(crate) fn length(archive: Builder<Counter>) -> Result<u64, Error> {
    archive.into_inner().map(|it| it.0).map_err(broken)
}

/// The archive that `write` makes, piece by piece. Its end comes only where that does not fail.
pub(crate) fn pack(
    pieces: mpsc::Sender<io::Result<Bytes>>,
    write: impl FnOnce(Builder<Writer>) -> Result<Builder<Writer>, Error>,
) -> Result<(), Error> {
    let end = pieces.clone();
    let packed = write(Builder::new(Writer::new(pieces))).and_then(|archive| {
        let mut writer = archive.into_inner().map_err(broken)?;
        writer.flush().map_err(broken)
    });
    if packed.is_err() {
        // so that the upload does not look whole; it may be over already
        let _ = end.blocking_send(Err(io::Error::other("the local files could not be read")));
    }
    packed
}

/// The other end is gone: what it says about that is the error that matters.
pub(crate) fn broken(error: io::Error) -> Error {
    Error::new(ErrorKind::Transport, "the archive could not be sent").with_source(error)
}

/// How the upload of an archive ended. Why there was nothing to send says more than that there was not; and what was not
/// sent whole is not there, whatever the server says.
pub(crate) fn ended<T>(packed: Result<(), Error>, sent: Result<T, Error>) -> Result<T, Error> {
    match packed {
        Ok(()) => sent,
        Err(error) if error.kind() == ErrorKind::Transport => sent.and(Err(error)),
        Err(error) => Err(error),
    }
}
