//! What a tool gives back.

use std::fmt;

use sandbox_core::{ExecOutcome, ExecStatus, Output};
use serde_json::{Value, json};

/// The longest text for a model, in bytes; what is between its beginning and its end is left out.
const MAX_MODEL_TEXT: usize = 64 * 1024;

/// Bytes that are no text and make nothing binary.
const FEW: usize = 8;

/// What a tool gives back: a text for the model and the same as a typed value.
#[derive(Clone, PartialEq)]
pub struct ToolOutput {
    text: String,
    value: Value,
    error: bool,
}

impl ToolOutput {
    /// An output. A text of more than 64 KiB is cut in the middle, which it says. Control characters that no text has
    /// become U+FFFD: some services refuse them.
    #[must_use]
    pub fn new(text: impl Into<String>, value: Value) -> Self {
        Self {
            text: cut(printable(text.into())),
            value,
            error: false,
        }
    }

    /// Says that what was asked for did not work out, although the tool did its part.
    #[must_use]
    pub fn with_error(mut self, error: bool) -> Self {
        self.error = error;
        self
    }

    /// The text for the model. It comes from programs and files in the sandbox: it may try to tell the model what to
    /// do, or drive a terminal.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same for a program.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// True if what was asked for did not work out: a command that failed, say.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.error
    }

    /// What came of a command, under the text that the original gives.
    pub(crate) fn of(text: String, outcome: &ExecOutcome) -> Self {
        let result = outcome.to_result();
        let streams = [("stdout", outcome.stdout()), ("stderr", outcome.stderr())];
        let kept: Vec<String> = streams
            .iter()
            .filter_map(|(name, stream)| kept(name, stream))
            .collect();
        let text = shown(outcome).unwrap_or(text);
        let text = if kept.is_empty() {
            text
        } else {
            format!("{text}\n{}", kept.join("\n"))
        };
        let value = json!({
            "status": status(outcome.status()),
            "exit_code": result.exit_code,
            "stdout": stream(outcome.stdout()),
            "stderr": stream(outcome.stderr()),
            "duration_ms": u64::try_from(outcome.duration().as_millis()).unwrap_or(u64::MAX),
        });
        Self::new(text, value).with_error(!outcome.success())
    }
}

/// Output may be a secret of whoever ran the command.
impl fmt::Debug for ToolOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolOutput")
            .field("text", &self.text.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// The text in which bytes that are no text are counted instead of shown; `None` if there are none.
fn shown(outcome: &ExecOutcome) -> Option<String> {
    if !is_binary(outcome.stdout()) && !is_binary(outcome.stderr()) {
        return None;
    }
    let told = |name: &str, stream: &Output| match is_binary(stream) {
        true => Output::complete(format!(
            "[{} bytes of binary {name} are not shown]\n",
            stream.total()
        )),
        false => stream.clone(),
    };
    let (stdout, stderr) = (
        told("stdout", outcome.stdout()),
        told("stderr", outcome.stderr()),
    );
    let mut told = ExecOutcome::new(outcome.status(), stdout, stderr, outcome.duration());
    if let Some(cause) = outcome.cause() {
        told = told.with_cause(cause.clone());
    }
    Some(told.to_result().to_text())
}

/// True if more than a tenth of what is here is no text.
fn is_binary(output: &Output) -> bool {
    let bytes = output.to_bytes();
    let odd: usize = bytes
        .utf8_chunks()
        .map(|chunk| chunk.invalid().len() + chunk.valid().chars().filter(|c| is_odd(*c)).count())
        .sum();
    // A few odd bytes are shown for what they are.
    odd > FEW && odd * 10 > bytes.len()
}

/// A control character that no text has.
fn is_odd(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\n' | '\t' | '\r' | '\x1b' | '\x08' | '\x0c')
}

fn printable(text: String) -> String {
    if text.contains(is_odd) {
        text.replace(is_odd, "\u{fffd}")
    } else {
        text
    }
}

fn status(status: ExecStatus) -> &'static str {
    match status {
        ExecStatus::Exited(_) => "exited",
        ExecStatus::Signaled(_) => "signaled",
        ExecStatus::TimedOut => "timed_out",
        ExecStatus::Lost => "lost",
        ExecStatus::NotStarted => "not_started",
        _ => "unknown",
    }
}

fn stream(output: &Output) -> Value {
    json!({
        "text": output.text_lossy(),
        "bytes": output.total(),
        "omitted": output.omitted(),
        "path": output.spill_path(),
    })
}

/// Where the rest of a stream is, for a model that wants to read on.
fn kept(name: &str, output: &Output) -> Option<String> {
    let path = output.spill_path().filter(|_| output.truncated())?;
    Some(format!(
        "[all {} bytes of {name} are in {path}]",
        output.total()
    ))
}

fn cut(text: String) -> String {
    if text.len() <= MAX_MODEL_TEXT {
        return text;
    }
    let half = MAX_MODEL_TEXT / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    let (head, middle, tail) = (text.get(..head), tail - head, text.get(tail..));
    format!(
        "{}\n[{middle} bytes omitted]\n{}",
        head.unwrap_or_default(),
        tail.unwrap_or_default()
    )
}
