//! What came of a run, for the exit code and for `--json`.

use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandbox_core::{ExecOutcome, ExecStatus, Output, SandboxInfo};
use serde::Serialize;

use crate::error::{FAILED, Failure, JsonError, TIMED_OUT};
use crate::output;
use crate::signals::Signal;
use crate::target::Target;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    json: Json,
    /// The command's own end, as an exit code and perhaps a line of ours.
    end: Option<(u8, Option<String>)>,
    signal: Option<Signal>,
    failures: Vec<Failure>,
}

/// The object that `--json` prints. A key that does not apply is null or absent; none is renamed once released.
#[derive(Debug, Default, Serialize)]
struct Json {
    status: &'static str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    server: Option<String>,
    isolation: Option<String>,
    sandbox: Option<JsonSandbox>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<JsonError>,
}

#[derive(Debug, Serialize)]
struct JsonSandbox {
    id: String,
    name: String,
    workdir: String,
}

/// One stream of the command.
#[derive(Debug, Serialize)]
struct Stream {
    /// As text: U+FFFD for what is not UTF-8, and a line in the middle where bytes are left out.
    text: String,
    /// The bytes that are here, only where they are not all UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// How many the command wrote.
    bytes: u64,
    truncated: bool,
}

impl Stream {
    fn of(stream: &Output) -> Self {
        let bytes = stream.to_bytes();
        let utf8 = std::str::from_utf8(&bytes).is_ok();
        Self {
            text: stream.text_lossy(),
            base64: (!utf8).then(|| STANDARD.encode(&bytes)),
            bytes: stream.total(),
            truncated: stream.truncated(),
        }
    }
}

impl Report {
    pub(super) fn server(&mut self, target: &Target) {
        self.json.server = Some(target.server().to_owned());
        self.json.isolation = target.isolation();
    }

    pub(super) fn sandbox(&mut self, info: &SandboxInfo) {
        self.json.sandbox = Some(JsonSandbox {
            id: info.id().to_owned(),
            name: info.name().to_owned(),
            workdir: info.workdir().to_owned(),
        });
    }

    pub(super) fn outcome(&mut self, outcome: &ExecOutcome, timeout: Duration) {
        let why = || {
            outcome
                .cause()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default()
        };
        let (status, code, line) = match outcome.status() {
            // a code beyond 255 cannot be one of a process
            ExecStatus::Exited(code) => ("exited", u8::try_from(code).unwrap_or(FAILED), None),
            ExecStatus::Signaled(signal) => {
                self.json.signal = Some(signal);
                let code = u8::try_from(128 + signal).unwrap_or(FAILED);
                (
                    "signaled",
                    code,
                    Some(format!("signal {signal} ended the command")),
                )
            }
            ExecStatus::TimedOut => {
                let line = format!("the command timed out after {timeout:?} and was killed");
                ("timed_out", TIMED_OUT, Some(line))
            }
            ExecStatus::Lost => (
                "lost",
                FAILED,
                Some(format!(
                    "the sandbox was lost while the command ran{}",
                    why()
                )),
            ),
            ExecStatus::NotStarted => (
                "not_started",
                FAILED,
                Some(format!("the command was not started{}", why())),
            ),
            _ => (
                "unknown",
                FAILED,
                Some(format!("it is not known what the command did{}", why())),
            ),
        };
        self.json.status = status;
        self.json.stdout = Some(Stream::of(outcome.stdout()));
        self.json.stderr = Some(Stream::of(outcome.stderr()));
        self.json.duration_ms = u64::try_from(outcome.duration().as_millis()).ok();
        self.end = Some((code, line));
    }

    /// After the command's own output, so that its last line is not split.
    pub(super) fn say_how_it_ended(&self) {
        if let Some((_, Some(line))) = &self.end {
            output::note(line);
        }
    }

    pub(super) fn interrupted(&mut self, signal: Signal) {
        self.signal = Some(signal);
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        failure.print();
        self.failures.push(failure);
    }

    /// The code to exit with. A failure of ours is 125 whatever the command said, and then says what that was.
    fn code(&self) -> u8 {
        match (&self.end, self.signal) {
            _ if !self.failures.is_empty() => FAILED,
            (_, Some(signal)) => signal.exit_code(),
            (Some((code, _)), None) => *code,
            (None, None) => FAILED,
        }
    }

    pub(super) fn finish(mut self, json: bool) -> ExitCode {
        let code = self.code();
        if let (false, Some((own, _))) = (self.failures.is_empty(), &self.end) {
            output::note(&format!("the command itself ended with {own}"));
        }
        if json {
            self.json.exit_code = code;
            if self.json.status.is_empty() {
                self.json.status = if self.signal.is_some() {
                    "interrupted"
                } else {
                    "failed"
                };
            }
            self.json.errors = self.failures.iter().map(Failure::json).collect();
            output::json(&self.json);
        }
        ExitCode::from(code)
    }
}
