//! One stream of a command.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// What a command wrote to one of its streams: byte for byte, bounded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Output {
    head: Bytes,
    tail: Bytes,
    total: u64,
    spill_path: Option<Arc<str>>,
}

impl Output {
    /// A stream of which everything is here.
    #[must_use]
    pub fn complete(bytes: impl Into<Bytes>) -> Self {
        let head = bytes.into();
        Self {
            total: head.len() as u64,
            head,
            tail: Bytes::new(),
            spill_path: None,
        }
    }

    /// The beginning and the end of a stream of `total` bytes. Where the two meet or the total is
    /// less than both, nothing is missing.
    #[must_use]
    pub fn bounded(head: impl Into<Bytes>, tail: impl Into<Bytes>, total: u64) -> Self {
        let (head, tail) = (head.into(), tail.into());
        Self {
            total: total.max(head.len() as u64 + tail.len() as u64),
            head,
            tail,
            spill_path: None,
        }
    }

    /// Adds where in the sandbox the whole stream can be read.
    #[must_use]
    pub fn with_spill_path(mut self, path: impl Into<Arc<str>>) -> Self {
        self.spill_path = Some(path.into());
        self
    }

    /// The beginning.
    #[must_use]
    pub fn head(&self) -> &Bytes {
        &self.head
    }

    /// The end; empty unless the stream was longer than the head's limit.
    #[must_use]
    pub fn tail(&self) -> &Bytes {
        &self.tail
    }

    /// How many bytes the command wrote.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many bytes between head and tail are not here.
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.total - (self.head.len() as u64 + self.tail.len() as u64)
    }

    /// True if bytes between head and tail are not here.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.omitted() > 0
    }

    /// Where in the sandbox the whole stream can be read, if it was kept.
    #[must_use]
    pub fn spill_path(&self) -> Option<&str> {
        self.spill_path.as_deref()
    }

    /// Head and tail in one. The whole stream unless it was [truncated](Self::truncated).
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if self.tail.is_empty() {
            return self.head.clone();
        }
        let mut all = BytesMut::with_capacity(self.head.len() + self.tail.len());
        all.extend_from_slice(&self.head);
        all.extend_from_slice(&self.tail);
        all.freeze()
    }

    /// As text, with U+FFFD for what is not UTF-8 and a line that says how much is missing.
    #[must_use]
    pub fn text_lossy(&self) -> String {
        if !self.truncated() {
            return String::from_utf8_lossy(&self.to_bytes()).into_owned();
        }
        format!(
            "{}\n[{} bytes omitted]\n{}",
            String::from_utf8_lossy(&self.head),
            self.omitted(),
            String::from_utf8_lossy(&self.tail)
        )
    }
}

impl fmt::Debug for Output {
    /// A command may print a secret: it shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("head", &self.head.len())
            .field("tail", &self.tail.len())
            .field("total", &self.total)
            .field("spill_path", &self.spill_path)
            .finish()
    }
}
