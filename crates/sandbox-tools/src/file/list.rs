//! `list_files`.

use async_trait::async_trait;
use sandbox_core::Sandbox;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Job, check_path};
use crate::{ToolError, ToolHints, ToolOutput};

/// Entries shown.
const MOST: usize = 1000;

pub(super) struct ListFiles;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Arguments {
    /// Path of the directory, relative to the working directory; default the working directory
    #[serde(default)]
    path: Option<String>,
}

#[async_trait]
impl Job for ListFiles {
    type Arguments = Arguments;

    const NAME: &'static str = "list_files";
    const DESCRIPTION: &'static str = "List the entries of a directory with their sizes in bytes; directories end in /. \
                                       Paths are relative to the working directory: {workdir}";
    const HINTS: ToolHints = ToolHints::READS;

    fn check(arguments: &Arguments) -> Result<(), ToolError> {
        check_path(arguments.path.as_deref().unwrap_or_default()).map(drop)
    }

    async fn run(sandbox: &dyn Sandbox, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let path = check_path(arguments.path.as_deref().unwrap_or_default())?;
        let entries = sandbox.list(&path).await?;
        let total = entries.len();
        let line = |entry: &sandbox_core::FileEntry| match entry.is_dir {
            true => format!("{}/", entry.name),
            false => format!("{} ({} bytes)", entry.name, entry.size),
        };
        let mut lines: Vec<String> = entries.iter().take(MOST).map(line).collect();
        if total > MOST {
            lines.push(format!("[{} more]", total - MOST));
        }
        if lines.is_empty() {
            lines.push("[empty]".to_owned());
        }
        let shown: Vec<_> = entries
            .iter()
            .take(MOST)
            .map(|entry| json!({ "path": entry.path, "is_dir": entry.is_dir, "size": entry.size }))
            .collect();
        Ok(ToolOutput::new(
            lines.join("\n"),
            json!({ "path": path, "entries": shown, "total": total }),
        ))
    }
}
