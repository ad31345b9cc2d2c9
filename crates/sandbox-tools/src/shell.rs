//! `run_shell_command`.

use std::time::Duration;

use async_trait::async_trait;
use context_vars::{Param, Secret, Source};
use sandbox_core::adapter::{OutputListener, ShellAdapter, ShellAdapterBuilder, ShellReply};
use sandbox_core::{Error, SandboxFactory};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{bounded, read, schema};
use crate::{Tool, ToolError, ToolHints, ToolOutput, ToolSpec};

const NAME: &str = "run_shell_command";
const DESCRIPTION: &str = "Execute a shell command in the working directory: {workdir}";
const RESTRICTED: &str = "Execute a command in the working directory: {workdir}. It runs without a shell, so pipes, \
                          redirects, chaining, globs and variables are not available.";
/// Where the factory does not know it before there is a sandbox.
const SOME_WORKDIR: &str = "the sandbox's own";

/// A shell for a model, in the sandbox of the context of each call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
/// use sandbox_tools::{SandboxShellTool, Tool};
/// use serde_json::json;
///
/// let env = LocalEnvironment::builder().build()?;
/// let tool = SandboxShellTool::builder(env.clone()).allowed(["ls", "cat"]).build()?;
/// let output = tool.call(json!({ "command": "rm -rf ." }), &NoVars).await?;
/// assert_eq!(output.text(), "Command not allowed: 'rm -rf .'");
/// env.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SandboxShellTool {
    adapter: ShellAdapter,
    spec: ToolSpec,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Arguments {
    #[schemars(title = "Command", length(max = 1_048_576))]
    command: String,
}

impl SandboxShellTool {
    /// The tool with default settings: any command, in a shell.
    ///
    /// # Errors
    ///
    /// None today; see [`SandboxShellToolBuilder::build`].
    pub fn new(factory: impl SandboxFactory) -> Result<Self, Error> {
        Self::builder(factory).build()
    }

    /// A tool whose settings are to be chosen. Give it a clone of a factory that other tools use too: one context then
    /// has one sandbox.
    pub fn builder(factory: impl SandboxFactory) -> SandboxShellToolBuilder {
        SandboxShellToolBuilder {
            adapter: ShellAdapter::builder(factory),
            name: NAME.to_owned(),
            description: None,
        }
    }

    /// The adapter under it.
    #[must_use]
    pub fn adapter(&self) -> &ShellAdapter {
        &self.adapter
    }
}

#[async_trait]
impl Tool for SandboxShellTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, arguments: Value, context: &dyn Source) -> Result<ToolOutput, ToolError> {
        let command = command(arguments)?;
        Ok(output(&self.adapter.run(&command, context).await?))
    }

    async fn call_streamed(
        &self,
        arguments: Value,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ToolOutput, ToolError> {
        let command = command(arguments)?;
        let running = self.adapter.run_streamed(&command, context, listener);
        Ok(output(&running.await?))
    }
}

fn command(arguments: Value) -> Result<String, ToolError> {
    let Arguments { command } = read(arguments)?;
    bounded("command", &command)?;
    Ok(command)
}

fn output(reply: &ShellReply) -> ToolOutput {
    let text = reply.to_text();
    match reply {
        ShellReply::Ran(outcome) => ToolOutput::of(text, outcome),
        ShellReply::Refused(_) => {
            let value = json!({ "status": "refused", "reason": &text });
            ToolOutput::new(text, value).with_error(true)
        }
        _ => ToolOutput::new(text, json!({ "status": "empty", "exit_code": 2 })).with_error(true),
    }
}

/// Settings of a [`SandboxShellTool`].
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct SandboxShellToolBuilder {
    adapter: ShellAdapterBuilder,
    name: String,
    description: Option<String>,
}

impl SandboxShellToolBuilder {
    /// The tool's name. Default: `run_shell_command`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What the model is told; `{workdir}` stands for the working directory. Other braces are left alone. Default: that
    /// it executes commands there, and in restricted mode what it cannot do.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// See [`CommandPolicy::allowed`](sandbox_core::adapter::CommandPolicy::allowed). Default: everything.
    pub fn allowed<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.adapter = self.adapter.allowed(patterns);
        self
    }

    /// See [`CommandPolicy::blocked`](sandbox_core::adapter::CommandPolicy::blocked). Default: nothing.
    pub fn blocked<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.adapter = self.adapter.blocked(patterns);
        self
    }

    /// See [`CommandPolicy::ignore`](sandbox_core::adapter::CommandPolicy::ignore). Default: no path is looked at.
    pub fn ignore<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.adapter = self.adapter.ignore(patterns);
        self
    }

    /// See [`CommandPolicy::readonly`](sandbox_core::adapter::CommandPolicy::readonly). Default: false.
    pub fn readonly(mut self, readonly: bool) -> Self {
        self.adapter = self.adapter.readonly(readonly);
        self
    }

    /// One more environment variable of every command.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.adapter = self.adapter.env_var(name, value);
        self
    }

    /// When to kill a command. More than zero. Default: the sandbox's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.adapter = self.adapter.timeout(timeout);
        self
    }

    /// How many bytes of the beginning and of the end of each stream the model gets; the rest stays in the sandbox.
    /// Default: those of [`ExecRequest::output_limit`](sandbox_core::ExecRequest::output_limit).
    pub fn output_limit(mut self, head: usize, tail: usize) -> Self {
        self.adapter = self.adapter.output_limit(head, tail);
        self
    }

    /// The tool. Opens nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](sandbox_core::ErrorKind::InvalidInput) for a zero timeout, an output limit above 8 MiB or a
    /// bad name of an environment variable.
    pub fn build(self) -> Result<SandboxShellTool, Error> {
        let adapter = self.adapter.build()?;
        let restricted = adapter.policy().is_restricted();
        let template = self.description.as_deref().unwrap_or(if restricted {
            RESTRICTED
        } else {
            DESCRIPTION
        });
        let description = template.replace("{workdir}", adapter.workdir().unwrap_or(SOME_WORKDIR));
        let spec = ToolSpec::new(self.name, description, schema::<Arguments>())
            .with_hints(ToolHints::default());
        Ok(SandboxShellTool { adapter, spec })
    }
}
