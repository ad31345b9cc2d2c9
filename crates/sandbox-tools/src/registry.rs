//! Tools by name.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use context_vars::Source;
use sandbox_core::adapter::OutputListener;
use serde_json::Value;

use crate::{Tool, ToolError, ToolOutput, ToolSpec};

/// Tools by name, in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct ToolRegistry {
    tools: Vec<Arc<dyn Tool>>,
}

impl ToolRegistry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Errors
    ///
    /// If there is one of that name.
    pub fn add(&mut self, tool: impl Tool) -> Result<(), Duplicate> {
        let tool: Arc<dyn Tool> = Arc::new(tool);
        if self.get(&tool.spec().name).is_some() {
            return Err(Duplicate(tool.spec().name.clone()));
        }
        self.tools.push(tool);
        Ok(())
    }

    /// Adds several.
    ///
    /// # Errors
    ///
    /// At the first whose name is taken; those before it stay.
    pub fn add_all<T: Tool>(
        &mut self,
        tools: impl IntoIterator<Item = T>,
    ) -> Result<(), Duplicate> {
        tools.into_iter().try_for_each(|tool| self.add(tool))
    }

    /// The tool of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.iter().find(|tool| tool.spec().name == name)
    }

    /// All tools.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<dyn Tool>> {
        self.tools.iter()
    }

    /// What a model is told about each.
    #[must_use]
    pub fn specs(&self) -> impl ExactSizeIterator<Item = &ToolSpec> {
        self.tools.iter().map(|tool| tool.spec())
    }

    /// The list of tools of a chat request; see [`ToolSpec::function`].
    #[must_use]
    pub fn functions(&self) -> Vec<Value> {
        self.specs().map(ToolSpec::function).collect()
    }

    /// Calls the tool of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownTool`](crate::ToolErrorKind::UnknownTool), and those of [`Tool::call`].
    ///
    /// # Cancel safety
    ///
    /// That of [`Tool::call`].
    pub async fn call(
        &self,
        name: &str,
        arguments: Value,
        context: &dyn Source,
    ) -> Result<ToolOutput, ToolError> {
        self.known(name)?.call(arguments, context).await
    }

    /// Calls the tool of this name, and tells what its command writes; see [`Tool::call_streamed`].
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// That of [`Tool::call_streamed`].
    pub async fn call_streamed(
        &self,
        name: &str,
        arguments: Value,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ToolOutput, ToolError> {
        let tool = self.known(name)?;
        tool.call_streamed(arguments, context, listener).await
    }

    fn known(&self, name: &str) -> Result<&Arc<dyn Tool>, ToolError> {
        self.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.specs().map(|spec| spec.name.as_str()).collect();
            ToolError::unknown(name, &known)
        })
    }
}

/// Two tools of one name: a model could not tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate(String);

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is a tool {:?} already; give this one another name",
            self.0
        )
    }
}

impl StdError for Duplicate {}
