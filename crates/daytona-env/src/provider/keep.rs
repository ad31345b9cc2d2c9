//! Something that must live as long as a provider.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Owns something of no interest but its end, such as an embedded server.
#[derive(Clone, Default)]
pub(crate) struct Keep(Option<Arc<dyn Any + Send + Sync>>);

impl Keep {
    /// Keeps `value` until the last clone is gone.
    #[cfg(feature = "local")]
    pub(crate) fn of(value: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(value)))
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keep").field(&self.0.is_some()).finish()
    }
}
