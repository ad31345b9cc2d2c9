//! Deleting, by id; and what is done where that is not allowed.

use daytona_api::Daytona;
use sandbox_core::{Destroyed, Error, ErrorKind, Target};

use super::phase::Phase;
use super::{DaytonaProvider, row};
use crate::error::api_error;
use crate::labels;
use crate::lease::Echo;
use crate::params::DaytonaParamsResolved;

const OPERATION: &str = "delete a sandbox";
/// A server that answers in circles must not keep us for ever.
const MOST_FORKS: usize = 1000;

impl DaytonaProvider {
    /// Deletes by id. A name is looked up first, since a name alone could by then belong to a successor.
    pub(super) async fn destroy_sandbox(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<Destroyed, Error> {
        let api = self.clients(params)?.api().clone();
        if self.shares() {
            return self.release(&api, target).await;
        }
        match self.id_of(&api, target).await? {
            Some(id) => self.delete(&api, &id).await,
            None => Ok(Destroyed::Gone),
        }
    }

    /// Lets go of what others may use. Deleted is only a row that nobody can use any more and that would keep its name
    /// from all, and one without a lease.
    pub(super) async fn release(&self, api: &Daytona, target: &Target) -> Result<Destroyed, Error> {
        let id_or_name = target.id().unwrap_or(target.name());
        let found = match api.sandboxes().get(id_or_name).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(Destroyed::Gone),
            Err(error) => return Err(api_error("look at a shared sandbox", error)),
        };
        self.anchors.forget(&found.id);
        match row::phase(&found) {
            Phase::Failed if found.name == target.name() => self.delete(api, &found.id).await,
            Phase::Gone => Ok(Destroyed::Gone),
            // without a lease nothing would ever end it
            _ if row::echo(&found, &self.settings.intervals) != Echo::Holds => {
                self.delete(api, &found.id).await
            }
            _ => Ok(Destroyed::Released),
        }
    }

    /// The id of what is to go; `None` if nothing has its name any more.
    async fn id_of(&self, api: &Daytona, target: &Target) -> Result<Option<String>, Error> {
        if let Some(id) = target.id() {
            return Ok(Some(id.to_owned()));
        }
        let found = self.look_up(api, target.name()).await?;
        Ok(found
            .filter(|found| found.name == target.name())
            .map(|found| found.id))
    }

    /// What is left to do with a credential that may not delete: stop it. An ephemeral one is destroyed by that.
    pub(super) async fn stop_sandbox(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<(), Error> {
        let api = self.clients(params)?.api().clone();
        let Some(id) = self.id_of(&api, target).await? else {
            return Ok(());
        };
        match api.sandboxes().stop(&id, false).await {
            Ok(_) => Ok(()),
            // stopped already, or on its way
            Err(error) if error.status() == Some(400) && says_stopped(&error) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(api_error("stop a sandbox", error)),
        }
    }

    /// The forks of a sandbox, which Daytona wants gone first: those that carry our namespace, children before parents.
    pub(super) async fn forks(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<Vec<Target>, Error> {
        let api = self.clients(params)?.api().clone();
        let Some(id) = self.id_of(&api, target).await? else {
            return Ok(Vec::new());
        };
        let mut open = vec![id];
        let mut found = Vec::new();
        while let Some(parent) = open.pop() {
            let failed = |error| api_error("list the forks of a sandbox", error);
            let forks = api
                .sandboxes()
                .forks(&parent, false)
                .await
                .map_err(failed)?;
            for fork in forks {
                let label = |key: &str| fork.labels.get(key).map(String::as_str);
                let ours = label(labels::MANAGED) == Some("1")
                    && label(labels::NAMESPACE) == Some(self.settings.namespace.as_str());
                let known = found
                    .iter()
                    .any(|target: &Target| target.id() == Some(&fork.id));
                if ours && !known && found.len() < MOST_FORKS {
                    open.push(fork.id.clone());
                    found.push(Target::new(Some(fork.id), fork.name));
                }
            }
        }
        found.reverse();
        Ok(found)
    }

    /// One delete. Once accepted it cannot be revoked: the server has written down that the sandbox is to go. Only a row
    /// that shows so is believed: a success alone may come from a proxy, or from a server that did nothing.
    pub(super) async fn delete(&self, api: &Daytona, id: &str) -> Result<Destroyed, Error> {
        let deleted = delete_shown(api, id).await?;
        self.anchors.forget(id);
        Ok(deleted)
    }
}

/// Deletes by id, and looks once more where the answer does not show that the sandbox is to go.
pub(crate) async fn delete_shown(api: &Daytona, id: &str) -> Result<Destroyed, Error> {
    match api.sandboxes().delete(id).await {
        Ok(Some(row)) if row::phase(&row) == Phase::Gone => return Ok(Destroyed::Accepted),
        Ok(_) => {}
        Err(error) if error.is_not_found() => return Ok(Destroyed::Gone),
        Err(error) => return Err(api_error(OPERATION, error)),
    }
    match api.sandboxes().get(id).await {
        Ok(row) if row::phase(&row) == Phase::Gone => Ok(Destroyed::Accepted),
        Ok(_) => Err(Error::new(
            ErrorKind::Unavailable,
            "the server answered the delete with success, yet the sandbox is there and not about to go",
        )
        .with_operation(OPERATION)),
        Err(error) if error.is_not_found() => Ok(Destroyed::Accepted),
        Err(error) => Err(api_error("look whether a sandbox is deleted", error)),
    }
}

fn says_stopped(error: &daytona_api::Error) -> bool {
    error
        .message()
        .is_some_and(|text| text.contains("not in a stoppable state"))
}
