//! One client per origin and credential.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use context_vars::Secret;
use daytona_api::transport::Transport;
use daytona_api::{Config, Daytona, TraceContext};
use sandbox_core::Error;

use crate::error::api_error;
use crate::fingerprint::{Fingerprint, Fingerprinter};

/// Says to which trace a request belongs.
#[derive(Clone)]
pub(crate) struct TraceHook(Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>);

impl TraceHook {
    pub(crate) fn new(hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl fmt::Debug for TraceHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceHook")
    }
}

/// All clients of one environment.
#[derive(Debug)]
pub(crate) struct Clients {
    prints: Fingerprinter,
    transport: Option<Arc<dyn Transport>>,
    toolbox_origins: Vec<String>,
    trace: Option<TraceHook>,
    known: Mutex<HashMap<Fingerprint, Weak<ClientSet>>>,
}

/// Who asks, and whom.
#[derive(Clone)]
pub(crate) struct Account<'a> {
    pub(crate) api_url: &'a str,
    pub(crate) credential: Credential<'a>,
}

/// A credential as it is resolved.
#[derive(Clone)]
pub(crate) enum Credential<'a> {
    ApiKey(&'a Secret),
    Jwt {
        token: &'a Secret,
        organization: &'a str,
    },
}

impl Account<'_> {
    /// Fields with their lengths, so that no two accounts feed the same bytes.
    pub(crate) fn feed(&self, hasher: &mut impl Hasher) {
        let mut field = |text: &str| {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        };
        field(self.api_url);
        match self.credential {
            Credential::ApiKey(key) => field(key.expose()),
            Credential::Jwt {
                token,
                organization,
            } => {
                field(token.expose());
                field(organization);
            }
        }
    }
}

impl Clients {
    pub(crate) fn new(
        prints: Fingerprinter,
        transport: Option<Arc<dyn Transport>>,
        toolbox_origins: Vec<String>,
        trace: Option<TraceHook>,
    ) -> Self {
        Self {
            prints,
            transport,
            toolbox_origins,
            trace,
            known: Mutex::default(),
        }
    }

    fn config(&self, account: &Account<'_>) -> Config {
        let config = match account.credential {
            Credential::ApiKey(key) => Config::new(key.expose()),
            Credential::Jwt {
                token,
                organization,
            } => Config::jwt(token.expose(), organization),
        };
        let config = match self.trace.clone() {
            Some(TraceHook(hook)) => config.trace_context(move || hook()),
            None => config,
        };
        self.toolbox_origins.iter().fold(
            config.api_url(account.api_url),
            Config::allow_toolbox_origin,
        )
    }

    /// The clients of one account. They live as long as somebody holds them, so an account whose last sandbox is gone
    /// leaves nothing behind.
    pub(crate) fn of(&self, account: &Account<'_>) -> Result<Arc<ClientSet>, Error> {
        let print = self.prints.of(|mac| account.feed(mac));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = known.get(&print).and_then(Weak::upgrade) {
            return Ok(set);
        }
        known.retain(|_, set| set.strong_count() > 0);
        let set = Arc::new(ClientSet::new(
            self.config(account),
            self.transport.clone(),
        )?);
        known.insert(print, Arc::downgrade(&set));
        drop(known);
        Ok(set)
    }
}

/// The client of one origin and credential.
///
/// One client serves every runtime: its transport keeps a pool for each, since a connection dies with the runtime that
/// drives it and costs more CPU when another does. So lifecycle calls use connections of the background runtime, and
/// exec and files those of the caller's.
pub(crate) struct ClientSet {
    client: Daytona,
    /// Of the account, where this one hides more. It stays known while this one is used.
    _account: Option<Arc<Self>>,
}

impl fmt::Debug for ClientSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSet").finish_non_exhaustive()
    }
}

impl ClientSet {
    /// Builds the client of one account.
    pub(crate) fn new(
        config: Config,
        transport: Option<Arc<dyn Transport>>,
    ) -> Result<Self, Error> {
        let mut builder = Daytona::builder(config);
        if let Some(transport) = transport {
            builder = builder.transport(transport);
        }
        let client = builder
            .build()
            .map_err(|error| api_error("configure the client", error))?;
        Ok(Self {
            client,
            _account: None,
        })
    }

    /// The same client for one sandbox: what its server says in an error, on any later call, shows none of these.
    pub(crate) fn hiding<'a>(
        account: Arc<Self>,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Arc<Self> {
        let mut secrets = secrets.into_iter().peekable();
        if secrets.peek().is_none() {
            return account;
        }
        Arc::new(Self {
            client: account.client.hiding(secrets),
            _account: Some(account),
        })
    }

    /// The client.
    pub(crate) fn api(&self) -> &Daytona {
        &self.client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        Clients::new(Fingerprinter::random().unwrap(), None, Vec::new(), None)
    }

    fn set(clients: &Clients, url: &str, key: &str) -> Arc<ClientSet> {
        let key = Secret::new(key);
        clients
            .of(&Account {
                api_url: url,
                credential: Credential::ApiKey(&key),
            })
            .unwrap()
    }

    #[test]
    fn one_set_per_origin_and_credential_while_it_is_used() {
        let clients = clients();
        let first = set(&clients, "https://a.test/api", "k1");
        assert!(Arc::ptr_eq(
            &first,
            &set(&clients, "https://a.test/api", "k1")
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &set(&clients, "https://a.test/api", "k2")
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &set(&clients, "https://b.test/api", "k1")
        ));
        drop(first);
        let other = set(&clients, "https://c.test/api", "k1");
        assert_eq!(
            clients.known.lock().unwrap().len(),
            1,
            "what nobody holds is forgotten"
        );
        drop(other);
        let token = Secret::new("k1");
        let jwt = Credential::Jwt {
            token: &token,
            organization: "org",
        };
        let key = Credential::ApiKey(&token);
        let print = |credential| {
            clients.prints.of(|mac| {
                Account {
                    api_url: "u",
                    credential,
                }
                .feed(mac)
            })
        };
        assert_ne!(print(jwt), print(key));
    }

    #[test]
    fn debug_shows_no_credential() {
        let clients = clients();
        let set = set(&clients, "https://a.test/api", "canary");
        assert!(!format!("{clients:?} {set:?}").contains("canary"));
    }
}
