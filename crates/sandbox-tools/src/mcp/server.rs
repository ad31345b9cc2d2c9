//! The server: what all sessions have in common.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use context_vars::Vars;
use rmcp::ServiceExt as _;
use rmcp::model::ProtocolVersion;
use rmcp::transport::async_rw::AsyncRwTransport;
use sandbox_core::{CloseError, Error, ErrorKind, SandboxFactory};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handler::Handler;
use super::session::{Live, McpSession};
use crate::{FileTools, SandboxCodeTool, SandboxShellTool, ToolRegistry};

/// The longest message, in bytes: a call may carry 1 MiB of text, in JSON.
pub(super) const MAX_MESSAGE: usize = 8 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
const IDLE: Duration = Duration::from_secs(30 * 60);
const SESSIONS: usize = 256;

type MakeFactory = dyn Fn(&McpSession) -> Result<Arc<dyn SandboxFactory>, Error> + Send + Sync;
type MakeTools = dyn Fn(Arc<dyn SandboxFactory>) -> Result<ToolRegistry, Error> + Send + Sync;

/// Serves tools to any client of the Model Context Protocol. Cheap to clone: clones are one server.
#[derive(Clone, Debug)]
pub struct McpServer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    factories: Factories,
    tools: Box<MakeTools>,
    context: Vars,
    pub(super) name: (String, String),
    /// How long an HTTP session lives without a message.
    pub(super) idle: Duration,
    pub(super) stop: CancellationToken,
    /// Connections, and sandboxes that are being removed.
    pub(super) tasks: TaskTracker,
    places: Arc<Semaphore>,
    sessions: usize,
    left: Mutex<Vec<CloseError>>,
}

enum Factories {
    PerSession(Box<MakeFactory>),
    Shared(Arc<dyn SandboxFactory>),
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer")
            .field(
                "per_session",
                &matches!(self.factories, Factories::PerSession(_)),
            )
            .field("idle", &self.idle)
            .field("free_sessions", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

impl McpServer {
    /// A server that makes a factory for each session, and closes it when the session ends. Making one must open
    /// nothing: it happens when a client lists the tools.
    pub fn per_session<F>(make: F) -> McpServerBuilder
    where
        F: Fn(&McpSession) -> Result<Arc<dyn SandboxFactory>, Error> + Send + Sync + 'static,
    {
        McpServerBuilder::new(Factories::PerSession(Box::new(make)))
    }

    /// A server whose sessions share a factory, which stays whoever made it to close. Sessions have one sandbox each
    /// only if its scope is the variable [`SESSION_VARIABLE`](super::SESSION_VARIABLE); those sandboxes too live until
    /// the factory is closed.
    pub fn shared(factory: impl SandboxFactory) -> McpServerBuilder {
        McpServerBuilder::new(Factories::Shared(Arc::new(factory)))
    }

    /// Serves one client over a pair of streams, such as standard input and output, one message a line. Ends when the
    /// input does; calls under way then have five seconds to end. What is no JSON is passed over, and so is a line of
    /// more than 8 MiB.
    ///
    /// The session's sandbox is being removed when this returns; [`close`](Self::close) waits for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn serve<R, W>(&self, read: R, write: W)
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            tracing::warn!("a client was turned away: there are too many sessions");
            return;
        };
        let handler = Handler::new(Arc::clone(&self.0), ProtocolVersion::KNOWN_VERSIONS, place);
        let transport = AsyncRwTransport::new_server(read, write).with_max_line_length(MAX_MESSAGE);
        let ended = self.0.stop.child_token();
        let _end = ended.clone().drop_guard();
        // Large, and a caller's future should not be.
        match Box::pin(handler.serve_with_ct(transport, ended)).await {
            // How it ended makes no difference any more.
            Ok(service) => drop(service.waiting().await),
            Err(error) => tracing::debug!(%error, "a client went before it had said hello"),
        }
    }

    /// Ends all sessions and waits until their sandboxes are gone. The server takes no client after that.
    ///
    /// # Errors
    ///
    /// What could not be removed, of sessions that ended before too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing.
    pub async fn close(&self) -> Result<(), CloseFailure> {
        self.0.stop.cancel();
        let all = u32::try_from(self.0.sessions).unwrap_or(u32::MAX);
        // Every session gives its place back when its sandbox is gone.
        let places = self.0.places.acquire_many(all).await;
        if let Ok(places) = places {
            places.forget();
        }
        self.0.places.close();
        let left = std::mem::take(&mut *self.0.left.lock().unwrap_or_else(PoisonError::into_inner));
        if left.is_empty() {
            Ok(())
        } else {
            Err(CloseFailure(left))
        }
    }
}

impl Inner {
    pub(super) fn begin(&self, session: &McpSession) -> Result<Live, Error> {
        let factory = match &self.factories {
            Factories::PerSession(make) => make(session)?,
            Factories::Shared(factory) => Arc::clone(factory),
        };
        let tools = (self.tools)(Arc::clone(&factory))?;
        Ok(Live::new(session, &self.context, factory, tools))
    }

