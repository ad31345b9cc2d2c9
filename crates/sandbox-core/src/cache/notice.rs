//! Telling what happens: to the log, to listeners, to metrics.

use super::Shared;
#[cfg(feature = "metrics")]
use super::metering;
use crate::Provider;
use crate::event::{EventKind, Subject};

impl<P: Provider> Shared<P> {
    /// Tells it everywhere. Never under a lock of the table: it runs code of others.
    pub(super) fn note(&self, subject: &Subject, kind: &EventKind) {
        log(subject, kind);
        #[cfg(feature = "metrics")]
        metering::count(kind, self.table.live());
        self.events.send(subject, kind);
    }
}

/// One line per event, always with the same fields.
fn log(subject: &Subject, kind: &EventKind) {
    macro_rules! line {
        ($level:ident, $text:literal $(, $($more:tt)+)?) => {
            tracing::$level!(
                event = kind.name(),
                name = subject.name(),
                id = subject.id(),
                generation = subject.generation(),
                key = %subject.key(),
                scope = %subject.scope(),
                account = %subject.account(),
                $($($more)+,)?
                $text
            )
        };
    }
    match kind {
        EventKind::Creating => line!(debug, "sandbox being created"),
        EventKind::Created { took } => {
            line!(info, "sandbox created", took_ms = ms(*took));
        }
        EventKind::Adopted { took } => {
            line!(info, "sandbox found under its name", took_ms = ms(*took));
        }
        EventKind::Ready => line!(debug, "sandbox ready", state_lost = subject.state_lost()),
        EventKind::CreateFailed { error } => line!(warn, "sandbox not created", %error),
        EventKind::Unresolved { error } => {
            line!(warn, "not known whether the sandbox was created", %error);
        }
        EventKind::Resolved { found } => line!(info, "attempt resolved", found = found),
        EventKind::LeaseAtRisk { silent, lease } => line!(
            warn,
            "lease at risk",
            silent_ms = ms(*silent),
            lease_ms = ms(*lease)
        ),
        EventKind::LeaseRestored => line!(info, "lease restored"),
        EventKind::Waking => line!(info, "sandbox stopped, being started"),
        EventKind::Woken { took } => line!(info, "sandbox started again", took_ms = ms(*took)),
        EventKind::WakeFailed { error } => line!(warn, "sandbox not started again", %error),
        EventKind::StateLost { reason } => line!(warn, "sandbox lost", reason = reason.as_str()),
        EventKind::Evicted => line!(info, "sandbox evicted"),
        EventKind::Expired { because } => {
            line!(info, "sandbox expired", because = because.label());
        }
        EventKind::Deleting => line!(debug, "sandbox being removed"),
        EventKind::Deleted { took } => line!(debug, "sandbox removed", took_ms = ms(*took)),
        EventKind::DeleteFailed { error } => line!(warn, "sandbox not removed yet", %error),
        EventKind::DeleteRefused { error, stopped } => {
            line!(warn, "removal refused", %error, stopped = stopped);
        }
        EventKind::DeleteGivenUp { error } => line!(error, "removal given up", %error),
        EventKind::Released => line!(info, "sandbox released"),
    }
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
