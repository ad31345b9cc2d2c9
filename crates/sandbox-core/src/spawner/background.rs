//! The default spawner.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};

use super::Spawner;
use crate::BoxFuture;

/// One thread of this process with a runtime of its own, started at its first task and shared by
/// all factories: a caller's runtime that ends takes no sandbox's care with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Background;

static RUNTIME: OnceLock<Option<Handle>> = OnceLock::new();

impl Spawner for Background {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        match handle() {
            Some(runtime) => drop(runtime.spawn(task)),
            // No thread could be started. A task dropped here notes that it was not run.
            None => drop(task),
        }
    }
}

/// The runtime; `None` if it could not be started.
pub(crate) fn handle() -> Option<&'static Handle> {
    RUNTIME.get_or_init(start).as_ref()
}

fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime for sandbox lifecycles");
            return None;
        }
    };
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new()
        .name("sandbox-lifecycle".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()));
    match thread {
        Ok(_) => Some(handle),
        Err(error) => {
            tracing::error!(%error, "cannot start the thread for sandbox lifecycles");
            None
        }
    }
}
