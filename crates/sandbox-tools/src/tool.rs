//! What a tool is.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use context_vars::Source;
use sandbox_core::adapter::OutputListener;
use serde_json::{Value, json};

use crate::{ToolError, ToolOutput};

/// Something that a model can ask for. Object-safe: a framework holds `Arc<dyn Tool>`s and needs to know no more.
#[async_trait]
pub trait Tool: Debug + Send + Sync + 'static {
    /// What a model is told about it. Does no I/O.
    fn spec(&self) -> &ToolSpec;

    /// Does what the arguments ask for, in the sandbox of this context.
    ///
    /// # Errors
    ///
    /// [`InvalidArguments`](crate::ToolErrorKind::InvalidArguments) before anything is opened; else why the sandbox
    /// could not do it. A command that fails is no error: its output says so.
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::exec`](sandbox_core::Sandbox::exec): a command may run on until its timeout.
    async fn call(&self, arguments: Value, context: &dyn Source) -> Result<ToolOutput, ToolError>;

    /// As [`call`](Self::call), and tells `listener` what a command writes while it runs, for whoever shows progress.
    /// The default tells nothing.
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::start`](sandbox_core::Sandbox::start): dropping the future kills the command.
    async fn call_streamed(
        &self,
        arguments: Value,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ToolOutput, ToolError> {
        let _ = listener;
        self.call(arguments, context).await
    }
}

#[async_trait]
impl<T: Tool + ?Sized> Tool for Arc<T> {
    fn spec(&self) -> &ToolSpec {
        (**self).spec()
    }

    async fn call(&self, arguments: Value, context: &dyn Source) -> Result<ToolOutput, ToolError> {
        (**self).call(arguments, context).await
    }

    async fn call_streamed(
        &self,
        arguments: Value,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ToolOutput, ToolError> {
        (**self).call_streamed(arguments, context, listener).await
    }
}

/// What a model is told about a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its name: letters, digits and underscores.
    pub name: String,
    /// What it does, in words for a model.
    pub description: String,
    /// The JSON Schema of its arguments, an object.
    pub parameters: Value,
    /// What a host may want to know before it lets a model call it.
    pub hints: ToolHints,
}

impl ToolSpec {
    /// A description of a tool.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters,
            hints: ToolHints::default(),
        }
    }

    /// Adds hints.
    #[must_use]
    pub fn with_hints(mut self, hints: ToolHints) -> Self {
        self.hints = hints;
        self
    }

    /// The entry of the list of tools of a chat request, as most services take it.
    ///
    /// ```
    /// use sandbox_tools::ToolSpec;
    /// use serde_json::json;
    ///
    /// let spec = ToolSpec::new("now", "Tells the time.", json!({ "type": "object" }));
    /// assert_eq!(spec.function()["function"]["name"], "now");
    /// ```
    #[must_use]
    pub fn function(&self) -> Value {
        json!({
            "type": "function",
            "function": { "name": self.name, "description": self.description, "parameters": self.parameters },
        })
    }
}

/// What a tool does to its surroundings; hints, as in the Model Context Protocol. By default the careful ones: it may
/// change and destroy things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolHints {
    /// It changes nothing.
    pub read_only: bool,
    /// It may destroy what was there.
    pub destructive: bool,
    /// Doing it twice is like doing it once.
    pub idempotent: bool,
    /// It may reach beyond the sandbox, over a network.
    pub open_world: bool,
}

impl Default for ToolHints {
    fn default() -> Self {
        Self {
            read_only: false,
            destructive: true,
            idempotent: false,
            open_world: true,
        }
    }
}

impl ToolHints {
    /// It only reads, in the sandbox alone.
    pub(crate) const READS: Self = Self {
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: false,
    };
    /// It changes files, in the sandbox alone.
    pub(crate) const WRITES: Self = Self {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: false,
    };
}
