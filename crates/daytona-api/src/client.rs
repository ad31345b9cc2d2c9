//! The client.

pub(crate) mod auth;
mod budget;
pub(crate) mod config;
pub(crate) mod hub;
pub(crate) mod redact;
pub(crate) mod retry;
pub(crate) mod send;
mod span;
pub(crate) mod trace_context;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use self::auth::Base;
use self::budget::Budget;
use self::config::{Config, WIRE_VERSION};
use self::hub::Hub;
use crate::api::raw::ControlPlaneRaw;
use crate::api::{
    Organizations, Regions, Sandboxes, Secrets, Server, Snapshots, Toolbox, Volumes, WarmPools,
};
use crate::error::Error;
use crate::models::Sandbox;
use crate::request::check_segment;
use crate::transport::{HyperTransport, Transport};

/// A client of one Daytona API with one credential. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Daytona {
    pub(crate) shared: Arc<Shared>,
    /// More texts that no error may show.
    pub(crate) hidden: Option<Arc<[Zeroizing<String>]>>,
    /// Whether calls are told not to count as activity.
    pub(crate) quiet: bool,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) base: Base,
    pub(crate) allowed: Vec<Base>,
    headers: HeaderMap,
    transport: Arc<dyn Transport>,
    /// By origin, of which there are few.
    budgets: Mutex<Vec<(Scheme, Authority, Arc<Budget>)>>,
    /// The event socket.
    pub(crate) hub: Arc<Hub>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.hub.end();
    }
}

/// Builds a [`Daytona`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    config: Config,
    transport: Option<Arc<dyn Transport>>,
}

impl Builder {
    /// Sends through `transport` in place of the default one. The timeout for connecting, the number of
    /// connections and their idle time are then the transport's own.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The client. No I/O happens yet.
    ///
    /// # Errors
    ///
    /// Where the credential is empty or cannot be sent, or a URL is not one.
    pub fn build(self) -> Result<Daytona, Error> {
        let Self { config, transport } = self;
        let base = config.base()?;
        let allowed = config.allowed()?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, config.credential.bearer()?);
        if let Some(organization) = config.credential.organization()? {
            headers.insert(
                HeaderName::from_static("x-daytona-organization-id"),
                organization,
            );
        }
        let agent = match &config.user_agent {
            Some(text) => HeaderValue::from_str(text).map_err(|_| {
                Error::build("the user agent has characters that no header can carry")
            })?,
            None => {
                HeaderValue::from_static(concat!("daytona-api-rust/", env!("CARGO_PKG_VERSION")))
            }
        };
        headers.insert(USER_AGENT, agent);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            HeaderName::from_static("x-daytona-source"),
            HeaderValue::from_static("daytona-api-rust"),
        );
        headers.insert(
            HeaderName::from_static("x-daytona-sdk-version"),
            HeaderValue::from_static(WIRE_VERSION),
        );
        let transport = transport.unwrap_or_else(|| {
            let transport = HyperTransport::builder()
                .connect_timeout(config.timeouts.connect)
                .pool_idle_timeout(config.limits.pool_idle)
                .max_connections(config.limits.connections);
            Arc::new(transport.build())
        });
        Ok(Daytona {
            shared: Arc::new(Shared {
                config,
                base,
                allowed,
                headers,
                transport,
                budgets: Mutex::default(),
                hub: Arc::default(),
            }),
            hidden: None,
            quiet: false,
        })
    }
}

impl Daytona {
    /// A client over the default transport. No I/O happens yet.
    ///
    /// # Errors
    ///
    /// Where the credential is empty or cannot be sent, or a URL is not one.
    pub fn new(config: Config) -> Result<Self, Error> {
        Self::builder(config).build()
    }

    /// A client with more choices.
    pub fn builder(config: Config) -> Builder {
        Builder {
            config,
            transport: None,
        }
    }

