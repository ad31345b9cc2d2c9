//! A factory of one sandbox that somebody else owns.

use std::sync::Arc;

use async_trait::async_trait;
use context_vars::Source;

use super::SandboxFactory;
use crate::{CloseError, Error, Sandbox};

/// Lends one sandbox to whatever takes a factory. It ignores the context and never closes the
/// sandbox, which belongs to whoever made it.
#[derive(Clone, Debug)]
pub struct SingletonFactory(Arc<dyn Sandbox>);

impl SingletonFactory {
    /// A factory that always opens `sandbox`.
    #[must_use]
    pub fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self(sandbox)
    }

    /// The sandbox it opens.
    #[must_use]
    pub fn sandbox(&self) -> &Arc<dyn Sandbox> {
        &self.0
    }
}

#[async_trait]
impl SandboxFactory for SingletonFactory {
    async fn open(&self, _context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        Ok(Arc::clone(&self.0))
    }

    fn workdir(&self) -> Option<&str> {
        Some(self.0.workdir())
    }

    async fn close(&self) -> Result<(), CloseError> {
        Ok(())
    }
}
