//! Tools for files.

mod edit;
mod find;
mod list;
mod read;
mod write;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use context_vars::Source;
use sandbox_core::{Sandbox, SandboxFactory, path};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::args::{read, schema};
use crate::{Tool, ToolError, ToolHints, ToolOutput, ToolSpec};

/// The largest file that is read or edited, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The file tools over one factory: `read_file`, `write_file`, `edit_file`, `list_files`, `glob_files`, `search_files`.
///
/// Paths are relative to the working directory, or absolute and inside it; none leads out of it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
/// use sandbox_tools::{FileTools, ToolRegistry};
/// use serde_json::json;
///
/// let env = LocalEnvironment::builder().build()?;
/// let mut tools = ToolRegistry::new();
/// tools.add_all(FileTools::read_only(env.clone()))?;
/// let names: Vec<_> = tools.specs().map(|spec| spec.name.clone()).collect();
/// assert_eq!(names, ["read_file", "list_files", "glob_files", "search_files"]);
/// let error = tools.call("read_file", json!({ "path": "../x" }), &NoVars).await.unwrap_err();
/// assert!(error.for_model().contains("leaves the working directory"));
/// env.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct FileTools(Vec<Arc<dyn Tool>>);

impl FileTools {
    /// All of them.
    #[must_use]
    pub fn new(factory: impl SandboxFactory) -> Self {
        let factory: Arc<dyn SandboxFactory> = Arc::new(factory);
        Self(vec![
            tool::<read::ReadFile>(&factory),
            tool::<write::WriteFile>(&factory),
            tool::<edit::EditFile>(&factory),
            tool::<list::ListFiles>(&factory),
            tool::<find::GlobFiles>(&factory),
            tool::<find::SearchFiles>(&factory),
        ])
    }

    /// Those that change nothing.
    #[must_use]
    pub fn read_only(factory: impl SandboxFactory) -> Self {
        let all = Self::new(factory).0;
        Self(
            all.into_iter()
                .filter(|tool| tool.spec().hints.read_only)
                .collect(),
        )
    }
}

impl IntoIterator for FileTools {
    type Item = Arc<dyn Tool>;
    type IntoIter = std::vec::IntoIter<Arc<dyn Tool>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// What one file tool does.
#[async_trait]
trait Job: Send + Sync + 'static {
    type Arguments: DeserializeOwned + JsonSchema + Send;

    const NAME: &'static str;
    /// `{workdir}` stands for the working directory.
    const DESCRIPTION: &'static str;
    const HINTS: ToolHints;

    /// What can be checked before anything is opened.
    fn check(arguments: &Self::Arguments) -> Result<(), ToolError>;

    async fn run(
        sandbox: &dyn Sandbox,
        arguments: Self::Arguments,
    ) -> Result<ToolOutput, ToolError>;
}

/// A job as a tool.
struct FileTool<J> {
    factory: Arc<dyn SandboxFactory>,
    spec: ToolSpec,
    job: PhantomData<fn() -> J>,
}

fn tool<J: Job>(factory: &Arc<dyn SandboxFactory>) -> Arc<dyn Tool> {
    let workdir = factory.workdir().unwrap_or("the sandbox's own");
    let description = J::DESCRIPTION.replace("{workdir}", workdir);
    let spec = ToolSpec::new(J::NAME, description, schema::<J::Arguments>()).with_hints(J::HINTS);
    Arc::new(FileTool::<J> {
        factory: Arc::clone(factory),
        spec,
        job: PhantomData,
    })
}

impl<J> fmt::Debug for FileTool<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTool")
            .field("name", &self.spec.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<J: Job> Tool for FileTool<J> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, arguments: Value, context: &dyn Source) -> Result<ToolOutput, ToolError> {
        let mut arguments = arguments;
        let mut opened = None;
        if is_absolute(&arguments) {
            // Models see absolute paths in what programs print, and go on with them.
            let workdir = match self.factory.workdir() {
                Some(workdir) => workdir.to_owned(),
                None => {
                    let sandbox = self.factory.open(context).await?;
                    let workdir = sandbox.workdir().to_owned();
                    opened = Some(sandbox);
                    workdir
                }
            };
            make_relative(&mut arguments, &workdir);
        }
        let arguments: J::Arguments = read(arguments)?;
        J::check(&arguments)?;
        let sandbox = match opened {
            Some(sandbox) => sandbox,
            None => self.factory.open(context).await?,
        };
        J::run(&*sandbox, arguments).await
    }
}

fn given_path(arguments: &Value) -> Option<&str> {
    arguments.get("path")?.as_str()
}

fn is_absolute(arguments: &Value) -> bool {
    given_path(arguments).is_some_and(|path| path.starts_with('/'))
}

/// Takes the working directory off the front of the path; one that is elsewhere stays, to be refused.
fn make_relative(arguments: &mut Value, workdir: &str) {
    let inside = given_path(arguments)
        .and_then(|path| path.strip_prefix(workdir.trim_end_matches('/')))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .map(|rest| rest.trim_start_matches('/').to_owned());
    if let (Some(inside), Some(path)) = (inside, arguments.get_mut("path")) {
        *path = Value::String(inside);
    }
}

/// Refuses a path that leads out, before a sandbox is opened for it.
fn check_path(given: &str) -> Result<String, ToolError> {
    Ok(path::normalize(given)?)
}

/// As [`check_path`], for a file: the working directory is none.
fn check_file(given: &str) -> Result<String, ToolError> {
    match check_path(given)?.as_str() {
        "" => Err(ToolError::arguments(
            "the path names the working directory itself, not a file",
        )),
        inside => Ok(inside.to_owned()),
    }
}

/// Looks at the size of a file before its content is taken into memory. What the directory does not show is left to the
/// read itself.
async fn too_large(sandbox: &dyn Sandbox, path: &str) -> Result<Option<ToolOutput>, ToolError> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = sandbox.list(above).await?;
    let size = entries
        .iter()
        .find(|entry| entry.name == name && !entry.is_dir)
        .map_or(0, |entry| entry.size);
    if size <= MAX_FILE {
        return Ok(None);
    }
    let words = format!(
        "{path} is {size} bytes long, and {MAX_FILE} is the most. search_files finds lines in it, and a command can take \
         parts of it."
    );
    let value = serde_json::json!({ "status": "too_large", "path": path, "bytes": size });
    Ok(Some(ToolOutput::new(words, value).with_error(true)))
}

/// The text of a file, or why a model cannot read it.
async fn text(sandbox: &dyn Sandbox, path: &str) -> Result<Result<String, ToolOutput>, ToolError> {
    if let Some(refused) = too_large(sandbox, path).await? {
        return Ok(Err(refused));
    }
    let bytes = sandbox.get(path).await?;
    let size = bytes.len();
    let text = if bytes.contains(&0) {
        None
    } else {
        String::from_utf8(bytes.into()).ok()
    };
    Ok(text.ok_or_else(|| {
        let words = format!("{path} is not a text file ({size} bytes).");
        ToolOutput::new(
            words,
            serde_json::json!({ "status": "binary", "path": path, "bytes": size }),
        )
        .with_error(true)
    }))
}
