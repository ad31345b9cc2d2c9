//! How long this host has slept.

use std::fmt::Debug;
use std::time::Duration;

/// Tells for how long this host was suspended, as a laptop that sleeps or a virtual machine that is
/// paused: time in which the clock that timers follow stood still, and the service's did not.
///
/// A factory adds it to its own time, so that sandboxes which nobody could renew meanwhile are
/// asked about before they are handed out. Tests inject one of their own.
pub trait Suspension: Debug + Send + Sync + 'static {
    /// The sum of all suspensions up to now; never less than before.
    fn suspended(&self) -> Duration;
}

/// What this host's kernel says. On Linux and Android it is the time by which `CLOCK_BOOTTIME` is
/// ahead of `CLOCK_MONOTONIC`; elsewhere it is not known, and zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostSuspension;

impl Suspension for HostSuspension {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn suspended(&self) -> Duration {
        use nix::time::{ClockId, clock_gettime};
        // Monotonic first: a pause between the two readings may only add.
        let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC);
        let boot = clock_gettime(ClockId::CLOCK_BOOTTIME);
        match (monotonic, boot) {
            (Ok(monotonic), Ok(boot)) => {
                Duration::from(boot).saturating_sub(Duration::from(monotonic))
            }
            _ => Duration::ZERO,
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn suspended(&self) -> Duration {
        Duration::ZERO
    }
}
