//! Factories that break one rule.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use context_vars::ValueRef;
use sandbox_core::conformance::{TENANT, TOKEN};
use sandbox_core::{
    CloseError, Error, ErrorKind, Leftover, LocalEnvironment, Sandbox, SandboxFactory, Secret,
    Source, Vars,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::task::yield_now;

use super::lock;
use super::sandbox::BrokenSandbox;

/// Breaks the rule of this name.
pub(super) struct Broken {
    rule: &'static str,
    state: Arc<State>,
}

/// What the faults need to remember.
#[derive(Default)]
pub(super) struct State {
    good: Mutex<Option<LocalEnvironment>>,
    more: Mutex<Vec<LocalEnvironment>>,
    bound: Mutex<Option<Receiver<()>>>,
    busy: AtomicBool,
    closed: AtomicBool,
    closes: AtomicUsize,
    opened: AtomicUsize,
    tenant: Mutex<String>,
    token: Mutex<String>,
    pub(super) handles: AtomicUsize,
}

/// What a close removes that takes all of the account for its own.
static ACCOUNT: Mutex<Vec<LocalEnvironment>> = Mutex::new(Vec::new());

impl State {
    fn first_runtime_ended(&self) -> bool {
        let mut bound = lock(&self.bound);
        if let Some(ended) = &mut *bound {
            return ended.try_recv() == Err(TryRecvError::Closed);
        }
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        *bound = Some(ended);
        Handle::current().spawn(async move {
            std::future::pending::<()>().await;
            drop(alive);
        });
        false
    }
}

impl Broken {
    pub(super) fn new(rule: &'static str) -> Self {
        let state = Arc::new(State::default());
        let good = if rule == "host-environment-stays-out" {
            crate::conformance::local_with_all_of_the_host()
        } else {
            crate::conformance::local()
        };
        if rule == "close-spares-others" {
            lock(&ACCOUNT).push(good.clone());
        }
        *lock(&state.good) = Some(good);
        Self { rule, state }
    }

    fn good(&self) -> LocalEnvironment {
        lock(&self.state.good).clone().unwrap()
    }

    fn one_more(&self) -> LocalEnvironment {
        let more = crate::conformance::local();
        lock(&self.state.more).push(more.clone());
        more
    }

    fn is(&self, rule: &str) -> bool {
        self.rule == rule
    }

    async fn find(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        let state = &self.state;
        let open = async |environment: LocalEnvironment, context: &dyn Source| {
            SandboxFactory::open(&environment, context).await
        };
        match self.rule {
            "one-sandbox-per-context" => open(self.one_more(), context).await,
            "contexts-apart" if context.get(TENANT).is_some() => {
                open(self.good(), &tenant("one")).await
            }
            "unresolved-is-typed" if context.get(TENANT).is_none() => {
                open(self.good(), &tenant("one")).await
            }
            "handles-own-nothing" => {
                if state.handles.load(SeqCst) == 0 {
                    self.good().close().await.unwrap();
                }
                open(self.good(), context).await
            }
            "close-starts-anew" if state.closes.load(SeqCst) > 0 => {
                Err(Error::new(ErrorKind::Closed, "closed for good"))
            }
            "single-flight" => {
                if state.opened.load(SeqCst) > 0 {
                    return open(self.good(), context).await;
                }
                yield_now().await;
                state.opened.fetch_add(1, SeqCst);
                open(self.one_more(), context).await
            }
            "keys-at-once" => {
                *lock(&state.tenant) = text(context, TENANT);
                yield_now().await;
                let last = lock(&state.tenant).clone();
                open(self.good(), &tenant(&last)).await
            }
            "runtimes-come-and-go" => {
                if state.first_runtime_ended() {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "the connection has gone",
                    ));
                }
                open(self.good(), context).await
            }
            "close-meets-open" => {
                let before = state.closes.load(SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                if state.closes.load(SeqCst) == before {
                    return open(self.good(), context).await;
                }
                // Handed out, and known to nobody.
                open(self.one_more(), context).await
            }
            "open-dropped" => {
                if state.busy.swap(true, SeqCst) {
                    return Err(Error::new(ErrorKind::Conflict, "being created"));
                }
                yield_now().await;
                let opened = open(self.good(), context).await;
                state.busy.store(false, SeqCst);
                opened
            }
            "errors-show-no-secret" => {
                let shown = format!("cannot open for {}", text(context, TOKEN));
                let opened = open(self.good(), context).await;
                opened.map_err(|error| Error::new(error.kind(), shown))
            }
            _ => open(self.good(), context).await,
        }
    }
}

#[async_trait]
impl SandboxFactory for Broken {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        let sandbox = self.find(context).await?;
        if self.is("debug-shows-no-secret") {
            *lock(&self.state.token) = text(context, TOKEN);
        }
        let state = Arc::clone(&self.state);
        Ok(Arc::new(BrokenSandbox::new(self.rule, sandbox, state)))
    }

    async fn close(&self) -> Result<(), CloseError> {
        let state = &self.state;
        let closes = state.closes.fetch_add(1, SeqCst);
        let refused = |why: &'static str| {
            let error = Error::new(ErrorKind::Conflict, why);
            Err(CloseError::new(vec![Leftover::new(None, "some", error)]))
        };
        match self.rule {
            "close-ends-handles" => return Ok(()),
            "close-again" if closes > 0 => return refused("closed already"),
            "closes-at-once" if state.busy.swap(true, SeqCst) => return refused("being closed"),
            "close-dropped" => {
                if state.closed.swap(true, SeqCst) {
                    return Ok(());
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            "close-spares-others" => {
                let all = lock(&ACCOUNT).clone();
                for environment in all {
                    environment.close().await?;
                }
            }
            "leaves" => return refused("it does not go"),
            _ => {}
        }
        let closed = self.good().close().await;
        state.busy.store(false, SeqCst);
        if !self.is("close-meets-open") {
            let more = std::mem::take(&mut *lock(&state.more));
            for environment in more {
                environment.close().await?;
            }
        }
        closed
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broken({}, {})", self.rule, lock(&self.state.token))
    }
}

fn tenant(name: &str) -> Vars {
    Vars::new().with(TENANT, name).with(TOKEN, Secret::new("t"))
}

fn text(context: &dyn Source, name: &str) -> String {
    match context.get(name) {
        Some(ValueRef::Str(text)) => text.to_owned(),
        Some(ValueRef::Secret(secret)) => secret.expose().to_owned(),
        _ => String::new(),
    }
}
