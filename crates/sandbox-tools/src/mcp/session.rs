//! One client, from its first message to its last.

use std::fmt::Write as _;
use std::sync::Arc;

use context_vars::Vars;
use sandbox_core::{Error, ErrorKind, SandboxFactory};
use tokio::sync::Semaphore;

use crate::ToolRegistry;

/// The variable that holds the session's id in the context of every call: a factory whose scope is this variable
/// keeps sessions apart.
pub const SESSION_VARIABLE: &str = "session";

/// Calls that one session may have under way.
const CALLS: usize = 16;

/// Which session a factory is asked for.
#[derive(Clone, Debug)]
pub struct McpSession {
    id: Arc<str>,
}

impl McpSession {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            id: unguessable()?.into(),
        })
    }

    /// 128 unguessable bits in hexadecimal. Not the id that an HTTP client holds, and no credential.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A session that has called or listed something.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) factory: Arc<dyn SandboxFactory>,
    pub(super) tools: ToolRegistry,
    pub(super) calls: Semaphore,
    /// The context of every call.
    pub(super) context: Vars,
}

impl Live {
    pub(super) fn new(
        session: &McpSession,
        context: &Vars,
        factory: Arc<dyn SandboxFactory>,
        tools: ToolRegistry,
    ) -> Self {
        Self {
            factory,
            tools,
            calls: Semaphore::new(CALLS),
            context: context.clone().with(SESSION_VARIABLE, session.id()),
        }
    }
}

/// 128 bits in hexadecimal.
pub(super) fn unguessable() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "the operating system gives no randomness",
        )
        .with_source(error)
    })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "a string takes all that is written to it");
        text
    }))
}
