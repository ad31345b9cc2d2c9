//! The end of a command whose sandbox stays.

use std::time::Duration;

use sandbox_core::KillHandle;
use tokio::time::timeout;

use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// How long it may take. The command's own timeout is the backstop.
const BOUND: Duration = Duration::from_secs(20);

/// Kills the command with all that it started, if one was begun. One more signal ends the wait.
pub(super) async fn stop(killer: Option<&KillHandle>, signals: &mut Signals) {
    let Some(killer) = killer else { return };
    let killed = {
        let _progress = Progress::step("killing the command");
        tokio::select! {
            biased;
            killed = timeout(BOUND, killer.kill()) => killed.ok(),
            _ = signals.next() => None,
        }
    };
    match killed {
        Some(Ok(_)) => output::note("the command was killed"),
        Some(Err(error)) => output::note(&format!(
            "the command could not be killed, its timeout will end it: {error}"
        )),
        None => output::note("the command may run until its timeout"),
    }
}
