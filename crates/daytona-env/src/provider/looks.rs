//! When a name that was not found may be there all the same.
//!
//! The server answers a look-up from a cache for ten seconds, and caches that there is nothing, too. So after a look
//! that found nothing and a create that was sent since, another look that finds nothing proves nothing for a while.

use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

/// How long the server may answer from its cache, and a little more.
pub(super) const CACHED: Duration = Duration::from_secs(12);
/// Names kept before old ones are thrown out.
const ROOM: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Looks(DashMap<Box<str>, Look>);

#[derive(Debug, Clone, Copy)]
struct Look {
    /// When nothing was found.
    at: Instant,
    /// A create of that name was sent since.
    sent: bool,
}

impl Looks {
    /// A create of this name is being sent.
    pub(super) fn sends(&self, name: &str) {
        if let Some(mut look) = self.0.get_mut(name) {
            look.sent = true;
        }
    }

    /// Nothing of this name was found: until when that proves nothing, if it does not.
    pub(super) fn found_nothing(&self, name: &str) -> Option<Instant> {
        let now = Instant::now();
        if let Some(look) = self.0.get(name).map(|look| *look)
            && now < look.at + CACHED
        {
            return look.sent.then_some(look.at + CACHED);
        }
        if self.0.len() >= ROOM {
            self.0.retain(|_, look| now < look.at + CACHED);
        }
        self.0.insert(
            name.into(),
            Look {
                at: now,
                sent: false,
            },
        );
        None
    }
}
