//! Building a local environment.

use std::time::Duration;

use context_vars::{OptParam, Param, ParamMap, Resolve, Scope, Secret};

use super::environment::LocalEnvironment;
use super::params::LocalParams;
use super::settings::Settings;
use crate::{Error, ErrorKind};

/// Settings of a [`LocalEnvironment`].
#[derive(Debug, Default)]
#[must_use = "nothing is made until `build`"]
pub struct LocalEnvironmentBuilder {
    params: LocalParams,
    settings: Settings,
}

impl LocalEnvironmentBuilder {
    /// The folder to work in, made if it is not there, and kept by `close`. Default: a new
    /// temporary folder for each sandbox, removed by `close`.
    pub fn path(mut self, path: impl Into<OptParam<String>>) -> Self {
        self.params.path = path.into();
        self
    }

    /// Removes the folder of [`path`](Self::path) too, with all that is in it.
    pub fn remove_path_on_close(mut self) -> Self {
        self.settings.remove_given = true;
        self
    }

    /// The environment of every command; a command's own variables come before it.
    pub fn env_vars(mut self, vars: impl Into<ParamMap>) -> Self {
        self.params.env_vars = vars.into();
        self
    }

    /// One more variable of every command's environment.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.params.env_vars.insert(name, value);
        self
    }

    /// What else tells sandboxes apart, such as a tenant.
    pub fn scope(mut self, scope: impl Into<OptParam<Scope>>) -> Self {
        self.params.scope = scope.into();
        self
    }

    /// When to kill a command that names no timeout of its own. Default: 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Gives commands the whole environment of this process, with the keys that may be in it.
    pub fn inherit_env(mut self) -> Self {
        self.settings.inherit_env = true;
        self
    }

    /// The largest file that can be read, in bytes. Default: 256 MiB.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.settings.max_file_size = bytes;
        self
    }

    /// The environment. Touches nothing yet.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a zero timeout,
    /// [`Unresolved`](ErrorKind::Unresolved) for a constant that is no value of its parameter.
    pub fn build(self) -> Result<LocalEnvironment, Error> {
        self.params.check()?;
        if self.settings.timeout.is_zero() {
            return Err(Error::new(ErrorKind::InvalidInput, "the timeout is zero"));
        }
        Ok(LocalEnvironment::new(self.params, self.settings))
    }
}
