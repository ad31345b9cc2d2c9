//! Factories to try the tools on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sandbox_core::{
    CloseError, Error, ErrorKind, LocalEnvironment, NoVars, Sandbox, SandboxFactory, Source,
};
use sandbox_tools::{FileTools, SandboxCodeTool, SandboxShellTool, ToolOutput, ToolRegistry};
use serde_json::Value;

/// Tools on folders of this machine.
pub(crate) struct Bench {
    pub(crate) env: LocalEnvironment,
    pub(crate) tools: ToolRegistry,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let env = LocalEnvironment::builder().build().unwrap();
        let tools = all(env.clone());
        Self { env, tools }
    }

    pub(crate) async fn call(&self, name: &str, arguments: Value) -> ToolOutput {
        let called = self.tools.call(name, arguments, &NoVars).await;
        called.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The text of a call that must work.
    pub(crate) async fn text(&self, name: &str, arguments: Value) -> String {
        let output = self.call(name, arguments).await;
        assert!(!output.is_error(), "{}", output.text());
        output.text().to_owned()
    }

    /// The text of a call that works and says no.
    pub(crate) async fn no(&self, name: &str, arguments: Value) -> String {
        let output = self.call(name, arguments).await;
        assert!(output.is_error(), "{}", output.text());
        output.text().to_owned()
    }

    /// What the model is told of a call that fails.
    pub(crate) async fn failed(&self, name: &str, arguments: Value) -> String {
        self.tools
            .call(name, arguments, &NoVars)
            .await
            .unwrap_err()
            .for_model()
            .to_owned()
    }
}

pub(crate) fn all(factory: impl SandboxFactory + Clone) -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    tools
        .add(SandboxShellTool::new(factory.clone()).unwrap())
        .unwrap();
    let code = SandboxCodeTool::builder(factory.clone()).languages(["python", "typescript"]);
    tools.add(code.build().unwrap()).unwrap();
    tools.add_all(FileTools::new(factory)).unwrap();
    tools
}

/// Counts how often it is opened, and never has a sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broken {
    opened: Arc<AtomicUsize>,
}

impl Broken {
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SandboxFactory for Broken {
    async fn open(&self, _: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let why = Error::new(
            ErrorKind::Auth,
            "the key canary-key was refused by https://canary.example",
        );
        Err(why.with_operation("open"))
    }

    fn workdir(&self) -> Option<&str> {
        Some("/srv")
    }

    async fn close(&self) -> Result<(), CloseError> {
        Ok(())
    }
}
