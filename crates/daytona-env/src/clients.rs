//! One client per origin and credential, with one pool per runtime.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use context_vars::Secret;
use daytona_api::transport::Transport;
use daytona_api::{Config, Daytona};
use sandbox_core::Error;
use tokio::runtime::{Handle, Id};

use crate::error::{api_error, internal};
use crate::fingerprint::{Fingerprint, Fingerprinter};

/// More runtimes than this at once push out the pool of the one used least recently; its requests still end well.
const MAX_RUNTIMES: usize = 16;

/// All clients of one environment.
#[derive(Debug)]
pub(crate) struct Clients {
    prints: Fingerprinter,
    transport: Option<Arc<dyn Transport>>,
    toolbox_origins: Vec<String>,
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
    fn feed(&self, hasher: &mut impl Hasher) {
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
    ) -> Self {
        Self {
            prints,
            transport,
            toolbox_origins,
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

/// The clients of one origin and credential: one for each runtime that calls.
///
/// A pooled connection is driven by the runtime that opened it: it dies with that runtime, and driving it from another
/// costs CPU on every call. So each runtime gets a pool of its own. With a transport given from outside there are no
/// pools of ours, and one client serves all.
pub(crate) struct ClientSet {
    config: Config,
    shared: Option<Daytona>,
    /// Used most recently last.
    by_runtime: Mutex<Vec<(Option<Id>, Daytona)>>,
}

impl fmt::Debug for ClientSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSet").finish_non_exhaustive()
    }
}

impl ClientSet {
    /// Builds the clients of one account.
    pub(crate) fn new(
        config: Config,
        transport: Option<Arc<dyn Transport>>,
    ) -> Result<Self, Error> {
        let shared = match transport {
            Some(transport) => Some(
                Daytona::builder(config.clone())
                    .transport(transport)
                    .build()
                    .map_err(|error| api_error("configure the client", error))?,
            ),
            None => None,
        };
        Ok(Self {
            config,
            shared,
            by_runtime: Mutex::default(),
        })
    }

    /// The client whose connections the current runtime drives.
    pub(crate) fn for_current_runtime(&self) -> Result<Daytona, Error> {
        if let Some(shared) = &self.shared {
            return Ok(shared.clone());
        }
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let mut clients = self
            .by_runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = clients.iter().position(|(id, _)| *id == runtime) {
            if let Some(newer) = clients.get_mut(at..) {
                newer.rotate_left(1);
            }
        } else {
            if clients.len() == MAX_RUNTIMES {
                clients.remove(0);
            }
            let client = Daytona::builder(self.config.clone())
                .build()
                .map_err(|error| api_error("configure the client", error))?;
            clients.push((runtime, client));
        }
        clients
            .last()
            .map(|(_, client)| client.clone())
            .ok_or_else(|| internal("no client"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    fn clients() -> Clients {
        Clients::new(Fingerprinter::random().unwrap(), None, Vec::new())
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
    fn each_runtime_has_its_own_pool_and_old_ones_go() {
        let clients = clients();
        let set = set(&clients, "https://a.test/api", "k");
        let held = || set.by_runtime.lock().unwrap().len();
        set.for_current_runtime().unwrap();
        set.for_current_runtime().unwrap();
        assert_eq!(held(), 1);
        for _ in 0..MAX_RUNTIMES * 2 {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                set.for_current_runtime().unwrap();
                set.for_current_runtime().unwrap();
            });
        }
        assert_eq!(held(), MAX_RUNTIMES);
    }

    #[test]
    fn debug_shows_no_credential() {
        let clients = clients();
        let set = set(&clients, "https://a.test/api", "canary");
        assert!(!format!("{clients:?} {set:?}").contains("canary"));
    }
}
