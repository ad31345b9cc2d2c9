//! What can be checked before there is a context.

use std::time::Duration;

use context_vars::{NoVars, OptParam, Secret};

use super::{
    BUILD_TIMEOUT, CREATE_TIMEOUT, DaytonaEnvironmentBuilder, MAX_CREATE_TIMEOUT, MAX_TIMEOUT,
    RENEW_INTERVAL,
};
use crate::params::Known;
use crate::settings::Settings;
use crate::validate::{Invalid, Origin, check_env, check_label, check_shape, normal_workdir};

impl DaytonaEnvironmentBuilder {
    /// The original's order first: what excludes each other, then the timeout.
    pub(super) fn check(&self) -> Result<Settings, Invalid> {
        let known = self.known();
        let resources = !self.resources.is_empty();
        check_shape(
            known.snapshot,
            known.image,
            resources && !self.image.text.is_set(),
        )?;
        self.image.check()?;
        if self.timeout < Duration::from_secs(1) {
            return Err(Invalid::new("`timeout` must be >= 1 second."));
        }
        if self.timeout > MAX_TIMEOUT {
            return Err(Invalid::new("`timeout` must be at most 24 hours"));
        }
        self.resources.check()?;
        self.check_credential()?;
        let settings = self.settings()?;
        known.check(&settings)?;
        self.check_env()?;
        self.check_origin()?;
        if self.require_scope && self.scope.is_none() {
            return Err(Invalid::new(
                "`scope` is required here; give the tenant's, or `Scope::Shared` if sharing between tenants is meant",
            ));
        }
        Ok(settings)
    }

    fn settings(&self) -> Result<Settings, Invalid> {
        for (key, value) in &self.labels {
            check_label(key, value)?;
        }
        check_label("ns", &self.namespace)?;
        for origin in &self.toolbox_origins {
            Origin::parse("allow_toolbox_origin", origin)?;
        }
        let create_timeout = self.create_timeout.unwrap_or(if self.image.text.is_set() {
            BUILD_TIMEOUT
        } else {
            CREATE_TIMEOUT
        });
        if !(Duration::from_secs(1)..=MAX_CREATE_TIMEOUT).contains(&create_timeout) {
            return Err(Invalid::new(
                "`create_timeout` must be from 1 second to 1 hour",
            ));
        }
        if self.renew_interval.is_zero() || self.renew_interval > RENEW_INTERVAL {
            return Err(Invalid::new(
                "`renew_interval` must be more than zero and at most 60 seconds",
            ));
        }
        self.limits.check()?;
        if let Some((share, fleet_key)) = &self.share {
            share.check(fleet_key)?;
            if self.limits.max_lifetime.is_some() {
                return Err(Invalid::new(
                    "`max_lifetime` cannot bound what is shared: each process would count from when it joined, and none \
                     deletes; leave it out, or leave out `share`",
                ));
            }
        }
        Ok(Settings {
            resources: self.resources,
            workdir: self.workdir.as_deref().map(normal_workdir).transpose()?,
            timeout: self.timeout,
            labels: self.labels.clone(),
            lease: self.lease,
            intervals: self.lease.intervals()?,
            create_timeout,
            allowed_origins: self
                .allowed_origins
                .iter()
                .map(|text| Origin::parse("allow_origin", text))
                .collect::<Result<_, _>>()?,
            toolbox_origins: self.toolbox_origins.clone(),
            trace: self.trace.clone(),
            namespace: self.namespace.clone(),
            renew_interval: self.renew_interval,
            share: self.share.as_ref().map(|(share, _)| share.clone()),
            max_lifetime: self.limits.max_lifetime,
            described_image: self.image.described,
            #[cfg(feature = "context")]
            files: self.image.files.clone(),
        })
    }

    fn known(&self) -> Known<'_> {
        Known {
            api_key: self.api_key.constant().map(Secret::expose),
            jwt: self.jwt.constant().map(Secret::expose),
            organization: self.organization.constant().map(String::as_str),
            api_url: self.api_url.constant().map(String::as_str),
            target: self.target.constant().map(String::as_str),
            snapshot: self.snapshot.constant().map(String::as_str),
            image: self.image.text.constant().map(String::as_str),
        }
    }

    fn check_credential(&self) -> Result<(), Invalid> {
        match (self.api_key.is_set(), self.jwt.is_set()) {
            (false, false) => Err(Invalid::new(
                "no credential: give `api_key`, or `jwt` with its organization; the host's environment is never asked",
            )),
            (true, true) => Err(Invalid::new("Specify either `api_key` or `jwt`, not both.")),
            _ => Ok(()),
        }
    }

    fn check_env(&self) -> Result<(), Invalid> {
        for (name, value) in &self.env_names {
            check_env(name, value.as_ref().map_or("", Secret::expose))?;
        }
        // a map of constants resolves without a context; any other is checked by each open
        if let Ok(map) = self.env_vars.get("env_vars", &NoVars) {
            map.iter()
                .try_for_each(|(name, value)| check_env(name, value.expose()))?;
        }
        Ok(())
    }

    /// A credential that is there without any context must not go wherever a context says.
    fn check_origin(&self) -> Result<(), Invalid> {
        let held =
            |param: &OptParam<Secret>| matches!(param.get("credential", &NoVars), Ok(Some(_)));
        if self.allowed_origins.is_empty()
            && !self.api_url.is_constant()
            && (held(&self.api_key) || held(&self.jwt))
        {
            return Err(Invalid::new(
                "`api_url` is a variable and the credential is not, so whoever sets the variable would be sent the \
                 credential; list the origins it may name with `allow_origin`, or make the credential a variable without \
                 a default",
            ));
        }
        Ok(())
    }
}
