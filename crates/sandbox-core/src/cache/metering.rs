//! Counting what happens, through the `metrics` facade. docs/observability.md lists the names; no
//! label is a sandbox's, a tenant's or an account's.

use std::time::Duration;

use crate::event::EventKind;

/// Counts an event; `live` is how many sandboxes the factory holds by now.
pub(super) fn count(kind: &EventKind, live: usize) {
    let created = |outcome: &'static str| {
        metrics::counter!("sandbox_creates_total", "outcome" => outcome).increment(1);
    };
    let removed = |outcome: &'static str| {
        metrics::counter!("sandbox_removals_total", "outcome" => outcome).increment(1);
    };
    let lost = |reason: &'static str| {
        metrics::counter!("sandbox_losses_total", "reason" => reason).increment(1);
    };
    match kind {
        EventKind::Created { took } => {
            created("created");
            seconds("sandbox_create_seconds", *took);
        }
        EventKind::Adopted { took } => {
            created("adopted");
            seconds("sandbox_create_seconds", *took);
        }
        EventKind::CreateFailed { .. } => created("failed"),
        EventKind::Unresolved { .. } => created("unresolved"),
        EventKind::LeaseAtRisk { .. } => {
            metrics::counter!("sandbox_leases_at_risk_total").increment(1);
        }
        EventKind::Woken { took } => {
            metrics::counter!("sandbox_wakes_total", "outcome" => "woken").increment(1);
            seconds("sandbox_wake_seconds", *took);
        }
        EventKind::WakeFailed { .. } => {
            metrics::counter!("sandbox_wakes_total", "outcome" => "failed").increment(1);
        }
        EventKind::StateLost { .. } => lost("gone"),
        EventKind::Evicted => lost("evicted"),
        EventKind::Expired { because } => lost(because.label()),
        EventKind::Deleted { took } => {
            removed("deleted");
            seconds("sandbox_remove_seconds", *took);
        }
        EventKind::DeleteFailed { .. } => removed("failed"),
        EventKind::DeleteRefused { .. } => removed("refused"),
        EventKind::DeleteGivenUp { .. } => removed("given_up"),
        EventKind::Released => removed("released"),
        EventKind::Creating
        | EventKind::Ready
        | EventKind::Resolved { .. }
        | EventKind::LeaseRestored
        | EventKind::Waking
        | EventKind::Deleting => {}
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 sandboxes")]
    metrics::gauge!("sandboxes").set(live as f64);
}

fn seconds(name: &'static str, took: Duration) {
    metrics::histogram!(name).record(took.as_secs_f64());
}
