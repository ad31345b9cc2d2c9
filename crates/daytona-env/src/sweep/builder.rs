//! Configures a sweeper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use context_vars::Secret;
use daytona_api::transport::Transport;
use daytona_api::{Config, Daytona};
use sandbox_core::Error;

use super::Sweeper;
use crate::builder::{DEFAULT_API_URL, DEFAULT_NAMESPACE};
use crate::error::{api_error, internal, invalid};
use crate::fingerprint::instance;
use crate::validate::{ApiUrl, Invalid, check_credential, check_label};

/// Three of the default leases.
const DEFAULT_IDLE: Duration = Duration::from_secs(15 * 60);
/// A living process renews once a minute; less than this could be a stutter of its network.
const SHORTEST_IDLE: Duration = Duration::from_secs(9 * 60);

/// Configures a [`Sweeper`]; [`build`](Self::build) checks everything and does no I/O.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct SweeperBuilder {
    credential: Option<Credential>,
    api_url: String,
    namespace: String,
    idle: Duration,
    persistent: bool,
    dry_run: bool,
    transport: Option<Arc<dyn Transport>>,
}

#[derive(Clone)]
enum Credential {
    ApiKey(Secret),
    Jwt(Secret, String),
}

impl Default for SweeperBuilder {
    fn default() -> Self {
        Self {
            credential: None,
            api_url: DEFAULT_API_URL.to_owned(),
            namespace: DEFAULT_NAMESPACE.to_owned(),
            idle: DEFAULT_IDLE,
            persistent: false,
            dry_run: false,
            transport: None,
        }
    }
}

impl fmt::Debug for SweeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SweeperBuilder")
            .field("namespace", &self.namespace)
            .field("idle", &self.idle)
            .field("persistent", &self.persistent)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

impl SweeperBuilder {
    /// The API key; it must be allowed to list and to delete.
    pub fn api_key(mut self, api_key: impl Into<Secret>) -> Self {
        self.credential = Some(Credential::ApiKey(api_key.into()));
        self
    }

    /// A JWT and the organization it is for, instead of an API key.
    pub fn jwt(mut self, jwt: impl Into<Secret>, organization: impl Into<String>) -> Self {
        self.credential = Some(Credential::Jwt(jwt.into(), organization.into()));
        self
    }

    /// The API's base URL, such as `https://app.daytona.io/api`, the default.
    pub fn api_url(mut self, api_url: impl Into<String>) -> Self {
        self.api_url = api_url.into();
        self
    }

    /// Only sandboxes of this [namespace](crate::DaytonaEnvironmentBuilder::namespace). Default: `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Only sandboxes that nobody has renewed for this long, at least 9 minutes; never less than three times a
    /// sandbox's own lease. Default: 15 minutes.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Also sandboxes with a [`Persist`](crate::Lease::Persist) lease, which are meant to be kept when stopped. Those that
    /// broke, and that the server does not call recoverable, go in any case.
    /// Default: no.
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Only tells what would be removed. Default: no.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// How requests travel, for tests. Default: hyper over TCP and TLS.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, with what to change: no credential or an empty one, a URL that is none, a namespace with
    /// characters a label cannot hold, an `idle` below nine minutes.
    pub fn build(self) -> Result<Sweeper, Error> {
        let checked = |check: Result<(), Invalid>| check.map_err(|error| invalid(&error));
        checked(ApiUrl::parse(&self.api_url).map(drop))?;
        checked(check_label("ns", &self.namespace))?;
        if self.idle < SHORTEST_IDLE {
            return Err(invalid(&Invalid::new(format!(
                "`idle` must be at least 9 minutes, got {:?}: a sandbox may be in use and not renewed for that long",
                self.idle
            ))));
        }
        let config = match &self.credential {
            None => {
                return Err(invalid(&Invalid::new(
                    "no credential: give `api_key` or `jwt`; the host's environment is never asked",
                )));
            }
            Some(Credential::ApiKey(key)) => {
                checked(check_credential("api_key", key.expose()))?;
                Config::new(key.expose())
            }
            Some(Credential::Jwt(token, organization)) => {
                checked(check_credential("jwt", token.expose()))?;
                checked(check_credential("organization", organization))?;
                Config::jwt(token.expose(), organization)
            }
        };
        let mut api = Daytona::builder(config.api_url(&self.api_url));
        if let Some(transport) = self.transport {
            api = api.transport(transport);
        }
        Ok(Sweeper {
            api: api
                .build()
                .map_err(|error| api_error("set up a sweeper", error))?,
            namespace: self.namespace.into(),
            idle: self.idle,
            persistent: self.persistent,
            dry_run: self.dry_run,
            instance: instance().map_err(|_| internal("the system gives no random bytes"))?,
        })
    }
}
