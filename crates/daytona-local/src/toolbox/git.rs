//! The git routes, done by the sandbox's own git in the sandbox.

mod branch;
mod change;
mod config;
mod failure;
mod remote;
mod run;
mod status;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Place;
use crate::server::Call;
use crate::server::app::App;
use crate::server::reply::{Failure, Reply};
use crate::server::unserved::not_served;
use run::Git;

pub(super) async fn handle(app: &Arc<App>, place: &Place, call: Call) -> Result<Reply, Failure> {
    let git = Git { app, place };
    let route = call.matched.route.unwrap_or_default();
    match route {
        "GetStatus" => return status::status(&git, &call).await,
        "ListBranches" => return branch::list(&git, &call).await,
        "GetCommitHistory" => return change::history(&git, &call).await,
        "ListRemotes" => return remote::list(&git, &call).await,
        "GetGitConfig" => return config::get(&git, &call).await,
        _ => {}
    }
    let asked = Asked::read(call).await?;
    match route {
        "CloneRepository" => remote::clone(&git, &asked).await,
        "PushChanges" => remote::push(&git, &asked).await,
        "PullChanges" => remote::pull(&git, &asked).await,
        "AddRemote" => remote::add(&git, &asked).await,
        "Authenticate" => remote::remember(&git, &asked).await,
        "CreateBranch" => branch::create(&git, &asked).await,
        "DeleteBranch" => branch::delete(&git, &asked).await,
        "CheckoutBranch" => branch::checkout(&git, &asked).await,
        "AddFiles" => change::add(&git, &asked).await,
        "CommitChanges" => change::commit(&git, &asked).await,
        "ResetChanges" => change::reset(&git, &asked).await,
        "RestoreFiles" => change::restore(&git, &asked).await,
        "InitRepository" => change::init(&git, &asked).await,
        "SetGitConfig" => config::set(&git, &asked).await,
        "ConfigureUser" => config::user(&git, &asked).await,
        _ => Err(not_served(route)),
    }
}

/// The body of a request.
struct Asked(Map<String, Value>);

impl Asked {
    async fn read(mut call: Call) -> Result<Self, Failure> {
        match call
            .json()
            .await
            .map_err(|failure| invalid(failure.message))?
        {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(invalid("not an object")),
        }
    }

    /// A text that may be missing; an empty one counts as missing.
    fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => {
                Err(invalid(format!("{name} holds a NUL")))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(invalid(format!("{name} must be a string"))),
        }
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?.ok_or_else(|| required(name))
    }

    /// A name for git that it must not take for an option.
    fn name(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.text(name)? {
            Some(text) if text.starts_with('-') => {
                Err(invalid(format!("{name} must not begin with -")))
            }
            text => Ok(text),
        }
    }

    fn required_name(&self, name: &str) -> Result<&str, Failure> {
        self.name(name)?.ok_or_else(|| required(name))
    }

    fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(format!("{name} must be a boolean"))),
        }
    }

    fn files(&self) -> Result<Vec<&str>, Failure> {
        let wrong = || invalid("files must be a list of strings");
        match self.0.get("files") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(files)) => files
                .iter()
                .map(|file| file.as_str().ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// Both, or none: half of them is of no use.
    fn credentials(&self) -> Result<Option<(&str, &str)>, Failure> {
        Ok(self.text("username")?.zip(self.text("password")?))
    }
}

/// The repository that a GET is about.
fn repository(call: &Call) -> Result<&str, Failure> {
    call.query
        .get("path")
        .filter(|path| !path.is_empty())
        .ok_or_else(|| required("path"))
}

fn required(name: &str) -> Failure {
    Failure::bad(format!("bad request: {name} is required"))
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::bad(format!("bad request: invalid request body: {message}"))
}
