//! What a client gets of a call.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, MetaObject};
use serde_json::{Value, json};

use crate::{ToolError, ToolOutput};

/// The member of a result's `_meta` that marks what tools print: data from outside, and no instructions.
pub const UNTRUSTED: &str = "sandbox-tools/untrusted";

/// The longest text of one result, in bytes of JSON; with its surroundings it stays below 256 KiB.
const MAX_JSON: usize = 240 * 1024;

pub(super) fn of(called: Result<ToolOutput, ToolError>) -> CallToolResult {
    match called {
        Ok(output) => {
            let mut meta = JsonObject::new();
            meta.insert(UNTRUSTED.to_owned(), json!(true));
            // What fits on a line; the text has the rest.
            for member in ["status", "exit_code"] {
                if let Some(value) = output.value().get(member) {
                    meta.insert(format!("sandbox-tools/{member}"), value.clone());
                }
            }
            let content = vec![ContentBlock::text(bounded(output.text()))];
            let mut result = if output.is_error() {
                CallToolResult::error(content)
            } else {
                CallToolResult::success(content)
            };
            result.meta = Some(MetaObject(meta));
            result
        }
        Err(error) => refused(error.for_model()),
    }
}

pub(super) fn refused(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(bounded(text))])
}

/// Control characters grow sixfold in JSON: the middle is left out until it fits.
fn bounded(text: &str) -> String {
    let mut side = text.len() / 2;
    let mut shown = text.to_owned();
    while Value::from(shown.as_str()).to_string().len() > MAX_JSON {
        side /= 2;
        let head = text.floor_char_boundary(side);
        let tail = text.ceil_char_boundary(text.len() - side);
        shown = format!(
            "{}\n[{} bytes omitted]\n{}",
            text.get(..head).unwrap_or_default(),
            tail - head,
            text.get(tail..).unwrap_or_default()
        );
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_stays_below_its_bound_whatever_is_in_it() {
        for text in [
            "\u{1b}".repeat(64 * 1024),
            "ä".repeat(300_000),
            "x".repeat(10),
        ] {
            let result = of(Ok(ToolOutput::new(text, json!({"exit_code": 0}))));
            assert!(serde_json::to_string(&result).unwrap().len() < 256 * 1024);
        }
        assert_eq!(bounded("short"), "short");
    }
}
