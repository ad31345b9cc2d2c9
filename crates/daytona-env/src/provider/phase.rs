//! What a state on the wire means for us.

/// Where a sandbox is in its life, as far as we act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// On its way to running, or in a state we do not know: wait, up to the deadline.
    Starting,
    /// Running and meant to.
    Running,
    /// On its way to stopped, paused or archived.
    Stopping,
    /// Stopped, paused or archived; can be woken.
    Stopped,
    /// Ended in an error; the row is still there and nothing removes it but us.
    Failed,
    /// Destroyed, or irrevocably about to be.
    Gone,
}

impl Phase {
    /// From the state and the desired state of a row, in the words of the API.
    pub(crate) fn of(state: Option<&str>, desired: Option<&str>) -> Self {
        if desired == Some("destroyed") {
            return Self::Gone;
        }
        match (state.unwrap_or("unknown"), desired) {
            ("destroyed" | "destroying", _) => Self::Gone,
            ("error" | "build_failed", _) => Self::Failed,
            ("started", Some("stopped" | "archived" | "paused"))
            | ("resizing" | "snapshotting" | "forking", Some("stopped" | "archived" | "paused"))
            | ("stopping" | "archiving" | "pausing", _) => Self::Stopping,
            ("stopped" | "archived" | "paused", Some("started")) => Self::Starting,
            ("stopped" | "archived" | "paused", _) => Self::Stopped,
            ("started", _) => Self::Running,
            _ => Self::Starting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_phase() {
        for (state, desired, wanted) in [
            ("started", Some("started"), Phase::Running),
            ("started", None, Phase::Running),
            ("started", Some("destroyed"), Phase::Gone),
            ("started", Some("stopped"), Phase::Stopping),
            ("creating", Some("started"), Phase::Starting),
            ("pending_build", None, Phase::Starting),
            ("pulling_snapshot", None, Phase::Starting),
            ("restoring", None, Phase::Starting),
            ("hibernating", None, Phase::Starting),
            ("unknown", Some("started"), Phase::Starting),
            ("stopped", Some("started"), Phase::Starting),
            ("resizing", Some("started"), Phase::Starting),
            ("resizing", Some("stopped"), Phase::Stopping),
            ("snapshotting", Some("archived"), Phase::Stopping),
            ("forking", Some("paused"), Phase::Stopping),
            ("stopping", Some("stopped"), Phase::Stopping),
            ("archiving", Some("archived"), Phase::Stopping),
            ("stopped", Some("stopped"), Phase::Stopped),
            ("archived", Some("archived"), Phase::Stopped),
            ("paused", Some("paused"), Phase::Stopped),
            ("error", Some("started"), Phase::Failed),
            ("error", Some("destroyed"), Phase::Gone),
            ("build_failed", None, Phase::Failed),
            ("destroying", Some("destroyed"), Phase::Gone),
            ("destroyed", None, Phase::Gone),
        ] {
            assert_eq!(
                Phase::of(Some(state), desired),
                wanted,
                "{state} {desired:?}"
            );
        }
        assert_eq!(Phase::of(None, None), Phase::Starting);
    }
}
