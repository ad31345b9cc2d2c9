//! Making, finding and removing workshops.

use async_trait::async_trait;
use context_vars::{OptParam, ParamMap, Resolve, Scope};
use sandbox_core::{Attempt, CreateError, Destroyed, Error, Found, Provider, Target};
use tokio::fs;

use crate::command;
use crate::sandbox::Workshop;

/// Folders below an absolute root, which is made when the first of them is.
#[derive(Debug)]
pub struct Workshops(pub String);

/// What workshops are keyed by: contexts that differ in a value never share one.
#[derive(Debug, Default, Resolve)]
pub struct WorkshopParams {
    /// What tells workshops apart, such as a tenant.
    pub scope: OptParam<Scope>,
    /// The environment of every command.
    pub env_vars: ParamMap,
}

type Resolved = WorkshopParamsResolved;

impl Workshops {
    fn home(&self, name: &str) -> String {
        format!("{}/{name}/home", self.0)
    }
}

#[async_trait]
impl Provider for Workshops {
    type Params = WorkshopParams;
    type Sandbox = Workshop;

    async fn create(&self, attempt: &Attempt, params: &Resolved) -> Result<Workshop, CreateError> {
        let home = self.home(attempt.name());
        match fs::create_dir_all(&home).await {
            Ok(()) => Ok(Workshop::new(attempt, home, params)),
            // Some of it may have been made: `find` is asked next, and `destroy` if it stays unclear.
            Err(error) => Err(CreateError::may_exist(Error::io("make the folder", error))),
        }
    }

    async fn find(&self, attempt: &Attempt, params: &Resolved) -> Result<Found<Workshop>, Error> {
        let home = self.home(attempt.name());
        match fs::try_exists(&home).await {
            Ok(true) => Ok(Found::Ready(Workshop::new(attempt, home, params))),
            Ok(false) => Ok(Found::Absent),
            // Not known is not absent.
            Err(error) => Err(Error::io("look for the folder", error)),
        }
    }

    async fn destroy(&self, target: &Target, _: &Resolved) -> Result<Destroyed, Error> {
        command::kill(format!("{}/", target.name())).await;
        let removed = fs::remove_dir_all(format!("{}/{}", self.0, target.name())).await;
        match removed.map_err(|error| Error::io("remove the folder", error)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(Destroyed::Gone),
        }
    }
}
