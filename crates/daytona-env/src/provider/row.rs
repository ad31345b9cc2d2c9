//! A sandbox as the server describes it, as far as the life cycle goes.

use daytona_api::{Daytona, models};

use super::phase::Phase;
use sandbox_core::Error;

use crate::error::provider_error;
use crate::lease::{Echo, Intervals};

/// Longest reason taken over into an error, in bytes.
const MAX_REASON: usize = 300;

pub(crate) fn phase(row: &models::Sandbox) -> Phase {
    Phase::of(
        row.state.as_ref().map(models::SandboxState::as_str),
        row.desired_state
            .as_ref()
            .map(models::SandboxDesiredState::as_str),
    )
}

pub(crate) fn echo(row: &models::Sandbox, intervals: &Intervals) -> Echo {
    intervals.echo(row.auto_stop_interval, row.auto_delete_interval)
}

/// The state, in the words of the API.
pub(crate) fn state(row: &models::Sandbox) -> &str {
    row.state
        .as_ref()
        .map_or("unknown", models::SandboxState::as_str)
}

/// Whether it is a state of the API's, so that it is known to pass.
pub(crate) fn is_known(row: &models::Sandbox) -> bool {
    let state = state(row);
    let mut known = models::SandboxState::ALL.iter();
    state != "unknown" && known.any(|known| known.as_str() == state)
}

/// The error of a sandbox that the server gave up.
pub(crate) fn failure(api: &Daytona, row: &models::Sandbox) -> Error {
    provider_error("start a sandbox", reason(api, row))
}

/// Why the server gave up: one line, bounded, without the credential and the sandbox's environment.
pub(crate) fn reason(api: &Daytona, row: &models::Sandbox) -> String {
    let state = state(row);
    let text = row.error_reason.as_deref().unwrap_or_default();
    let line = api.redact(text, row.env.values().map(String::as_str), MAX_REASON);
    if line.is_empty() {
        return format!("the server reports the state `{state}` without a reason");
    }
    format!("the server reports the state `{state}`: {line}")
}
