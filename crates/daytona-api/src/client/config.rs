//! What a client needs to know.

use std::fmt;
use std::time::Duration;

use super::auth::{ApiKey, Base, Credential};
use super::trace_context::{Hook, TraceContext};
use crate::error::Error;

/// The version told in `X-Daytona-SDK-Version`. It says how the toolbox shall answer, not which release of this
/// crate runs: from 0.167.0 on the session routes answer in JSON, without a version in plain text.
pub(super) const WIRE_VERSION: &str = "0.205.0";

/// Daytona's own address.
pub(crate) const DEFAULT_URL: &str = "https://app.daytona.io/api";

/// Credential, address and limits of a client.
///
/// Made with [`new`](Self::new), [`jwt`](Self::jwt) or [`from_env`](Self::from_env); the rest has defaults.
/// What is wrong with it is reported when the client is built.
///
/// ```
/// use daytona_api::{Config, Daytona};
///
/// let api = Daytona::new(Config::new("key").api_url("http://127.0.0.1:3986/api").target("eu"))?;
/// assert!(!format!("{api:?}").contains("key\""));
/// # Ok::<(), daytona_api::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Config {
    pub(crate) credential: Credential,
    pub(crate) api_url: String,
    pub(crate) target: Option<String>,
    pub(crate) allowed: Vec<String>,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) user_agent: Option<String>,
    pub(crate) trace_context: Option<Hook>,
}

/// How long things may take. All of it is measured with [`tokio::time`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Connecting; TLS has as long again. Default 5 seconds.
    pub connect: Duration,
    /// Until the head of an answer, besides what an operation itself may take. Default 10 seconds.
    pub head: Duration,
    /// Between two pieces of an answer's body. Default 30 seconds.
    pub body_idle: Duration,
    /// A whole call with its retries. Default 60 seconds; creating, executing and transfers add their own time.
    pub total: Duration,
    /// What the server may take for a create, besides `head`. Servers wait up to 30 seconds for a sandbox to
    /// start before they answer. Default 60 seconds.
    pub create: Duration,
    /// What a command without a timeout of its own may take. Default 1 hour.
    pub execute: Duration,
    /// What is added to a command's own timeout, so that the server's answer wins. Default 5 seconds.
    pub execute_grace: Duration,
    /// A whole upload or download. Default 30 minutes.
    pub transfer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            total: Duration::from_secs(60),
            create: Duration::from_secs(60),
            execute: Duration::from_secs(60 * 60),
            execute_grace: Duration::from_secs(5),
            transfer: Duration::from_secs(30 * 60),
        }
    }
}

/// How much is accepted, and how often it is tried.
///
/// Beyond these, an answer may have at most 100 header fields in 64 KiB, and JSON may be nested 128 deep.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The largest answer with metadata. Default 8 MiB.
    pub metadata: usize,
    /// The largest answer to a command or to code. Default 8 MiB.
    pub output: usize,
    /// How often an idempotent call is sent in all. Default 3; 1 turns retries off.
    pub attempts: u32,
    /// Connections open to one origin. Default 64.
    pub connections: usize,
    /// How long an unused connection is kept. Default 4 seconds.
    pub pool_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metadata: 8 << 20,
            output: 8 << 20,
            attempts: 3,
            connections: 64,
            pool_idle: Duration::from_secs(4),
        }
    }
}

impl Config {
    fn with(credential: Credential) -> Self {
        Self {
            credential,
            api_url: DEFAULT_URL.into(),
            target: None,
            allowed: Vec::new(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            user_agent: None,
            trace_context: None,
        }
    }

    /// With an API key. The organization is the key's.
    pub fn new(api_key: impl Into<ApiKey>) -> Self {
        Self::with(Credential::Key(api_key.into()))
    }

    /// With a JWT, which needs the id of an organization.
    pub fn jwt(token: impl Into<ApiKey>, organization: impl Into<String>) -> Self {
        Self::with(Credential::Jwt {
            token: token.into(),
            organization: organization.into(),
        })
    }

    /// From the environment of this process, and nothing else: `DAYTONA_API_KEY`, or `DAYTONA_JWT_TOKEN` with
    /// `DAYTONA_ORGANIZATION_ID`; `DAYTONA_API_URL` and `DAYTONA_TARGET` where set. The key wins over the token.
    /// A variable that is empty or blank counts as not set.
    ///
    /// # Errors
    ///
    /// Where there is no credential, or a token without an organization.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(process_env)
    }

