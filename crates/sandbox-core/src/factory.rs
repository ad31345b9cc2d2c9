//! Where sandboxes come from.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use context_vars::Source;

use crate::{CloseError, Error, Sandbox};

mod singleton;

pub use singleton::SingletonFactory;

/// Opens the one sandbox that belongs to a context.
#[async_trait]
pub trait SandboxFactory: Debug + Send + Sync + 'static {
    /// The live sandbox for what the parameters resolve to in `context`, made if need be. Opening
    /// twice with equal values gives the same sandbox.
    ///
    /// # Errors
    ///
    /// [`Unresolved`](crate::ErrorKind::Unresolved) before anything is made; else why there is no
    /// sandbox.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: what was begun is finished and kept for the next opener, or removed by
    /// [`close`](Self::close).
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error>;

    /// The working directory that sandboxes of this factory will have, where it is known before
    /// one is open.
    fn workdir(&self) -> Option<&str> {
        None
    }

    /// Removes every sandbox of this factory. Opens begun before it end with
    /// [`Closed`](crate::ErrorKind::Closed); later ones start anew.
    ///
    /// # Errors
    ///
    /// A list of what is left, or may be. `Ok` means that nothing is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing; another `close` joins the work and reports it.
    async fn close(&self) -> Result<(), CloseError>;
}

#[async_trait]
impl<F: SandboxFactory + ?Sized> SandboxFactory for Arc<F> {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        (**self).open(context).await
    }

    fn workdir(&self) -> Option<&str> {
        (**self).workdir()
    }

    async fn close(&self) -> Result<(), CloseError> {
        (**self).close().await
    }
}
