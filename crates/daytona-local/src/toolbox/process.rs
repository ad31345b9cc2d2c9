//! `POST /process/execute`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use daytona_api::models::{SandboxDesiredState, SandboxState};
use serde_json::{Map, Value, json};

use super::Place;
use crate::app::App;
use crate::canned::CannedExec;
use crate::isolate::launch::{Ran, Run};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// Reads the request, so that the connection can be used again, and answers.
pub(super) async fn canned(mut call: Call, canned: &CannedExec) -> Result<Reply, Failure> {
    let body = call.json().await?;
    let command = body.get("command").and_then(Value::as_str);
    let (exit_code, result) = canned.answer(command.unwrap_or_default());
    Ok(Reply::json(
        200,
        &json!({ "exitCode": exit_code, "result": result }),
    ))
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::bad(format!("bad request: {message}"))
}

pub(super) async fn execute(
    app: &Arc<App>,
    place: &Place,
    mut call: Call,
) -> Result<Reply, Failure> {
    let body = call
        .json()
        .await
        .map_err(|failure| invalid(failure.message))?;
    let body = body
        .as_object()
        .ok_or_else(|| invalid("invalid request body: not an object"))?;
    let command = match body.get("command") {
        Some(Value::String(command)) if !command.is_empty() => command,
        _ => return Err(invalid("invalid request body: command is required")),
    };
    if command.trim().is_empty() {
        return Err(invalid("command cannot be empty or whitespace-only"));
    }
    let cwd = match body.get("cwd") {
        None | Some(Value::Null) => "",
        Some(Value::String(cwd)) => cwd,
        Some(_) => return Err(invalid("invalid request body: cwd must be a string")),
    };
    let request = Request {
        script: Bytes::from(command.clone()),
        cwd: cwd.to_owned(),
        env: env(body)?,
        timeout: timeout(body)?,
    };
    let ran = run(app, place, request).await?;
    Ok(Reply::json(
        200,
        &json!({ "exitCode": ran.code, "result": ran.result() }),
    ))
}

/// Per-call variables; their names are checked as the daemon does.
pub(super) fn env(body: &Map<String, Value>) -> Result<BTreeMap<String, String>, Failure> {
    let Some(envs) = body.get("envs").filter(|envs| !envs.is_null()) else {
        return Ok(BTreeMap::new());
    };
    let wrong = || invalid("invalid request body: envs must be an object with string values");
    let mut env = BTreeMap::new();
    for (name, value) in envs.as_object().ok_or_else(wrong)? {
        let mut letters = name.bytes();
        let first = letters
            .next()
            .is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic());
        if !first || !letters.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
            return Err(invalid(format!(
                "invalid environment variable name: '{name}'"
            )));
        }
        let value = value.as_str().ok_or_else(wrong)?;
        if value.contains('\0') {
            return Err(invalid(format!("environment variable '{name}' has a NUL")));
        }
        env.insert(name.clone(), value.to_owned());
    }
    Ok(env)
}

/// Whole seconds; absent and 0 mean none.
pub(super) fn timeout(body: &Map<String, Value>) -> Result<Option<Duration>, Failure> {
    match body.get("timeout") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let seconds = value
                .as_u64()
                .filter(|&seconds| seconds <= u64::from(u32::MAX));
            let wrong = || invalid("invalid request body: timeout must be a non-negative integer");
            let seconds = seconds.ok_or_else(wrong)?;
            Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
        }
    }
}

pub(super) struct Request {
    pub(super) script: Bytes,
    pub(super) cwd: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) timeout: Option<Duration>,
}

pub(super) struct Finished {
    pub(super) code: i32,
    pub(super) output: Vec<u8>,
}

impl Finished {
    /// As text; what is not UTF-8 is replaced.
    pub(super) fn result(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

pub(super) async fn run(
    app: &Arc<App>,
    place: &Place,
    request: Request,
) -> Result<Finished, Failure> {
    let cwd = place.cell.absolute(&request.cwd);
    let checked = tokio::task::spawn_blocking({
        let (cell, cwd) = (Arc::clone(&place.cell), cwd.clone());
        move || cell.is_folder(&cwd)
    });
    if !checked.await.unwrap_or(false) {
        let shell = place.cell.host.shell();
        let output = format!("fork/exec {shell}: no such file or directory").into_bytes();
        return Ok(Finished { code: -1, output });
    }
    let mut env = place.env.clone();
    env.extend(request.env);
    let run = Run {
        script: request.script,
        cwd,
        env,
        timeout: request.timeout,
        network: place.network,
    };
    let ran = place.cell.run(run).await;
    if !still_running(app, &place.id) {
        // What the proxy says when the container went away under a request.
        return Err(Failure::new(
            502,
            "BAD_GATEWAY",
            "bad gateway: the sandbox was stopped",
        ));
    }
    match ran {
        Ran::Ended { code, output } => Ok(Finished { code, output }),
        Ran::TimedOut => Err(Failure::new(
            408,
            "PROCESS_EXECUTION_TIMEOUT",
            "request timeout: command execution timeout",
        )),
        Ran::Failed(error) => Ok(Finished {
            code: -1,
            output: format!("fork/exec: {error}").into_bytes(),
        }),
    }
}

fn still_running(app: &App, id: &str) -> bool {
    let mut store = app.store();
    store.find(id).is_ok_and(|row| {
        row.state == SandboxState::Started && row.desired == SandboxDesiredState::Started
    })
}
