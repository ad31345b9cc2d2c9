//! Tools for language models over any sandbox: a shell, code, files.
//!
//! A tool has a name, a description and a schema for a model to read, and runs in the sandbox that a
//! [`SandboxFactory`](sandbox_core::SandboxFactory) opens for the context of a call, so a model never handles an id:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
//! use sandbox_tools::{FileTools, SandboxCodeTool, SandboxShellTool, ToolRegistry};
//! use serde_json::json;
//!
//! let env = LocalEnvironment::builder().build()?;
//! let mut tools = ToolRegistry::new();
//! tools.add(SandboxShellTool::new(env.clone())?)?;
//! tools.add(SandboxCodeTool::builder(env.clone()).languages(["python", "bash"]).build()?)?;
//! tools.add_all(FileTools::new(env.clone()))?;
//!
//! // what a model is told, as the functions of a chat request
//! assert_eq!(tools.functions()[0]["function"]["name"], "run_shell_command");
//!
//! // what a model asks for
//! let output = tools.call("write_file", json!({ "path": "a.txt", "content": "hello\n" }), &NoVars).await?;
//! assert!(!output.is_error());
//! let output = tools.call("run_shell_command", json!({ "command": "cat a.txt; exit 3" }), &NoVars).await?;
//! assert_eq!(output.text(), "hello\n[exit code: 3]");
//! env.close().await?;
//! # Ok(()) }
//! ```
//!
//! # Concepts
//!
//! * [`Tool`]: object-safe, so that any agent framework can hold `Arc<dyn Tool>`s; [`ToolRegistry`] keeps some by name.
//!   Describing a tool does no I/O and makes no sandbox.
//! * [`SandboxShellTool`], [`SandboxCodeTool`]: the adapters of
//!   [`sandbox_core::adapter`] as tools, with their names and texts.
//! * [`FileTools`]: `read_file`, `write_file`, `edit_file`, `list_files`, `glob_files`, `search_files`, confined to the
//!   working directory.
//! * [`ToolOutput`] has a text for the model, bounded, and a typed value for the program. What does not fit stays in
//!   the sandbox, in a file that the text names.
//! * [`ToolError`] has two faces: [`for_model`](ToolError::for_model) is short and holds no secret,
//!   [`host`](ToolError::host) is everything.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `mcp` | no | the tools as a server of the Model Context Protocol |
//!
//! # Errors
//!
//! A command that failed is no error: [`ToolOutput`] tells the model how it ended. A [`ToolError`] is a call for a tool
//! that is not there, arguments that do not fit, or a sandbox that could not do it; its [`kind`](ToolError::kind) says which.
//!
//! # Cancel safety
//!
//! Dropping the future of a call is dropping that of the sandbox's method: [`Tool::call`] and [`Tool::call_streamed`] say
//! what becomes of a command then.
//!
//! # Stability
//!
//! Before 1.0 a new minor version may change the API; the changelog says how. Names, arguments and schemas of the tools
//! are held as texts, since models were told them. The words of an output or an error may change at any time.
//!
//! # What it is not
//!
//! The restricted mode of the shell tool keeps a model from mistakes; it is no security boundary. The sandbox is one,
//! as far as its backend says so. What a program prints may hold instructions for a model: nothing here can tell.

mod args;
mod code;
mod error;
mod file;
#[cfg(feature = "mcp")]
pub mod mcp;
mod output;
mod registry;
mod shell;
mod tool;

pub use code::{SandboxCodeTool, SandboxCodeToolBuilder};
pub use error::{ToolError, ToolErrorKind};
pub use file::FileTools;
pub use output::ToolOutput;
pub use registry::{Duplicate, ToolRegistry};
pub use shell::{SandboxShellTool, SandboxShellToolBuilder};
pub use tool::{Tool, ToolHints, ToolSpec};
