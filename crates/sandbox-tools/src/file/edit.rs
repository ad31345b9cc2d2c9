//! `edit_file`.

use async_trait::async_trait;
use sandbox_core::Sandbox;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Job, check_file, text};
use crate::args::bounded;
use crate::{ToolError, ToolHints, ToolOutput};

pub(super) struct EditFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Arguments {
    /// Path of the file, relative to the working directory
    path: String,
    /// The text to replace, exactly as it is in the file, white space included
    #[schemars(length(min = 1, max = 1_048_576))]
    old_text: String,
    /// The text to put in its place
    #[schemars(length(max = 1_048_576))]
    new_text: String,
    /// Replace every occurrence; default false, and then there must be exactly one
    #[serde(default)]
    replace_all: bool,
}

#[async_trait]
impl Job for EditFile {
    type Arguments = Arguments;

    const NAME: &'static str = "edit_file";
    const DESCRIPTION: &'static str = "Replace an exact piece of text in a file. It must occur exactly once, unless \
                                       replace_all is true. Paths are relative to the working directory: {workdir}";
    const HINTS: ToolHints = ToolHints {
        idempotent: false,
        ..ToolHints::WRITES
    };

    fn check(arguments: &Arguments) -> Result<(), ToolError> {
        check_file(&arguments.path)?;
        bounded("old_text", &arguments.old_text)?;
        bounded("new_text", &arguments.new_text)?;
        if arguments.old_text.is_empty() {
            return Err(ToolError::arguments(
                "old_text is empty; use write_file to write a whole file",
            ));
        }
        if arguments.old_text == arguments.new_text {
            return Err(ToolError::arguments("old_text and new_text are the same"));
        }
        Ok(())
    }

    async fn run(sandbox: &dyn Sandbox, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let path = check_file(&arguments.path)?;
        let before = match text(sandbox, &path).await? {
            Ok(text) => text,
            Err(binary) => return Ok(binary),
        };
        let found = before.matches(&arguments.old_text).count();
        let value = |replaced: usize| json!({ "path": path, "found": found, "replaced": replaced });
        let refused = |words: String| Ok(ToolOutput::new(words, value(0)).with_error(true));
        if found == 0 {
            return refused(format!(
                "old_text does not occur in {path}. Read the file and copy the text exactly."
            ));
        }
        if found > 1 && !arguments.replace_all {
            return refused(format!(
                "old_text occurs {found} times in {path}. Take more of the text around it, or set replace_all."
            ));
        }
        let after = before.replace(&arguments.old_text, &arguments.new_text);
        sandbox.put(&path, after.into()).await?;
        let times = if found == 1 {
            "once".to_owned()
        } else {
            format!("{found} times")
        };
        Ok(ToolOutput::new(
            format!("Replaced {times} in {path}."),
            value(found),
        ))
    }
}
