//! What is told of a close.

use std::fmt;

use crate::{CloseError, Destroyed, Leftover};

/// A sandbox that is off a factory's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedSandbox {
    id: Option<String>,
    name: String,
    generation: u64,
    how: Destroyed,
}

impl ClosedSandbox {
    pub(crate) fn new(id: Option<String>, name: String, generation: u64, how: Destroyed) -> Self {
        Self {
            id,
            name,
            generation,
            how,
        }
    }

    /// The provider's id, if an answer ever told it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The name it was created under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 1 for the first sandbox of a key, one more for each that replaces a lost one. That of a sandbox whose removal
    /// wanted others gone first, such as its forks, is theirs too.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What became of it: removed, or let go of.
    #[must_use]
    pub fn how(&self) -> Destroyed {
        self.how
    }

    /// True if it lives on, since others may share it, until nobody renews it any more.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.how == Destroyed::Released
    }
}

/// What became of the sandboxes of a factory that was closed.
#[derive(Clone, Debug)]
pub struct CloseReport {
    closed: Vec<ClosedSandbox>,
    left: Vec<Leftover>,
}

impl CloseReport {
    pub(crate) fn new(closed: Vec<ClosedSandbox>, left: Vec<Leftover>) -> Self {
        Self { closed, left }
    }

    /// Those that are off its hands, in the order in which they went.
    #[must_use]
    pub fn closed(&self) -> &[ClosedSandbox] {
        &self.closed
    }

    /// Those that are left, or whose fate is not known, each with why and when the server removes it. The factory
    /// keeps trying to remove them.
    #[must_use]
    pub fn left(&self) -> &[Leftover] {
        &self.left
    }

    /// What `close` gives.
    ///
    /// # Errors
    ///
    /// If anything is left.
    pub fn into_result(self) -> Result<(), CloseError> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(CloseError::new(self.left))
        }
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let released = self.closed.iter().filter(|one| one.is_released()).count();
        let removed = self.closed.len() - released;
        write!(
            f,
            "{removed} removed, {released} let go of, {} left",
            self.left.len()
        )
    }
}