    /// A place for one more session.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Removes what a session had, and gives its place back then.
    pub(super) fn end(self: &Arc<Self>, live: Arc<Live>, place: Option<OwnedSemaphorePermit>) {
        if matches!(self.factories, Factories::Shared(_)) {
            return;
        }
        // Without a runtime the factory itself hands over what it has.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let server = Arc::clone(self);
        let removing = async move {
            if let Err(error) = live.factory.close().await {
                tracing::warn!(%error, "a session has left a sandbox");
                let mut left = server.left.lock().unwrap_or_else(PoisonError::into_inner);
                left.push(error);
            }
            drop(place);
        };
        self.tasks.spawn_on(removing, &runtime);
    }
}

/// What sessions left.
#[derive(Clone, Debug)]
pub struct CloseFailure(Vec<CloseError>);

impl CloseFailure {
    /// One error for each session that left something.
    #[must_use]
    pub fn errors(&self) -> &[CloseError] {
        &self.0
    }
}

impl fmt::Display for CloseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl StdError for CloseFailure {}

/// Settings of an [`McpServer`].
///
/// ```
/// use std::time::Duration;
/// use sandbox_core::{Error, SandboxFactory, Vars};
/// use sandbox_tools::mcp::McpServer;
/// use sandbox_tools::{FileTools, ToolRegistry};
///
/// fn files_only(env: impl SandboxFactory) -> Result<McpServer, Error> {
///     McpServer::shared(env)
///         .context(Vars::new().with("tenant", "acme"))
///         .tools(|factory| {
///             let mut tools = ToolRegistry::new();
///             tools.add_all(FileTools::read_only(factory)).ok();
///             Ok(tools)
///         })
///         .idle(Duration::from_secs(600))
///         .build()
/// }
/// ```
#[must_use = "nothing is made until `build`"]
pub struct McpServerBuilder {
    factories: Factories,
    tools: Option<Box<MakeTools>>,
    context: Vars,
    name: (String, String),
    timeout: Duration,
    idle: Duration,
    sessions: usize,
}

impl fmt::Debug for McpServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServerBuilder")
            .field("timeout", &self.timeout)
            .field("idle", &self.idle)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

impl McpServerBuilder {
    fn new(factories: Factories) -> Self {
        let name = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self {
            factories,
            tools: None,
            context: Vars::new(),
            name: (name.0.to_owned(), name.1.to_owned()),
            timeout: TIMEOUT,
            idle: IDLE,
            sessions: SESSIONS,
        }
    }

    /// What the variables of the factory resolve against, beside
    /// [`SESSION_VARIABLE`](super::SESSION_VARIABLE).
    pub fn context(mut self, context: Vars) -> Self {
        self.context = context;
        self
    }

    /// The tools of a session, over its factory. Default: shell, code (python and bash) and files.
    pub fn tools<F>(mut self, make: F) -> Self
    where
        F: Fn(Arc<dyn SandboxFactory>) -> Result<ToolRegistry, Error> + Send + Sync + 'static,
    {
        self.tools = Some(Box::new(make));
        self
    }

    /// The name and version that clients are told. Default: those of this crate.
    pub fn name(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.name = (name.into(), version.into());
        self
    }

    /// When the default tools kill a command. More than zero. Default: 10 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how long without a message an HTTP session ends; at least a minute more than
    /// [`timeout`](Self::timeout), since a command that runs sends none. Default: 30 minutes.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// How many sessions there may be at once; more clients are turned away. Default: 256.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// The server. Opens nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a zero timeout, for an idle time below timeout and a minute, and
    /// for no sessions at all.
    pub fn build(self) -> Result<McpServer, Error> {
        let refused = |message: &'static str| Err(Error::new(ErrorKind::InvalidInput, message));
        if self.timeout.is_zero() {
            return refused("the timeout of commands is zero");
        }
        if self.idle < self.timeout.saturating_add(Duration::from_secs(60)) {
            return refused(
                "the idle time must be a minute more than the timeout of commands, since a command that runs sends \
                 no message",
            );
        }
        if self.sessions == 0 || u32::try_from(self.sessions).is_err() {
            return refused("the number of sessions is zero, or above 4294967295");
        }
        let timeout = self.timeout;
        let tools = self
            .tools
            .unwrap_or_else(|| Box::new(move |factory| default_tools(factory, timeout)));
        Ok(McpServer(Arc::new(Inner {
            factories: self.factories,
            tools,
            context: self.context,
            name: self.name,
            idle: self.idle,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(self.sessions)),
            sessions: self.sessions,
            left: Mutex::default(),
        })))
    }
}

fn default_tools(
    factory: Arc<dyn SandboxFactory>,
    timeout: Duration,
) -> Result<ToolRegistry, Error> {
    let mut tools = ToolRegistry::new();
    let twice = |error: crate::Duplicate| Error::new(ErrorKind::Internal, error.to_string());
    let shell = SandboxShellTool::builder(Arc::clone(&factory)).timeout(timeout);
    tools.add(shell.build()?).map_err(twice)?;
    let code = SandboxCodeTool::builder(Arc::clone(&factory)).timeout(timeout);
    tools.add(code.build()?).map_err(twice)?;
    tools.add_all(FileTools::new(factory)).map_err(twice)?;
    Ok(tools)
}
