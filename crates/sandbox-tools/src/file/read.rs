//! `read_file`.

use async_trait::async_trait;
use sandbox_core::Sandbox;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Job, check_file, text};
use crate::{ToolError, ToolHints, ToolOutput};

/// Lines read if not said, and at most.
const LINES: usize = 2000;

pub(super) struct ReadFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Arguments {
    /// Path of the file, relative to the working directory
    path: String,
    /// First line to read, counted from 1; default 1
    #[serde(default)]
    #[schemars(range(min = 1))]
    first_line: Option<usize>,
    /// How many lines to read, at most 2000; default 2000
    #[serde(default)]
    #[schemars(range(min = 1, max = 2000))]
    max_lines: Option<usize>,
}

#[async_trait]
impl Job for ReadFile {
    type Arguments = Arguments;

    const NAME: &'static str = "read_file";
    const DESCRIPTION: &'static str = "Read a text file, or a range of its lines. Paths are relative to the working \
                                       directory: {workdir}";
    const HINTS: ToolHints = ToolHints::READS;

    fn check(arguments: &Arguments) -> Result<(), ToolError> {
        check_file(&arguments.path)?;
        if arguments.first_line == Some(0) {
            return Err(ToolError::arguments("first_line is counted from 1"));
        }
        if arguments
            .max_lines
            .is_some_and(|lines| lines == 0 || lines > LINES)
        {
            return Err(ToolError::arguments(format!(
                "max_lines must be from 1 to {LINES}"
            )));
        }
        Ok(())
    }

    async fn run(sandbox: &dyn Sandbox, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let path = check_file(&arguments.path)?;
        let text = match text(sandbox, &path).await? {
            Ok(text) => text,
            Err(binary) => return Ok(binary),
        };
        let first = arguments.first_line.unwrap_or(1);
        let wanted = arguments.max_lines.unwrap_or(LINES);
        let total = text.lines().count();
        let content: String = text
            .split_inclusive('\n')
            .skip(first - 1)
            .take(wanted)
            .collect();
        let last = (first - 1).saturating_add(wanted).min(total);
        let value = json!({
            "path": path, "content": content, "first_line": first, "last_line": last, "total_lines": total,
        });
        if first > total.max(1) {
            let words = format!("{path} has only {total} lines.");
            return Ok(ToolOutput::new(words, value).with_error(true));
        }
        let whole = first == 1 && last == total;
        let note = match last < total {
            true => format!(
                "\n[lines {first} to {last} of {total}; go on with first_line {}]",
                last + 1
            ),
            false if whole => String::new(),
            false => format!("\n[lines {first} to {last} of {total}]"),
        };
        let shown = if whole {
            content
        } else {
            content.trim_end_matches('\n').to_owned()
        };
        Ok(ToolOutput::new(format!("{shown}{note}"), value))
    }
}
