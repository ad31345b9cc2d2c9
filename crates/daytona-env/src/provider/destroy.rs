//! Deleting, by id.

use daytona_api::Daytona;
use sandbox_core::{Destroyed, Error, Target};

use super::DaytonaProvider;
use crate::error::api_error;
use crate::params::DaytonaParamsResolved;

impl DaytonaProvider {
    /// Deletes by id. A name is looked up first, since a name alone could by then belong to a successor.
    pub(super) async fn destroy_sandbox(
        &self,
        target: &Target,
        params: &DaytonaParamsResolved,
    ) -> Result<Destroyed, Error> {
        let api = self.clients(params)?.api().clone();
        if let Some(id) = target.id() {
            return self.delete(&api, id).await;
        }
        match api.sandboxes().get(target.name()).await {
            Ok(found) if found.name == target.name() => self.delete(&api, &found.id).await,
            Ok(_) => Ok(Destroyed::Gone),
            Err(error) if error.is_not_found() => Ok(Destroyed::Gone),
            Err(error) => Err(api_error("find a sandbox to delete", error)),
        }
    }

    /// One delete. Once accepted it cannot be revoked: the server has written down that the sandbox is to go.
    pub(super) async fn delete(&self, api: &Daytona, id: &str) -> Result<Destroyed, Error> {
        let deleted = match api.sandboxes().delete(id).await {
            Ok(_) => Ok(Destroyed::Accepted),
            Err(error) if error.is_not_found() => Ok(Destroyed::Gone),
            Err(error) => Err(api_error("delete a sandbox", error)),
        };
        if deleted.is_ok() {
            self.anchors.forget(id);
        }
        deleted
    }
}