    /// A client whose errors show none of `secrets` either, as they show nothing of the credential: for calls on a
    /// sandbox whose environment holds secrets, which a server may repeat in any later answer. It shares everything
    /// with this one, and costs no copy per call.
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), daytona_api::Error> {
    /// # use daytona_api::{Config, Daytona, test_util::Scripted};
    /// let server = Scripted::new().json(400, r#"{"message":"PASSWORD=hunter2 is not set"}"#);
    /// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
    /// let error = api.hiding(["hunter2"]).sandboxes().get("sb-1").await.unwrap_err();
    /// assert_eq!(error.message(), Some("PASSWORD=[redacted] is not set"));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "test-util"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn hiding<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let more = secrets
            .into_iter()
            .map(|text| Zeroizing::new(text.to_owned()));
        let known = self.hidden.iter().flat_map(|known| known.iter().cloned());
        let all: Vec<_> = known.chain(more).collect();
        Self {
            shared: Arc::clone(&self.shared),
            hidden: (!all.is_empty()).then(|| all.into()),
            quiet: self.quiet,
        }
    }

    /// A client whose calls to a sandbox do not count as activity: for looks that are repeated until something happens,
    /// which must not keep an idle sandbox from being stopped. It sends `X-Daytona-Skip-Last-Activity-Update: true`,
    /// which the proxy before the toolbox heeds.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self {
            quiet: true,
            ..self.clone()
        }
    }

    /// What a server said in a field of an answer, such as a sandbox's `error_reason`, fit to be shown: without this
    /// client's credential, `secrets` and control characters, and at most `limit` bytes long. The errors of this crate
    /// need none of it.
    #[must_use]
    pub fn redact<'a>(
        &'a self,
        text: &str,
        secrets: impl IntoIterator<Item = &'a str>,
        limit: usize,
    ) -> String {
        let own = self.shared.config.credential.secret().expose();
        let hidden = self.hidden.iter().flat_map(|hidden| hidden.iter());
        let hidden = hidden.map(|text| text.as_str());
        let secrets = secrets
            .into_iter()
            .chain(std::iter::once(own))
            .chain(hidden);
        redact::clean(text, secrets, limit)
    }

    /// The sandboxes of the organization.
    #[must_use]
    pub fn sandboxes(&self) -> Sandboxes {
        Sandboxes::new(self.clone())
    }

    /// The snapshots that sandboxes are created from.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.clone())
    }

    /// Folders that outlive sandboxes.
    #[must_use]
    pub fn volumes(&self) -> Volumes {
        Volumes::new(self.clone())
    }

    /// The secrets kept for sandboxes.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.clone())
    }

    /// Sandboxes that are kept ready.
    #[must_use]
    pub fn warm_pools(&self) -> WarmPools {
        WarmPools::new(self.clone())
    }

    /// Organizations, their usage and limits.
    #[must_use]
    pub fn organizations(&self) -> Organizations {
        Organizations::new(self.clone())
    }

    /// The places where sandboxes run.
    #[must_use]
    pub fn regions(&self) -> Regions {
        Regions::new(self.clone())
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::new(self.clone())
    }

    /// Operations that have no method by hand.
    #[must_use]
    pub fn raw(&self) -> ControlPlaneRaw {
        ControlPlaneRaw::new(self.clone())
    }

    /// The API inside `sandbox`, at the address that the sandbox names.
    ///
    /// # Errors
    ///
    /// As [`toolbox_at`](Self::toolbox_at); and where the sandbox names no address.
    pub fn toolbox(&self, sandbox: &Sandbox) -> Result<Toolbox, Error> {
        if sandbox.toolbox_proxy_url.trim().is_empty() {
            return Err(Error::build("the sandbox names no toolbox proxy url"));
        }
        self.toolbox_at(&sandbox.toolbox_proxy_url, &sandbox.id)
    }

    /// The API inside the sandbox `id`, through the proxy at `proxy_url`.
    ///
    /// The credential is sent there only if the proxy has the API's own origin; or both are loopback; or the
    /// origin was allowed with [`Config::allow_toolbox_origin`]; or both are `https` on the same registrable
    /// domain. Registrable is what has the same last two labels (three below suffixes such as `co.uk`), is no IP
    /// address and is not a domain known for hosting strangers.
    ///
    /// # Errors
    ///
    /// Where the credential must not go there, the URL is not one, or the id cannot be part of a path.
    pub fn toolbox_at(&self, proxy_url: &str, id: &str) -> Result<Toolbox, Error> {
        check_segment(id)?;
        let mut base = Base::parse(proxy_url, "toolbox proxy url")?;
        if !self.shared.base.trusts(&base, &self.shared.allowed) {
            return Err(Error::build(
                "the toolbox proxy is on a foreign host, which must not have the credential; \
                 allow_toolbox_origin permits it",
            ));
        }
        let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        base.prefix.push('/');
        if id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        {
            base.prefix.push_str(id);
        } else {
            base.prefix.extend(encoded);
        }
        Ok(Toolbox::new(self.clone(), base))
    }

    fn budget(&self, base: &Base) -> Arc<Budget> {
        let mut budgets = self
            .shared
            .budgets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = budgets
            .iter()
            .find(|(scheme, authority, _)| *scheme == base.scheme && *authority == base.authority);
        if let Some((.., budget)) = known {
            return Arc::clone(budget);
        }
        let budget = Arc::<Budget>::default();
        budgets.push((
            base.scheme.clone(),
            base.authority.clone(),
            Arc::clone(&budget),
        ));
        budget
    }
}

impl fmt::Debug for Daytona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daytona")
            .field("base", &self.shared.base)
            .field("transport", &self.shared.transport)
            .finish_non_exhaustive()
    }
}
