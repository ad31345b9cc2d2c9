//! Closing a factory, and what is told of it.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::spans::{self, Told};
use super::{CachingFactory, Shared};
use crate::{CloseError, CloseReport, Provider};

impl<P: Provider> CachingFactory<P> {
    /// Removes every sandbox of this factory, up to 64 at once, and waits until that is done or the
    /// close timeout has passed. Opens begun before end with [`Closed`](crate::ErrorKind::Closed);
    /// later ones start anew.
    ///
    /// # Errors
    ///
    /// A list of what is left, or may be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing; another `close` joins the work and reports it.
    pub async fn close(&self) -> Result<(), CloseError> {
        self.close_and_report().await.into_result()
    }

    /// As [`close`](Self::close), and tells what became of each sandbox: removed, let go of because
    /// others share it, or left. Of several closes at once each tells what ended while it waited.
    ///
    /// # Cancel safety
    ///
    /// That of [`close`](Self::close); what ended meanwhile is told by no later report.
    pub async fn close_and_report(&self) -> CloseReport {
        let told = spans::close();
        let report = self.close_within(&told).await;
        spans::closed(&told, &report);
        report
    }

    async fn close_within(&self, told: &Told) -> CloseReport {
        let shared = Arc::clone(&self.0.shared);
        let mut removals = shared.ledger.hear_of_removals();
        let ended = told.span().in_scope(|| shared.end());
        loop {
            let (done, waiting) = oneshot::channel();
            let handed_over = shared.is_orphaned();
            let task = {
                let shared = Arc::clone(&shared);
                async move {
                    shared.settle(ended).await;
                    let _ = done.send(());
                }
            };
            shared.spawn(Box::pin(task.instrument(told.span().clone())));
            match waiting.await {
                Ok(()) => break,
                Err(_) if handed_over => break,
                Err(_) => shared.orphan(),
            }
        }
        let left = (shared.ledger).leftovers(ended, &shared.provider);
        let mut closed = Vec::new();
        while let Ok((epoch, sandbox)) = removals.try_recv() {
            if epoch <= ended {
                closed.push(sandbox);
            }
        }
        CloseReport::new(closed, left)
    }
}

impl<P: Provider> Shared<P> {
    /// Waits until nothing of these epochs is worth waiting for, or the close timeout has passed.
    async fn settle(self: Arc<Self>, ended: u64) {
        let deadline = Instant::now() + self.settings.close_timeout;
        let mut changes = self.ledger.subscribe();
        for (item, removes) in self.ledger.close_begins(ended) {
            if removes {
                self.remove(item);
            } else {
                self.watch(item);
            }
        }
        self.ledger.recheck.notify_waiters();
        while !self.ledger.is_settled(ended) {
            if timeout_at(deadline, changes.changed()).await.is_err() {
                break;
            }
        }
    }
}
