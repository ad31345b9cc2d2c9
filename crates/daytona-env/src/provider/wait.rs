//! Waiting for a state without wasting time or requests.

use daytona_api::{Daytona, models};
use sandbox_core::Error;
use tokio::time::{Instant, sleep};

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

    /// Looks at once, then at the pace of the provider, until the sandbox runs or cannot any more.
    ///
    /// Whoever creates bounds the wait; a look that fails in passing is repeated.
    pub(super) async fn wait_until_running(
        &self,
        api: &Daytona,
        id: &str,
    ) -> Result<models::Sandbox, Error> {
        let began = Instant::now();
        let waiting = self.pace.join();
        loop {
            match self.get(api, id).await {
                Ok(found) => match row::phase(&found) {
                    Phase::Running => return Ok(found),
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
                    Phase::Starting | Phase::Stopping | Phase::Stopped => {}
                },
                Err(error) if error.is_not_found() || error.is_auth() => return Err(error),
                Err(_) => {}
            }
            sleep(waiting.next(began.elapsed())).await;
        }
    }
}