    pub(crate) fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let mut config = if let Some(key) = get("DAYTONA_API_KEY") {
            Self::new(key)
        } else if let Some(token) = get("DAYTONA_JWT_TOKEN") {
            let organization = get("DAYTONA_ORGANIZATION_ID")
                .ok_or_else(|| Error::build("DAYTONA_JWT_TOKEN needs DAYTONA_ORGANIZATION_ID"))?;
            Self::jwt(token, organization)
        } else {
            return Err(Error::build(
                "neither DAYTONA_API_KEY nor DAYTONA_JWT_TOKEN is set",
            ));
        };
        if let Some(url) = get("DAYTONA_API_URL") {
            config = config.api_url(url);
        }
        if let Some(target) = get("DAYTONA_TARGET") {
            config = config.target(target);
        }
        Ok(config)
    }

    /// The API's base URL with its path (default `https://app.daytona.io/api`). No query, user or password.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = url.into();
        self
    }

    /// The region in which sandboxes are made unless a create names another.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Lets the credential go to a toolbox proxy at this origin (`https://host[:port]`).
    pub fn allow_toolbox_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed.push(origin.into());
        self
    }

    /// Replaces the timeouts.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Replaces the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the `User-Agent` header.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    /// Puts a W3C trace context on each request. `hook` is asked once for each attempt, within its span
    /// `daytona.attempt` where somebody listens, so [the current span] is the parent to name; where it gives nothing,
    /// nothing is sent. It must not block.
    ///
    /// The headers `traceparent` and `tracestate` go with calls, streamed transfers and WebSocket upgrades, and only
    /// where the credential may go: to the API's origin and to [trusted toolbox proxies](crate::Daytona::toolbox_at). No
    /// redirect is followed, so no other host sees them.
    ///
    /// ```
    /// use daytona_api::{Config, TraceContext};
    ///
    /// let config = Config::new("key").trace_context(|| {
    ///     let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; // of the current span
    ///     TraceContext::new(traceparent).ok()
    /// });
    /// # let _ = config;
    /// ```
    ///
    /// With the crates `tracing-opentelemetry` and `opentelemetry_sdk`, which this one does without:
    ///
    /// ```text
    /// let config = Config::new(key).trace_context(|| {
    ///     let mut fields = HashMap::<String, String>::new();
    ///     let context = tracing::Span::current().context(); // OpenTelemetrySpanExt
    ///     TraceContextPropagator::new().inject_context(&context, &mut fields);
    ///     let found = TraceContext::new(fields.get("traceparent")?).ok()?;
    ///     let state = fields.get("tracestate").map_or("", String::as_str);
    ///     Some(found.clone().tracestate(state).unwrap_or(found))
    /// });
    /// ```
    ///
    /// [the current span]: https://docs.rs/tracing/latest/tracing/struct.Span.html#method.current
    pub fn trace_context(
        mut self,
        hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.trace_context = Some(Hook::new(hook));
        self
    }

    pub(crate) fn base(&self) -> Result<Base, Error> {
        Base::parse(&self.api_url, "api url")
    }

    pub(crate) fn allowed(&self) -> Result<Vec<Base>, Error> {
        let parse = |url: &String| Base::parse(url, "allowed toolbox origin");
        self.allowed.iter().map(parse).collect()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a url that is refused may hold a password
        let shown = |url: &str| {
            Base::parse(url, "url").map_or("[invalid]".into(), |base| format!("{base:?}"))
        };
        let allowed: Vec<_> = self.allowed.iter().map(|url| shown(url)).collect();
        f.debug_struct("Config")
            .field("credential", &self.credential)
            .field("api_url", &shown(&self.api_url))
            .field("target", &self.target)
            .field("allowed", &allowed)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("user_agent", &self.user_agent)
            .field("trace_context", &self.trace_context)
            .finish()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<Config, Error> {
        Config::from_lookup(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn debug_shows_no_credential_wherever_it_was_put() {
        for url in [
            "https://user:canary@host/api",
            "https://host/api?key=canary",
        ] {
            let config = Config::jwt("canary", "org")
                .api_url(url)
                .allow_toolbox_origin(url);
            assert!(!format!("{config:?}").contains("canary"), "{config:?}");
        }
        assert!(format!("{:?}", Config::new("k")).contains(DEFAULT_URL));
    }

    #[test]
    fn the_key_wins_and_blank_is_not_set() {
        let both = from(&[("DAYTONA_API_KEY", "k"), ("DAYTONA_JWT_TOKEN", "t")]).unwrap();
        assert!(matches!(both.credential, Credential::Key(_)));
        assert_eq!(both.api_url, DEFAULT_URL);
        let token = from(&[
            ("DAYTONA_API_KEY", " "),
            ("DAYTONA_JWT_TOKEN", "t"),
            ("DAYTONA_ORGANIZATION_ID", "o"),
            ("DAYTONA_API_URL", "https://h/api"),
            ("DAYTONA_TARGET", "eu"),
        ])
        .unwrap();
        assert!(matches!(token.credential, Credential::Jwt { .. }));
        assert_eq!(
            (token.api_url.as_str(), token.target.as_deref()),
            ("https://h/api", Some("eu"))
        );
        assert!(from(&[("DAYTONA_JWT_TOKEN", "t")]).unwrap_err().is_build());
        assert!(from(&[("DAYTONA_SERVER_URL", "x")]).unwrap_err().is_build());
    }
}
