//! Between code that waits and code that blocks, a few pieces at a time.

#[cfg(feature = "archive")]
use std::io::Read;
use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

const PIECE: usize = 64 << 10;

/// Reads what is sent. An end without `None` is an error, so that what was given up is not taken for whole.
#[cfg(feature = "archive")]
pub(crate) struct Reader {
    pieces: mpsc::Receiver<Option<Bytes>>,
    piece: Bytes,
    ended: bool,
}

#[cfg(feature = "archive")]
impl Reader {
    pub(crate) fn new(pieces: mpsc::Receiver<Option<Bytes>>) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
            ended: false,
        }
    }
}

#[cfg(feature = "archive")]
impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => self.ended = true,
                None => return Err(io::Error::other("the transfer was given up")),
            }
        }
        let piece = self.piece.split_to(self.piece.len().min(into.len()));
        if let Some(into) = into.get_mut(..piece.len()) {
            into.copy_from_slice(&piece);
        }
        Ok(piece.len())
    }
}

/// Sends what is written. The last piece waits for [`flush`](Write::flush), also one that is full: so what is dropped
/// never looks whole, not even if a drop within writes the end of an archive.
pub(crate) struct Writer {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: BytesMut,
}

impl Writer {
    pub(crate) fn new(pieces: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self {
            pieces,
            piece: BytesMut::with_capacity(PIECE),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        let room = PIECE - self.piece.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let full = std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE));
        if full.is_empty() {
            return Ok(());
        }
        self.pieces
            .blocking_send(Ok(full.freeze()))
            .map_err(|_| io::Error::other("nobody reads any more"))
    }
}
