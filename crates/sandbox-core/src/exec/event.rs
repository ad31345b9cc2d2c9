//! What a running command writes.

use std::fmt;

use bytes::Bytes;

/// One of the two streams of a command.
#[expect(clippy::exhaustive_enums, reason = "a process has no third one")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExecStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of what a running command wrote. Those of one stream follow each other without a gap and without a
/// repetition; how the two streams interleave is not told.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecEvent {
    /// Where it was written.
    pub stream: ExecStream,
    /// How many bytes of this stream came before it.
    pub offset: u64,
    /// Byte for byte; never empty.
    pub bytes: Bytes,
}

impl ExecEvent {
    pub(super) fn new(stream: ExecStream, offset: u64, bytes: Bytes) -> Self {
        Self {
            stream,
            offset,
            bytes,
        }
    }
}

impl fmt::Debug for ExecEvent {
    /// A command may print a secret: it shows the size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecEvent")
            .field("stream", &self.stream)
            .field("offset", &self.offset)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
