//! `run_code`.

use std::time::Duration;

use async_trait::async_trait;
use context_vars::{Param, Secret, Source};
use sandbox_core::adapter::{
    CodeAdapter, CodeAdapterBuilder, CodeReply, LanguageRunner, OutputListener,
};
use sandbox_core::{Error, SandboxFactory};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{bounded, read, schema};
use crate::{Tool, ToolError, ToolOutput, ToolSpec};

const NAME: &str = "run_code";
const DESCRIPTION: &str =
    "Execute code in a sandboxed environment. Supported languages: {languages}.";

/// Runs code of a model, in the sandbox of the context of each call. Its schema holds exactly the enabled languages.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
/// use sandbox_tools::{SandboxCodeTool, Tool};
/// use serde_json::json;
///
/// let env = LocalEnvironment::builder().build()?;
/// let tool = SandboxCodeTool::builder(env.clone()).languages(["bash"]).build()?;
/// assert_eq!(tool.spec().parameters["properties"]["language"]["enum"], json!(["bash"]));
/// let output = tool.call(json!({ "code": "echo $((6*7))", "language": "bash" }), &NoVars).await?;
/// assert_eq!(output.text(), "42");
/// env.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SandboxCodeTool {
    adapter: CodeAdapter,
    spec: ToolSpec,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Arguments {
    #[schemars(title = "Code", length(max = 1_048_576))]
    code: String,
    #[schemars(title = "Language")]
    language: String,
}

impl SandboxCodeTool {
    /// The tool with default settings: python and bash.
    ///
    /// # Errors
    ///
    /// None today; see [`SandboxCodeToolBuilder::build`].
    pub fn new(factory: impl SandboxFactory) -> Result<Self, Error> {
        Self::builder(factory).build()
    }

    /// A tool whose settings are to be chosen.
    pub fn builder(factory: impl SandboxFactory) -> SandboxCodeToolBuilder {
        SandboxCodeToolBuilder {
            adapter: CodeAdapter::builder(factory),
            name: NAME.to_owned(),
            description: DESCRIPTION.to_owned(),
        }
    }

    fn output(&self, reply: &CodeReply) -> ToolOutput {
        let text = reply.to_text();
        let value = match reply {
            CodeReply::Ran(outcome) => return ToolOutput::of(text, outcome),
            CodeReply::RunnerMissing { program, .. } => {
                json!({ "status": "runner_missing", "exit_code": 127, "program": program })
            }
            _ => {
                json!({ "status": "not_enabled", "exit_code": 2, "available": self.adapter.languages() })
            }
        };
        ToolOutput::new(text, value).with_error(true)
    }

    /// The adapter under it.
    #[must_use]
    pub fn adapter(&self) -> &CodeAdapter {
        &self.adapter
    }
}

#[async_trait]
impl Tool for SandboxCodeTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, arguments: Value, context: &dyn Source) -> Result<ToolOutput, ToolError> {
        let Arguments { code, language } = checked(arguments)?;
        let reply = self.adapter.run(&code, &language, context).await?;
        Ok(self.output(&reply))
    }

    async fn call_streamed(
        &self,
        arguments: Value,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ToolOutput, ToolError> {
        let Arguments { code, language } = checked(arguments)?;
        let running = self
            .adapter
            .run_streamed(&code, &language, context, listener);
        Ok(self.output(&running.await?))
    }
}

fn checked(arguments: Value) -> Result<Arguments, ToolError> {
    let arguments: Arguments = read(arguments)?;
    bounded("code", &arguments.code)?;
    Ok(arguments)
}

/// Settings of a [`SandboxCodeTool`].
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct SandboxCodeToolBuilder {
    adapter: CodeAdapterBuilder,
    name: String,
    description: String,
}

impl SandboxCodeToolBuilder {
    /// The tool's name. Default: `run_code`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What the model is told; `{languages}` stands for the enabled ones. Other braces are left alone.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The languages a model may use. Default: `python` and `bash`; runners for `javascript` and `typescript` are there
    /// too.
    pub fn languages<I>(mut self, languages: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.adapter = self.adapter.languages(languages);
        self
    }

    /// How code of a language is run, over a default one.
    pub fn runner(mut self, language: impl Into<String>, runner: LanguageRunner) -> Self {
        self.adapter = self.adapter.runner(language, runner);
        self
    }

    /// One more environment variable of every run.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.adapter = self.adapter.env_var(name, value);
        self
    }

    /// When to kill the code. More than zero. Default: the sandbox's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.adapter = self.adapter.timeout(timeout);
        self
    }

    /// How many bytes of the beginning and of the end of each stream the model gets.
    pub fn output_limit(mut self, head: usize, tail: usize) -> Self {
        self.adapter = self.adapter.output_limit(head, tail);
        self
    }

    /// The tool. Opens nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](sandbox_core::ErrorKind::InvalidInput) for a language without a runner, a zero timeout, an
    /// output limit above 8 MiB or a bad name of an environment variable.
    pub fn build(self) -> Result<SandboxCodeTool, Error> {
        let adapter = self.adapter.build()?;
        let description = self
            .description
            .replace("{languages}", &adapter.languages().join(", "));
        let mut parameters = schema::<Arguments>();
        if let Some(language) = parameters.pointer_mut("/properties/language")
            && let Some(members) = language.as_object_mut()
        {
            members.insert("enum".to_owned(), json!(adapter.languages()));
        }
        let spec = ToolSpec::new(self.name, description, parameters);
        Ok(SandboxCodeTool { adapter, spec })
    }
}
