//! A spawner that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sandbox_core::{BoxFuture, Spawner};
use tokio::runtime::Handle;

/// Counts the tasks that are running.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) handle: Handle,
    pub(crate) tasks: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn new() -> Self {
        Self {
            handle: Handle::current(),
            tasks: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> usize {
        self.tasks.load(Ordering::SeqCst)
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Spawner for Counting {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.tasks.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(Arc::clone(&self.tasks));
        self.handle.spawn(async move {
            let _counted = counted;
            task.await;
        });
    }
}
