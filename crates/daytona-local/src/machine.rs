//! The machine side of a sandbox: what the control plane asks of whatever runs the processes.

mod canned;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use daytona_api::routes::Route;

pub(crate) use self::canned::CannedMachine;
pub use self::canned::{CannedExec, CannedReply};
use crate::server::body::Body;

/// How the processes of a sandbox are kept from the rest of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isolation {
    /// Linux namespaces and a private root, or the server does not start. The default.
    #[default]
    Required,
    /// Namespaces where the machine allows them, otherwise none; [`IsolationReport`] says which. Only for commands
    /// a person typed.
    Auto,
    /// No isolation: commands run as the user who runs the server, and can read what that user can.
    None,
}

/// What keeps the sandboxes of a running server apart from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IsolationMode {
    /// Linux namespaces and a private root.
    Namespaces,
    /// Nothing.
    None,
    /// No process is ever started: the answers are canned.
    Canned,
}

impl fmt::Display for IsolationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Namespaces => "namespaces",
            Self::None => "none",
            Self::Canned => "canned",
        })
    }
}

/// The isolation in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IsolationReport {
    /// What is in force.
    pub mode: IsolationMode,
    /// Whether commands in a sandbox reach the network.
    pub network: bool,
    /// Why it is not [`IsolationMode::Namespaces`], where it is not.
    pub reason: Option<String>,
}

impl IsolationReport {
    pub(crate) fn new(mode: IsolationMode, network: bool, reason: Option<String>) -> Self {
        Self {
            mode,
            network,
            reason,
        }
    }
}

/// What the builder of the server knows about the machine.
#[derive(Clone, Debug)]
pub(crate) struct MachineOptions {
    pub(crate) isolation: Isolation,
    /// Whether commands may reach the network.
    pub(crate) network: bool,
    /// Host directories that are readable inside at the same path.
    pub(crate) bind_ro: Vec<PathBuf>,
}

/// One sandbox as the machine sees it.
#[derive(Clone)]
pub(crate) struct MachineSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) env: Arc<BTreeMap<String, String>>,
    pub(crate) labels: BTreeMap<String, String>,
    /// `networkBlockAll` of the request.
    pub(crate) network_block_all: bool,
}

impl fmt::Debug for MachineSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineSpec")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("user", &self.user)
            .field("env", &self.env.keys())
            .field("labels", &self.labels.keys())
            .field("network_block_all", &self.network_block_all)
            .finish()
    }
}

/// One request to the toolbox of a started sandbox. Authentication, the log, faults and the activity of the
/// sandbox are done before and after; the machine only answers.
pub(crate) struct ToolboxCall {
    pub(crate) sandbox_id: String,
    /// Still encoded, after `/toolbox/{id}`, without the query: `/process/execute`.
    pub(crate) path: String,
    /// The operation it matched, if the documents know it.
    pub(crate) route: Option<&'static Route>,
    /// The decoded parameters of that operation's path, in its order.
    pub(crate) params: Vec<String>,
    /// The environment the sandbox was created with.
    pub(crate) env: Arc<BTreeMap<String, String>>,
    pub(crate) request: http::Request<Body>,
}

impl fmt::Debug for ToolboxCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolboxCall")
            .field("sandbox_id", &self.sandbox_id)
            .field("path", &self.path)
            .field("route", &self.route.map(|route| route.id))
            .finish_non_exhaustive()
    }
}

/// Why the machine did not do what was asked; the text is for the row's `errorReason`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct MachineError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl MachineError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// What runs the processes and keeps the files of sandboxes.
#[async_trait]
pub(crate) trait Machine: Send + Sync + fmt::Debug {
    /// Makes the root directory where there is none yet, and starts the long-lived first process. Again for a
    /// started sandbox: nothing.
    async fn start(&self, spec: &MachineSpec) -> Result<(), MachineError>;

    /// All processes are gone when it returns; files stay. Unknown ids: nothing.
    async fn stop(&self, id: &str);

    /// Processes and files are gone when it returns. Unknown ids: nothing.
    async fn destroy(&self, id: &str);

    /// Answers one request to the toolbox.
    async fn toolbox(&self, call: ToolboxCall) -> http::Response<Body>;

    fn isolation(&self) -> IsolationReport;

    /// Processes of all sandboxes that run now, the helpers the machine itself needs included.
    fn live_processes(&self) -> usize;
}

/// The machine a builder asked for. Called once, on the thread that owns the server and lives as long as it.
pub(crate) async fn build(options: MachineOptions) -> Result<Arc<dyn Machine>, MachineError> {
    let _ = options;
    Err(MachineError::new(
        "this build has no machine that runs processes",
    ))
}
