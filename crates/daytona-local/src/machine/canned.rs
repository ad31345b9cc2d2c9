//! A machine without processes: every command gets an answer made by a function.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use daytona_api::models::toolbox::{ExecuteRequest, ExecuteResponse};
use daytona_api::routes::toolbox as routes;
use http::StatusCode;
use http_body_util::BodyExt;

use super::{IsolationMode, IsolationReport, Machine, MachineError, MachineSpec, ToolboxCall};
use crate::server::body::Body;
use crate::server::respond;

/// What a canned command answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CannedReply {
    /// The exit code.
    pub exit_code: i64,
    /// The merged output.
    pub output: String,
}

impl CannedReply {
    /// A reply with this exit code and output.
    pub fn new(exit_code: i64, output: impl Into<String>) -> Self {
        Self {
            exit_code,
            output: output.into(),
        }
    }
}

/// Answers for `process/execute` without a process: for benchmarks, and for tests of a client.
#[derive(Clone)]
pub struct CannedExec {
    answer: Arc<dyn Fn(&str) -> CannedReply + Send + Sync>,
}

impl CannedExec {
    /// Every command gets this answer.
    pub fn fixed(exit_code: i64, output: impl Into<String>) -> Self {
        let reply = CannedReply::new(exit_code, output);
        Self::from_fn(move |_| reply.clone())
    }

    /// The answer is made from the text of the command.
    pub fn from_fn(answer: impl Fn(&str) -> CannedReply + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
        }
    }
}

impl fmt::Debug for CannedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CannedExec").finish_non_exhaustive()
    }
}

/// The machine behind [`CannedExec`].
#[derive(Debug)]
pub(crate) struct CannedMachine {
    exec: CannedExec,
}

impl CannedMachine {
    pub(crate) fn new(exec: CannedExec) -> Self {
        Self { exec }
    }

    async fn execute(&self, call: ToolboxCall) -> http::Response<Body> {
        let method = call.request.method().clone();
        let path = call.request.uri().path().to_owned();
        let fail = |status, message: &str| respond::envelope(status, message, &method, &path);
        let Ok(body) = call.request.into_body().collect().await else {
            return fail(
                StatusCode::BAD_REQUEST,
                "bad request: the body did not arrive",
            );
        };
        let Ok(request) = serde_json::from_slice::<ExecuteRequest>(&body.to_bytes()) else {
            return fail(
                StatusCode::BAD_REQUEST,
                "invalid body request: not a JSON object",
            );
        };
        if request.command.is_empty() {
            return fail(StatusCode::BAD_REQUEST, "bad request: command is required");
        }
        let canned = (self.exec.answer)(&request.command);
        let mut reply = ExecuteResponse::default();
        reply.exit_code = Some(canned.exit_code);
        reply.result = canned.output;
        respond::json(StatusCode::OK, &reply)
    }
}

#[async_trait]
impl Machine for CannedMachine {
    async fn start(&self, _spec: &MachineSpec) -> Result<(), MachineError> {
        Ok(())
    }

    async fn stop(&self, _id: &str) {}

    async fn destroy(&self, _id: &str) {}

    async fn toolbox(&self, call: ToolboxCall) -> http::Response<Body> {
        let dir = |path: &str| respond::json(StatusCode::OK, &serde_json::json!({ "dir": path }));
        match call.route.map(|route| route.id) {
            Some(id) if id == routes::EXECUTE_COMMAND.id => self.execute(call).await,
            Some(id) if id == routes::GET_WORK_DIR.id => dir("/workspace"),
            Some(id) if id == routes::GET_USER_HOME_DIR.id => dir("/home/daytona"),
            _ => respond::envelope(
                StatusCode::NOT_IMPLEMENTED,
                "not implemented: this server only has canned answers to commands",
                call.request.method(),
                call.request.uri().path(),
            ),
        }
    }

    fn isolation(&self) -> IsolationReport {
        let reason = "no process is started, answers are canned".to_owned();
        IsolationReport::new(IsolationMode::Canned, false, Some(reason))
    }

    fn live_processes(&self) -> usize {
        0
    }
}
