//! `write_file`.

use async_trait::async_trait;
use sandbox_core::Sandbox;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Job, check_file};
use crate::args::bounded;
use crate::{ToolError, ToolHints, ToolOutput};

pub(super) struct WriteFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Arguments {
    /// Path of the file, relative to the working directory; directories above it are made
    path: String,
    /// The whole new content of the file
    #[schemars(length(max = 1_048_576))]
    content: String,
}

#[async_trait]
impl Job for WriteFile {
    type Arguments = Arguments;

    const NAME: &'static str = "write_file";
    const DESCRIPTION: &'static str = "Write a text file, over an old one of that name. Paths are relative to the \
                                       working directory: {workdir}";
    const HINTS: ToolHints = ToolHints::WRITES;

    fn check(arguments: &Arguments) -> Result<(), ToolError> {
        check_file(&arguments.path)?;
        bounded("content", &arguments.content)
    }

    async fn run(sandbox: &dyn Sandbox, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let path = check_file(&arguments.path)?;
        let bytes = arguments.content.len();
        sandbox.put(&path, arguments.content.into()).await?;
        Ok(ToolOutput::new(
            format!("Wrote {bytes} bytes to {path}."),
            json!({ "path": path, "bytes": bytes }),
        ))
    }
}
