//! Where work that outlives its caller runs.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;

mod background;

pub use background::Background;
#[cfg(all(feature = "signals", unix))]
pub(crate) use background::handle;

/// A future that can be sent, named without generics.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs tasks that belong to a factory and not to any caller: creating, renewing, deleting.
///
/// A task must be driven to its end. A spawner that drops one, because its runtime has ended, is not
/// used again: the factory goes on in the [`Background`], removals and watches are taken up there,
/// and what was being created is of unknown fate, watched, and used again under its name by the next
/// `open`.
pub trait Spawner: Debug + Send + Sync + 'static {
    /// Starts a task; returns at once.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Runs the tasks on a runtime of the caller's choice, which must outlive the factory.
impl Spawner for Handle {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(Self::spawn(self, task));
    }
}
