//! The toolbox of a sandbox: programs and files.

mod code;
mod computer_use;
mod files;
mod git;
mod info;
mod interpreter;
pub(crate) mod live;
mod lsp;
pub(crate) mod port;
mod process;
mod pty;
mod session;
pub(crate) mod socket;
pub(crate) mod system;
mod text;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daytona_api::models::{SandboxDesiredState, SandboxState};
use http::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use crate::isolate::cell::Cell;
use crate::server::Call;
use crate::server::CannedExec;
use crate::server::app::App;
use crate::server::reply::{Body, Failure, Reply};
use crate::server::unserved::nothing_runs;

/// Probes of a client that must not count as activity say so with this header.
const SKIP_ACTIVITY: &str = "x-daytona-skip-last-activity-update";

/// A sandbox that a toolbox request works in.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) cell: Arc<Cell>,
    pub(crate) env: std::collections::BTreeMap<String, String>,
    pub(crate) network: bool,
}

pub(crate) async fn handle(app: &Arc<App>, call: Call) -> Result<Reply, Failure> {
    let id = call.matched.sandbox.clone().unwrap_or_default();
    if call.matched.route == Some("ExecuteCommand")
        && let Some(canned) = &app.options.canned
    {
        return process::canned(call, canned).await;
    }
    if app.options.in_place {
        return match call.matched.route.unwrap_or_default() {
            "ExecuteCommand" => process::canned(call, &CannedExec::new(0, "")).await,
            "CreateFolder" => Ok(Reply::json(201, &serde_json::json!({}))),
            route => Err(nothing_runs(route)),
        };
    }
    if call.path.split('/').nth(3) == Some("computeruse") {
        return computer_use::handle(&call);
    }
    let cell = app.cell(&id).await?;
    let place = {
        let mut store = app.store();
        let (mut env, held) = {
            let row = store.find(&id)?;
            let plan = row.plan.as_ref();
            let mut env = plan.map(|plan| plan.env.clone()).unwrap_or_default();
            env.extend(row.env.clone());
            (env, row.secrets.clone())
        };
        for held in held {
            let secret = store.secrets.by_id(&held.secret);
            env.extend(secret.map(|secret| (held.variable, secret.placeholder.clone())));
        }
        let row = store.find(&id)?;
        for (name, value) in [
            (
                "DAYTONA_SANDBOX_SNAPSHOT",
                row.snapshot.clone().unwrap_or_default(),
            ),
            ("DAYTONA_SANDBOX_USER", row.user.clone()),
            ("DAYTONA_REGION_ID", row.target.clone()),
        ] {
            env.insert(name.to_owned(), value);
        }
        cell.environment.apply(&mut env);
        Place {
            id: id.clone(),
            cell,
            env,
            network: !row.network_block_all,
        }
    };
    if call.path.split('/').nth(3) == Some("git") {
        return git::handle(app, &place, call).await;
    }
    match call.matched.route.unwrap_or_default() {
        "ExecuteCommand" => process::execute(app, &place, call).await,
        "CodeRun" => code::run(app, &place, call).await,
        "ListSessions"
        | "CreateSession"
        | "GetSession"
        | "DeleteSession"
        | "SessionExecuteCommand"
        | "GetSessionCommand"
        | "GetSessionCommandLogs"
        | "SendInput"
        | "GetEntrypointSession"
        | "GetEntrypointLogs" => session::handle(app, &place, call).await,
        "ListPtySessions"
        | "CreatePtySession"
        | "GetPtySession"
        | "DeletePtySession"
        | "ResizePtySession"
        | "ConnectPtySession"
        | "CreateConnectPtySession" => pty::handle(app, &place, call).await,
        "ListInterpreterContexts"
        | "CreateInterpreterContext"
        | "DeleteInterpreterContext"
        | "ExecuteInterpreterCode" => interpreter::handle(app, &place, call).await,
        "UpdateEnv" => system::update_env(&place, call).await,
        "GetSystemMetrics" => system::metrics(app, &place).await,
        "GetVersion" => Ok(info::version()),
        "GetWorkDir" | "getProjectDir_deprecated" => Ok(info::workdir(&place)),
        "GetUserHomeDir" => Ok(info::home(&place)),
        "Start" | "Stop" | "DidOpen" | "DidClose" | "Completions" | "DocumentSymbols"
        | "WorkspaceSymbols" => lsp::handle(app, &place, call).await,
        "GetPorts" | "IsPortInUse" => port::handle(&place, &call).await,
        _ => files::handle(&place, call).await,
    }
}

/// An open request: the sandbox is active as long as its client waits, body included.
#[derive(Debug)]
pub(crate) struct Activity {
    app: Arc<App>,
    sandbox: String,
    request: Option<u64>,
}

/// To be held by the connection: a client that is gone keeps nothing active, though what it began is finished.
pub(crate) fn begin(app: &Arc<App>, call: &Call) -> Result<Activity, Failure> {
    let id = call.matched.sandbox.as_deref().unwrap_or_default();
    let skip = call.headers.contains_key(SKIP_ACTIVITY);
    let now = app.clock.now();
    let mut store = app.store();
    let request = store.next_request;
    store.next_request += 1;
    let row = match store.rows.get_mut(id) {
        Some(row) if !row.destroyed() => row,
        _ => {
            return Err(Failure::not_found(format!(
                "not found: sandbox {id} not found"
            )));
        }
    };
    // a snapshot that is taken of it stops nothing
    let up = matches!(
        row.state,
        SandboxState::Started | SandboxState::Snapshotting
    );
    let running = up && row.desired == SandboxDesiredState::Started;
    if !running {
        let message = "bad request: no IP address found. Is the Sandbox started?";
        return Err(Failure::bad(message));
    }
    let request = (!skip).then_some(request);
    if let Some(request) = request {
        row.last_activity_at = row.last_activity_at.max(now);
        row.open.insert(request, now);
    }
    drop(store);
    Ok(Activity {
        app: Arc::clone(app),
        sandbox: id.to_owned(),
        request,
    })
}

impl Activity {
    pub(crate) fn attach(self, reply: Reply) -> Reply {
        let (parts, body) = reply.0.into_parts();
        let body = Active {
            body,
            _activity: self,
        };
        Reply(Response::from_parts(parts, body.boxed_unsync()))
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        let Some(request) = self.request else { return };
        let now = self.app.clock.now();
        let mut store = self.app.store();
        if let Some(row) = store.rows.get_mut(&self.sandbox) {
            row.renew(now);
            row.open.remove(&request);
        }
    }
}

/// A body that keeps its request open.
struct Active {
    body: Body,
    _activity: Activity,
}

impl hyper::body::Body for Active {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
