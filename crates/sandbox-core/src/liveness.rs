//! Whether a handle's sandbox is still there to be used.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::{Error, ErrorKind};

/// A shared note between a factory and the handles of one sandbox: live, lost or closed.
///
/// A sandbox asks [`check`](Self::check) first in every call, and calls [`mark_lost`](Self::mark_lost)
/// once it *knows* that the sandbox is gone; being unreachable is not gone. From then on its handles
/// answer [`Lost`](ErrorKind::Lost), and the next `open` makes a new one. The factory calls
/// [`mark_closed`](Self::mark_closed). The first mark stays.
///
/// In doubt, as after an answer that a stopped sandbox gives, it calls
/// [`mark_doubtful`](Self::mark_doubtful): the next `open` asks the provider before it hands the
/// sandbox out again, and starts it if it is stopped.
#[derive(Clone, Default)]
pub struct Liveness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    mark: OnceLock<Mark>,
    doubtful: AtomicBool,
}

struct Mark {
    error: Error,
    /// Why it is lost, in short; empty if it was closed.
    #[cfg_attr(
        not(feature = "cache"),
        expect(dead_code, reason = "only the cache tells it")
    )]
    reason: Box<str>,
}

impl Liveness {
    /// A live one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// True until it is marked.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0.mark.get().is_none()
    }

    /// True if it was marked lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.mark.get().is_some_and(|mark| mark.error.is_lost())
    }

    /// Why the handle cannot be used, if so.
    ///
    /// # Errors
    ///
    /// [`Lost`](ErrorKind::Lost) or [`Closed`](ErrorKind::Closed).
    pub fn check(&self) -> Result<(), Error> {
        match self.0.mark.get() {
            None => Ok(()),
            Some(mark) => Err(mark.error.clone()),
        }
    }

    /// Marks the sandbox as gone, for this reason.
    pub fn mark_lost(&self, reason: &str) {
        let message = format!("the sandbox is gone ({reason}); open again for a new one");
        let _ = self.0.mark.set(Mark {
            error: Error::new(ErrorKind::Lost, message),
            reason: reason.into(),
        });
    }

    /// Why it was marked lost, if it was.
    #[cfg(feature = "cache")]
    pub(crate) fn why_lost(&self) -> Option<String> {
        let mark = self.0.mark.get()?;
        mark.error.is_lost().then(|| mark.reason.to_string())
    }

    /// Marks the handle as closed.
    pub fn mark_closed(&self) {
        let error = Error::new(
            ErrorKind::Closed,
            "the sandbox was closed with its factory; open again for a new one",
        );
        let _ = self.0.mark.set(Mark {
            error,
            reason: Box::default(),
        });
    }

    /// Has the next `open` ask how the sandbox is.
    pub fn mark_doubtful(&self) {
        self.0.doubtful.store(true, Ordering::Release);
    }

    /// True until the sandbox was found in order.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.0.doubtful.load(Ordering::Acquire)
    }

    /// It was found in order.
    #[cfg(feature = "cache")]
    pub(crate) fn clear_doubt(&self) {
        self.0.doubtful.store(false, Ordering::Release);
    }

    /// True if both are notes about the same sandbox.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.mark.get() {
            None if self.is_doubtful() => "Doubtful",
            None => "Live",
            Some(mark) if mark.error.is_lost() => "Lost",
            Some(_) => "Closed",
        })
    }
}
