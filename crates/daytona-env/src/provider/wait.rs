//! Waiting for a state without wasting time or requests.

use std::time::Duration;

use daytona_api::api::{Change, Watch};
use daytona_api::{Daytona, models};
use sandbox_core::Error;
use tokio::time::{Instant, sleep, timeout};

use super::looks::CACHED;
use super::phase::Phase;
use super::{DaytonaProvider, row};
use crate::error::{api_error, provider_error};

impl DaytonaProvider {
    /// One look at a sandbox, by id.
    pub(super) async fn get(&self, api: &Daytona, id: &str) -> Result<models::Sandbox, Error> {
        let row = api
            .sandboxes()
            .get(id)
            .await
            .map_err(|error| api_error("look at a sandbox", error))?;
        if row.id != id {
            return Err(provider_error(
                "look at a sandbox",
                "the server answered with another sandbox than asked for",
            ));
        }
        Ok(row)
    }

    /// Looks at once, then at the pace of the provider, until the sandbox runs or cannot any more. A server that tells
    /// its events shortens the pause, never replaces a look, and is never waited for.
    ///
    /// Whoever creates bounds the wait; a look that fails in passing is repeated.
    pub(super) async fn wait_until_running(
        &self,
        api: &Daytona,
        id: &str,
    ) -> Result<models::Sandbox, Error> {
        let began = Instant::now();
        let waiting = self.pace.join();
        // asked for only if the first look does not do
        let mut watch: Option<Watch> = None;
        let mut woken = Woken::Time;
        loop {
            // before the look: what happens after it is told
            let mut live = watch.as_mut().is_some_and(Watch::is_live);
            match self.get(api, id).await {
                Ok(found) => match row::phase(&found) {
                    Phase::Running => {
                        if let (Some(watch), true, Woken::Time) = (&watch, live, woken) {
                            watch.overlooked();
                        }
                        return Ok(found);
                    }
                    Phase::Failed => return Err(row::failure(api, &found)),
                    Phase::Gone => {
                        return Err(provider_error(
                            "start a sandbox",
                            "the sandbox was deleted while it started",
                        ));
                    }
                    Phase::Stopped if began.elapsed() > CACHED => {
                        return Err(provider_error(
                            "start a sandbox",
                            "the sandbox stopped while it started",
                        ));
                    }
                    // what was said may be older than what was told
                    Phase::Stopping | Phase::Stopped => live = false,
                    Phase::Starting => {}
                },
                Err(error) if error.is_not_found() || error.is_auth() => return Err(error),
                Err(_) => {}
            }
            let watch = watch.get_or_insert_with(|| api.sandboxes().watch(id));
            let pause = if live {
                waiting.beside_events(began.elapsed())
            } else {
                waiting.next(began.elapsed())
            };
            woken = rest(watch, pause).await;
            if woken == Woken::Loss {
                // all who wait see it at once, and need not all look at once
                sleep(waiting.next(began.elapsed())).await;
            }
        }
    }
}

/// What ended a pause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Time,
    News,
    /// From now on nothing is told.
    Loss,
}

/// Pauses, or less if the server tells something that is worth a look.
async fn rest(watch: &mut Watch, pause: Duration) -> Woken {
    let news = async {
        loop {
            match watch.changed().await {
                // on its way, as was known
                Change::State(state)
                    if Phase::of(Some(state.as_str()), None) == Phase::Starting => {}
                Change::Down => return Woken::Loss,
                _ => return Woken::News,
            }
        }
    };
    timeout(pause, news).await.unwrap_or(Woken::Time)
}
