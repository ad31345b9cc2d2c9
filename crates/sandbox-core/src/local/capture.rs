//! One stream of a command, read while it runs.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::Output;

const CHUNK: usize = 64 * 1024;

/// Makes the file that a stream is spilled to: its name in the spill folder.
pub(super) type OpenSpill = Arc<dyn Fn(&str) -> Option<(File, PathBuf)> + Send + Sync>;

/// One stream of a command: its beginning, its end, its size, and a file with all of it once the
/// two do not hold it.
pub(super) struct Capture {
    pipe: Option<Receiver>,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_limit: usize,
    tail_limit: usize,
    total: u64,
    spill: Spill,
    spill_limit: u64,
    name: &'static str,
    open: OpenSpill,
}

enum Spill {
    None,
    File(File, PathBuf),
    Failed,
}

impl Capture {
    /// A capture, and the end that the command writes to.
    pub(super) fn new(
        name: &'static str,
        limits: (usize, usize),
        spill_limit: u64,
        open: OpenSpill,
    ) -> io::Result<(Self, PipeWriter)> {
        let (reader, writer): (PipeReader, PipeWriter) = io::pipe()?;
        let capture = Self {
            pipe: Some(Receiver::from_owned_fd(OwnedFd::from(reader))?),
            head: Vec::new(),
            tail: VecDeque::new(),
            head_limit: limits.0,
            tail_limit: limits.1,
            total: 0,
            spill: Spill::None,
            spill_limit,
            name,
            open,
        };
        Ok((capture, writer))
    }

    /// Reads until everybody who could write has gone.
    ///
    /// Nothing that was read is lost when the future is dropped.
    pub(super) async fn pump(&mut self) {
        let mut buffer = vec![0; CHUNK];
        while let Some(pipe) = self.pipe.as_mut() {
            match pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => self.pipe = None,
                Ok(count) => self.push(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    /// Reads once; `None` when everybody who could write has gone.
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn read(&mut self) -> Option<Bytes> {
        let mut buffer = BytesMut::zeroed(CHUNK);
        let pipe = self.pipe.as_mut()?;
        let Ok(count @ 1..) = pipe.read(&mut buffer).await else {
            self.pipe = None;
            return None;
        };
        buffer.truncate(count);
        self.push(&buffer);
        Some(buffer.freeze())
    }

    /// Whether there may be more to read.
    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Takes what is in the pipe now, without waiting for more. The command has ended; if something
    /// it left running still holds the stream, the rest of the pipe comes back, to be read on so
    /// that this one is not stopped by a closed pipe.
    pub(super) fn drain(&mut self, mut late: impl FnMut(&[u8])) -> Option<Receiver> {
        let descriptor = self.pipe.take()?.into_nonblocking_fd().ok()?;
        let mut file = File::from(descriptor);
        let mut buffer = vec![0; CHUNK];
        // A writer that never stops must not keep the command's own end from being told.
        for _ in 0..64 {
            match file.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.push(bytes);
                    late(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        Receiver::from_owned_fd(OwnedFd::from(file)).ok()
    }

    fn push(&mut self, bytes: &[u8]) {
        let before = self.total;
        self.total += bytes.len() as u64;
        if self.total > (self.head_limit + self.tail_limit) as u64 {
            self.spill(before, bytes);
        }
        let room = self.head_limit - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let keep = rest.len().min(self.tail_limit);
        let rest = rest.get(rest.len() - keep..).unwrap_or_default();
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Up to the first byte that does not fit, head and tail are the whole stream: the file begins
    /// with them.
    fn spill(&mut self, before: u64, bytes: &[u8]) {
        if matches!(self.spill, Spill::None) {
            self.spill = match (self.open)(self.name) {
                Some((file, path)) => Spill::File(file, path),
                None => Spill::Failed,
            };
            debug_assert_eq!(before, (self.head.len() + self.tail.len()) as u64);
            let (front, back) = self.tail.as_slices();
            let parts = [self.head.as_slice(), front, back];
            Self::write(&mut self.spill, &parts);
        }
        if self.total > self.spill_limit
            && let Spill::File(_, path) = &self.spill
        {
            // Part of a stream under the name of the whole would mislead.
            let _ = std::fs::remove_file(path);
            self.spill = Spill::Failed;
        }
        Self::write(&mut self.spill, &[bytes]);
    }

    fn write(spill: &mut Spill, parts: &[&[u8]]) {
        let Spill::File(file, path) = spill else {
            return;
        };
        // To the page cache of this host: brief enough to be done in place.
        if parts.iter().any(|part| file.write_all(part).is_err()) {
            let _ = std::fs::remove_file(path);
            *spill = Spill::Failed;
        }
    }

    /// What was captured.
    pub(super) fn finish(self) -> Output {
        let tail = Vec::from(self.tail);
        let output = Output::bounded(self.head, tail, self.total);
        match self.spill {
            Spill::File(_, path) => match path.to_str() {
                Some(path) => output.with_spill_path(path),
                None => output,
            },
            Spill::None | Spill::Failed => output,
        }
    }
}

/// Reads on for something that was left running, and throws it away.
pub(super) async fn discard(mut pipe: Receiver) {
    let mut buffer = vec![0; 4096];
    while matches!(pipe.read(&mut buffer).await, Ok(count) if count > 0) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(data: &[u8], limits: (usize, usize), spill_limit: u64, chunk: usize) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spill");
        let open: OpenSpill = {
            let path = path.clone();
            Arc::new(move |_| Some((File::create_new(&path).unwrap(), path.clone())))
        };
        let mut capture = Capture {
            pipe: None,
            head: Vec::new(),
            tail: VecDeque::new(),
            head_limit: limits.0,
            tail_limit: limits.1,
            total: 0,
            spill: Spill::None,
            spill_limit,
            name: "stdout",
            open,
        };
        for part in data.chunks(chunk) {
            capture.push(part);
        }
        let output = capture.finish();
        match output.spill_path() {
            Some(path) => assert_eq!(std::fs::read(path).unwrap(), data),
            None => assert!(!path.exists()),
        }
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// However the stream is cut into reads, head and tail are its beginning and its end, and
        /// the file is there exactly when they are not all of it.
        #[test]
        fn every_cut_gives_the_same(
            data in proptest::collection::vec(any::<u8>(), 0..80),
            head in 0..30_usize,
            tail in 0..30_usize,
            chunk in 1..90_usize,
        ) {
            let output = captured(&data, (head, tail), u64::MAX, chunk);
            let (front, rest) = data.split_at(head.min(data.len()));
            prop_assert_eq!(&output.head()[..], front);
            prop_assert_eq!(&output.tail()[..], &rest[rest.len() - tail.min(rest.len())..]);
            prop_assert_eq!(output.total(), data.len() as u64);
            prop_assert_eq!(output.spill_path().is_some(), data.len() > head + tail);
        }
    }

    #[test]
    fn a_spill_beyond_its_limit_is_not_kept() {
        let data = [7; 100];
        assert!(captured(&data, (10, 10), 100, 9).spill_path().is_some());
        let output = captured(&data, (10, 10), 99, 9);
        assert_eq!(output.spill_path(), None);
        assert_eq!((output.total(), output.omitted()), (100, 80));
    }
}
