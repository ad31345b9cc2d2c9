//! A toolbox with one sandbox, behind the transport: execute feeds a shell's stdin and merges its
//! output, as the server does.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use daytona_api::Config;
use daytona_api::transport::{Body, Phase, Transport, TransportError};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use sandbox_core::Liveness;
use serde_json::{Value, json};

use super::disk;
use crate::clients::ClientSet;
use crate::sandbox::{DaytonaSandbox, SandboxParts};

/// What happens to an execute call.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nothing is sent.
    Unsent,
    /// The command runs and the answer is lost.
    Lost,
    /// This answer instead.
    Answer(u16, Value),
    /// This text instead of json.
    Text(u16, &'static str),
    /// What the shell printed, cut to so many bytes.
    Cut(usize),
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) faults: VecDeque<Fault>,
    /// Method and path of every request.
    pub(super) log: Vec<String>,
    /// The last body of execute.
    pub(super) executed: Value,
    /// Of the row; empty means that there is none.
    pub(super) sandbox: &'static str,
    /// The control plane does not answer.
    pub(super) down: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    state: Arc<Mutex<State>>,
    pub(super) workdir: Arc<tempfile::TempDir>,
}

impl Server {
    pub(super) fn new() -> Self {
        let state = State {
            sandbox: "started",
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            workdir: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    pub(super) fn executions(&self) -> usize {
        self.state()
            .log
            .iter()
            .filter(|line| line.ends_with("/process/execute"))
            .count()
    }

    pub(super) fn clients(&self) -> Arc<ClientSet> {
        let config = Config::new("canary-key").api_url("http://127.0.0.1:9/api");
        Arc::new(ClientSet::new(config, Some(Arc::new(self.clone()))).unwrap())
    }

    pub(super) fn sandbox(&self) -> DaytonaSandbox {
        DaytonaSandbox::from_parts(SandboxParts {
            clients: self.clients(),
            id: "sb-1".into(),
            name: "denv-1".into(),
            toolbox_proxy_url: "http://127.0.0.1:9/toolbox".into(),
            workdir: self.workdir.path().to_str().unwrap().into(),
            generation: 2,
            state_lost: true,
            timeout: Duration::from_secs(60),
            liveness: Liveness::new(),
        })
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let line = format!("{} {}", request.method(), request.uri().path());
        self.state().log.push(line.clone());
        let query = request.uri().query().unwrap_or_default().to_owned();
        let range = request
            .headers()
            .get("range")
            .map_or("", |range| range.to_str().unwrap());
        let range = range.to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        match line.as_str() {
            "GET /api/sandbox/sb-1" => self.row(),
            "GET /toolbox/sb-1/work-dir" => Ok(answer(
                200,
                &json!({"dir": self.workdir.path().to_str().unwrap()}),
            )),
            "GET /toolbox/sb-1/files/info" if query.ends_with("=/workspace") => {
                Ok(answer(404, &json!({})))
            }
            "POST /toolbox/sb-1/process/execute" => self.execute(&body),
            _ if self.state().sandbox.is_empty() => Ok(answer(404, &json!({"message": "gone"}))),
            _ => Ok(disk::serve(&line, &query, &range, &body).unwrap()),
        }
    }
}

impl Server {
    fn row(&self) -> Result<Response<Body>, TransportError> {
        let state = self.state();
        match (state.down, state.sandbox) {
            (true, _) => Err(TransportError::new(Phase::Connect)),
            (false, "") => Ok(answer(404, &json!({"message": "Sandbox not found"}))),
            (false, row) => Ok(answer(
                200,
                &json!({"id": "sb-1", "name": "denv-1", "state": row,
                "toolboxProxyUrl": "http://127.0.0.1:9/toolbox"}),
            )),
        }
    }

    fn execute(&self, body: &Bytes) -> Result<Response<Body>, TransportError> {
        let call: Value = serde_json::from_slice(body).unwrap();
        let fault = {
            let mut state = self.state();
            state.executed = call.clone();
            state.faults.pop_front()
        };
        match fault {
            Some(Fault::Unsent) => Err(TransportError::new(Phase::Connect)),
            Some(Fault::Answer(status, body)) => Ok(answer(status, &body)),
            Some(Fault::Text(status, text)) => Ok(plain(status, text.as_bytes(), "text/html")),
            Some(Fault::Lost) => {
                run(&call);
                Err(TransportError::new(Phase::Exchange))
            }
            Some(Fault::Cut(length)) => {
                let (code, mut result) = run(&call);
                result.truncate(length);
                Ok(answer(200, &json!({"exitCode": code, "result": result})))
            }
            None => {
                let (code, result) = run(&call);
                Ok(answer(200, &json!({"exitCode": code, "result": result})))
            }
        }
    }
}

fn run(call: &Value) -> (i32, String) {
    let mut shell = Command::new("bash");
    shell.process_group(0).current_dir("/");
    for (name, value) in call["envs"].as_object().into_iter().flatten() {
        shell.env(name, value.as_str().unwrap());
    }
    let (mut reader, writer) = std::io::pipe().unwrap();
    shell
        .stdin(Stdio::piped())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    let mut child = shell.spawn().unwrap();
    drop(shell);
    let script = call["command"].as_str().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let mut result = Vec::new();
    reader.read_to_end(&mut result).unwrap();
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&result).into_owned())
}

pub(super) fn answer(status: u16, body: &Value) -> Response<Body> {
    plain(status, body.to_string().as_bytes(), "application/json")
}

pub(super) fn plain(status: u16, body: &[u8], content_type: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body)));
    *response.status_mut() = status.try_into().unwrap();
    response
        .headers_mut()
        .insert("content-type", content_type.try_into().unwrap());
    response
}
