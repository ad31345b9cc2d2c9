//! What a command wrote, kept in a file without a name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Standard output, then standard error: what a line of each begins with.
const MARKS: [[u8; 3]; 2] = [[1; 3], [2; 3]];

#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    length: Mutex<u64>,
    grown: watch::Sender<u64>,
}

impl Log {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            length: Mutex::new(0),
            grown: watch::Sender::new(0),
        })
    }

    /// Adds a line of standard output (0) or error (1), with the line break it may lack.
    pub(crate) fn line(&self, stream: usize, line: &[u8]) {
        let mut bytes = MARKS.get(stream).copied().unwrap_or_default().to_vec();
        bytes.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let mut length = self.length.lock().unwrap_or_else(PoisonError::into_inner);
        match self.file.write_all_at(&bytes, *length) {
            Ok(()) => *length += bytes.len() as u64,
            Err(error) => tracing::warn!(%error, "output of a command was lost"),
        }
        self.grown.send_replace(*length);
    }

    /// How long it is, and a sign of each time it gets longer.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// At most `most` bytes from `at` on.
    pub(crate) fn read(&self, at: u64, most: usize) -> io::Result<Vec<u8>> {
        let length = *self.length.lock().unwrap_or_else(PoisonError::into_inner);
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(most)];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    pub(crate) fn all(&self) -> io::Result<Vec<u8>> {
        self.read(0, usize::MAX)
    }
}
