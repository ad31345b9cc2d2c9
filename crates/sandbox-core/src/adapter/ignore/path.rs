//! Absolute paths, brought into their shortest form without a look at any disk: Python's
//! `posixpath.normpath`.

use std::fmt;

/// An absolute path without empty parts, `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AbsolutePath<'a> {
    root: Root,
    parts: Vec<&'a str>,
}

/// POSIX leaves it open what exactly two slashes at the front mean, so they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    One,
    Two,
}

impl Root {
    /// The root of a text that begins with a slash.
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with("//") && !path.starts_with("///") {
            Self::Two
        } else {
            Self::One
        }
    }
}

impl<'a> AbsolutePath<'a> {
    /// A path that is not absolute is taken from the root.
    pub(super) fn new(path: &'a str) -> Self {
        Self {
            root: Root::of(path),
            parts: Vec::new(),
        }
        .followed_by(path)
    }

    /// What `path` names, seen from here.
    pub(super) fn join(&self, path: &'a str) -> Self {
        if path.starts_with('/') {
            Self::new(path)
        } else {
            self.clone().followed_by(path)
        }
    }

    fn followed_by(mut self, path: &'a str) -> Self {
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    self.parts.pop();
                }
                part => self.parts.push(part),
            }
        }
        self
    }

    pub(super) fn root(&self) -> Root {
        self.root
    }

    pub(super) fn parts(&self) -> &[&'a str] {
        &self.parts
    }

    /// The last part; empty for the root.
    pub(super) fn name(&self) -> &'a str {
        self.parts.last().copied().unwrap_or_default()
    }

    /// The path from `base` to here, `.` if they are one, `None` if it is not below `base`.
    pub(super) fn relative_to(&self, base: &AbsolutePath<'_>) -> Option<String> {
        if self.root != base.root {
            return None;
        }
        let below = self.parts.strip_prefix(base.parts.as_slice())?;
        Some(if below.is_empty() {
            ".".to_owned()
        } else {
            below.join("/")
        })
    }
}

impl fmt::Display for AbsolutePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::One => "/",
            Root::Two => "//",
        })?;
        f.write_str(&self.parts.join("/"))
    }
}
