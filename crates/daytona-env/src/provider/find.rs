//! What a name that may or may not have been used has come to.

use std::time::Duration;

use daytona_api::{Daytona, models};
use sandbox_core::{Attempt, Error, ErrorKind, Found, Health, Target};

use tokio::time::{Instant, sleep, sleep_until};

use super::create::Making;
use super::phase::Phase;
use super::{DaytonaProvider, row};
use crate::error::{api_error, provider_error};
use crate::labels::Owner;
use crate::params::DaytonaParamsResolved;
use crate::sandbox::DaytonaSandbox;

/// Between two tries to start what is still stopping.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many answers to a start may be lost: what came of each is looked at, and it is asked for again.
pub(crate) const UNCLEAR_STARTS: u32 = 3;

impl DaytonaProvider {
    /// Looks the attempt up by its name. The name holds 128 random bits chosen when the attempt began, so a row of that
    /// name with our labels can only be its own.
    pub(super) async fn find_sandbox(
        &self,
        attempt: &Attempt,
        params: &DaytonaParamsResolved,
    ) -> Result<Found<DaytonaSandbox>, Error> {
        let clients = self.clients(params)?;
        let api = clients.api().clone();
        let Some(found) = self.look_up(&api, attempt.name()).await? else {
            return Ok(Found::Absent);
        };
        let owner = self
            .ownership(attempt, params)
            .judge(|key| found.labels.get(key).map(String::as_str));
        if found.name != attempt.name() || owner != Owner::Us {
            return Err(not_ours(&owner));
        }
        let target = Target::new(Some(found.id.clone()), attempt.name());
        match row::phase(&found) {
            Phase::Gone => Ok(Found::Absent),
            // a shared one may be in use by others: a start or a command would keep it for them, and be paid for
            _ if attempt.is_abandoned() => {
                self.note_time_to_live(attempt, &found);
                let reason = provider_error("find a sandbox", "nobody waits for it any more");
                Ok(Found::Broken { target, reason })
            }
            Phase::Starting => {
                self.note_time_to_live(attempt, &found);
                Ok(Found::Pending)
            }
            Phase::Failed => {
                self.note_time_to_live(attempt, &found);
                Ok(Found::Broken {
                    target,
                    reason: row::failure(&api, &found),
                })
            }
            // another sharer may be waking it; what is going away frees its name soon
            Phase::Stopping if self.shares() => Ok(Found::Pending),
            Phase::Stopped if self.shares() && self.settings.lease.is_ephemeral() => {
                Ok(Found::Pending)
            }
            Phase::Stopped if self.shares() => {
                // whatever came of it, the next look tells
                ask_to_start(&api, &found.id).await?;
                Ok(Found::Pending)
            }
            Phase::Stopping | Phase::Stopped => {
                let reason =
                    provider_error("start a sandbox", "the sandbox stopped before it was used");
                Ok(Found::Broken { target, reason })
            }
            Phase::Running => {
                Box::pin(self.adopt(
                    Making {
                        attempt,
                        clients,
                        api,
                    },
                    target,
                    found,
                ))
                .await
            }
        }
    }

    /// The row of this name; `None` only where there is none for certain, as far as an answer can tell.
    pub(super) async fn look_up(
        &self,
        api: &Daytona,
        name: &str,
    ) -> Result<Option<models::Sandbox>, Error> {
        loop {
            match api.sandboxes().get(name).await {
                Ok(found) => return Ok(Some(found)),
                Err(error) if error.is_not_found() => match self.looks.found_nothing(name) {
                    Some(doubtful_until) => sleep_until(doubtful_until).await,
                    None => return Ok(None),
                },
                Err(error) => return Err(api_error("find a sandbox", error)),
            }
        }
    }

    async fn adopt(
        &self,
        making: Making<'_>,
        target: Target,
        found: models::Sandbox,
    ) -> Result<Found<DaytonaSandbox>, Error> {
        match Box::pin(self.make_ready(&making, found)).await {
            Ok(sandbox) => Ok(Found::Ready(sandbox)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::RateLimited
                ) =>
            {
                Err(error)
            }
            Err(reason) => Ok(Found::Broken { target, reason }),
        }
    }

