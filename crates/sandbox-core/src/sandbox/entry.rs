//! One entry of a directory.

use std::time::SystemTime;

/// One entry of a directory in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// The last part of its path.
    pub name: String,
    /// The path relative to the working directory, as other calls take it.
    pub path: String,
    /// True for a directory.
    pub is_dir: bool,
    /// The size in bytes; of no meaning for a directory.
    pub size: u64,
    /// The permission bits, if known.
    pub mode: Option<u32>,
    /// When its content last changed, by the sandbox's clock, if known.
    pub modified: Option<SystemTime>,
}

impl FileEntry {
    /// A file.
    #[must_use]
    pub fn file(path: impl Into<String>, size: u64) -> Self {
        Self::new(path.into(), false, size)
    }

    /// A directory.
    #[must_use]
    pub fn dir(path: impl Into<String>) -> Self {
        Self::new(path.into(), true, 0)
    }

    fn new(path: String, is_dir: bool, size: u64) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            name,
            path,
            is_dir,
            size,
            mode: None,
            modified: None,
        }
    }

    /// Adds the permission bits.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Adds when its content last changed.
    #[must_use]
    pub fn with_modified(mut self, modified: SystemTime) -> Self {
        self.modified = Some(modified);
        self
    }
}
