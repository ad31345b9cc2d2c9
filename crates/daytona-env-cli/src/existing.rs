//! Sandboxes that are there already, named by the user.

use daytona_api::models::Sandbox;

use crate::error::Failure;
use crate::host::{Account, HostEnv};

/// The label that everything of ours carries.
pub(crate) const MANAGED: (&str, &str) = ("daytona-env.managed", "1");

/// The account that is configured: on the embedded server nothing is there before a run, or after it.
pub(crate) fn account(host: &HostEnv) -> Result<Account, Failure> {
    host.account()?.ok_or_else(|| {
        Failure::new("no DAYTONA_API_KEY is set, so there is no server that could have this sandbox").hint(
            "set DAYTONA_API_KEY; for `daytona-env serve`, set DAYTONA_API_URL too. A `run` without a key leaves nothing",
        )
    })
}

/// Refuses a sandbox of somebody else.
pub(crate) fn check_ours(row: &Sandbox, any: bool) -> Result<(), Failure> {
    let ours = row
        .labels
        .get(MANAGED.0)
        .is_some_and(|value| value == MANAGED.1);
    if ours || any {
        return Ok(());
    }
    Err(Failure::new(format!(
        "sandbox {} (id {}) was not made by this program or its library; it was left alone",
        row.name, row.id
    ))
    .hint("--any takes it all the same"))
}