    pub(super) async fn inspect_sandbox(&self, sandbox: &DaytonaSandbox) -> Result<Health, Error> {
        let api = sandbox.clients().api();
        let found = match self.get(api, sandbox.id()).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => {
                return Ok(Health::Gone {
                    reason: "the server does not know it".into(),
                });
            }
            Err(error) => return Err(error),
        };
        Ok(match row::phase(&found) {
            Phase::Running => Health::Healthy,
            Phase::Stopped | Phase::Stopping if !self.settings.lease.is_ephemeral() => {
                Health::Stopped
            }
            // it passes by itself, which `start` waits for
            Phase::Starting if row::is_known(&found) => Health::Stopped,
            Phase::Starting => Health::Unknown,
            Phase::Stopping | Phase::Stopped => Health::Gone {
                reason: format!(
                    "it is {}, and under its lease what stops is deleted",
                    row::state(&found)
                ),
            },
            Phase::Gone => Health::Gone {
                reason: "it was deleted".into(),
            },
            Phase::Failed => {
                // nothing on the server removes such a row
                self.delete(api, sandbox.id()).await?;
                Health::Gone {
                    reason: row::reason(api, &found),
                }
            }
        })
    }

    /// Wakes a stopped or archived sandbox and waits until it runs; one that is just changing is waited for.
    pub(super) async fn start_sandbox(&self, sandbox: &DaytonaSandbox) -> Result<(), Error> {
        let (api, id) = (sandbox.clients().api(), sandbox.id());
        let began = Instant::now();
        let mut unclear = 0;
        loop {
            let refused = match ask_to_start(api, id).await {
                Ok(Start::Accepted) => break,
                Ok(Start::Changing) => None,
                Ok(Start::Unclear(_)) if unclear < UNCLEAR_STARTS => {
                    unclear += 1;
                    None
                }
                Ok(Start::Unclear(error)) => return Err(error),
                Err(error) => Some(error),
            };
            // a start that somebody else asked for, or the one whose answer was lost; or still the stop
            let asks_again = match (row::phase(&self.get(api, id).await?), refused) {
                (Phase::Starting | Phase::Running, _) => false,
                // refused for as long as it stops
                (Phase::Stopping, Some(error)) if error.kind() == ErrorKind::InvalidInput => true,
                (_, Some(error)) => return Err(error),
                (phase, None) => matches!(phase, Phase::Stopping | Phase::Stopped),
            };
            if !asks_again {
                break;
            }
            sleep((began.elapsed() / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
        }
        self.wait_until_running(api, id).await.map(|_| ())
    }
}

/// What came of asking for a start.
pub(crate) enum Start {
    Accepted,
    /// The state is just changing.
    Changing,
    /// Nobody said no: it may be on its way all the same.
    Unclear(Error),
}

/// Asks once for a start.
pub(crate) async fn ask_to_start(api: &Daytona, id: &str) -> Result<Start, Error> {
    match api.sandboxes().start(id).await {
        Ok(_) => Ok(Start::Accepted),
        Err(error) if error.is_conflict() => Ok(Start::Changing),
        Err(error) => {
            let refused = matches!(error.status(), Some(400..=499));
            let error = api_error("start a sandbox", error);
            if refused {
                Err(error)
            } else {
                Ok(Start::Unclear(error))
            }
        }
    }
}

fn not_ours(owner: &Owner) -> Error {
    let message = match owner {
        Owner::Drifted(parameters) if !parameters.is_empty() => format!(
            "the shared sandbox was made with other values of {}; give every process of the group the same, or another \
             group",
            parameters.join(", ")
        ),
        Owner::Drifted(_) => {
            "the shared sandbox was made with other parameters than these; give every process of the group the same"
                .to_owned()
        }
        _ => "a sandbox of that name exists and does not carry our labels; it was left alone".to_owned(),
    };
    Error::new(ErrorKind::Conflict, message).with_operation("find a sandbox")
}
