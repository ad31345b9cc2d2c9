//! What a close could not remove.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Error;

/// A sandbox that `close` could not show to be gone.
#[derive(Clone, Debug)]
pub struct Leftover {
    id: Option<String>,
    name: String,
    generation: Option<u64>,
    why: Error,
    server_bound: Option<Duration>,
    stopped: bool,
}

impl Leftover {
    /// A sandbox known by its name, and by its id if an answer ever told it.
    #[must_use]
    pub fn new(id: Option<String>, name: impl Into<String>, why: Error) -> Self {
        Self {
            id,
            name: name.into(),
            generation: None,
            why,
            server_bound: None,
            stopped: false,
        }
    }

    /// Adds its generation.
    #[must_use]
    pub fn with_generation(mut self, generation: u64) -> Self {
        self.generation = Some(generation);
        self
    }

    /// Adds after how long without renewal the server removes it by itself; `None` if that is not
    /// known.
    #[must_use]
    pub fn with_server_bound(mut self, bound: Option<Duration>) -> Self {
        self.server_bound = bound;
        self
    }

    /// Says that the service would not remove it and has stopped it instead.
    #[must_use]
    pub fn with_stopped(mut self, stopped: bool) -> Self {
        self.stopped = stopped;
        self
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

    /// 1 for the first sandbox of a key, one more for each that replaces a lost one; `None` from a factory that does
    /// not count.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Why it is still there, or may be.
    #[must_use]
    pub fn why(&self) -> &Error {
        &self.why
    }

    /// After how long without renewal the server removes it by itself; `None` if it does not, or if
    /// nothing is known that says when: it broke or was never seen to run, or something keeps the
    /// service from removing it.
    #[must_use]
    pub fn server_bound(&self) -> Option<Duration> {
        self.server_bound
    }

    /// True if the service would not remove it and has stopped it instead.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(id) = &self.id {
            write!(f, " (id {id})")?;
        }
        write!(f, ": {}", self.why)?;
        if self.stopped {
            f.write_str("; it was stopped instead")?;
        }
        if let Some(bound) = self.server_bound {
            write!(f, "; the server removes it within {} s", bound.as_secs())?;
        }
        Ok(())
    }
}

/// `close` ended with sandboxes left, or with some whose fate is not known. It lists them all.
///
/// The factory keeps trying to remove them for as long as the process lives (up to 75 minutes), and
/// another `close` waits for that and reports again.
#[derive(Clone)]
pub struct CloseError(Arc<[Leftover]>);

impl CloseError {
    /// The error for these sandboxes.
    #[must_use]
    pub fn new(left: Vec<Leftover>) -> Self {
        Self(left.into())
    }

    /// What is left.
    #[must_use]
    pub fn leftovers(&self) -> &[Leftover] {
        &self.0
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [one] => write!(f, "a sandbox may be left: {one}"),
            many => {
                write!(f, "{} sandboxes may be left: ", many.len())?;
                for (at, one) in many.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}{one}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloseError").field(&self.0).finish()
    }
}

impl std::error::Error for CloseError {}
