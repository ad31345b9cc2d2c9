//! What the embedded server can do here, tried in earnest: a sandbox is made, asked and deleted.

use std::time::Duration;

use context_vars::NoVars;
use daytona_env::DaytonaEnvironment;
use daytona_local::{Isolation, Server};
use sandbox_core::{ExecRequest, Sandbox};
use serde::Serialize;

use crate::error::Failure;
use crate::output;

const LIMIT: Duration = Duration::from_secs(20);
/// One line for each program: its name, and where it is if it is there.
const ASK: &str = "for p in sh python3; do echo \"$p $(command -v $p)\"; done";

/// The embedded server, with and without isolation.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    required: Mode,
    none: Mode,
}

/// One mode of isolation.
#[derive(Debug, Serialize)]
struct Mode {
    available: bool,
    /// Why not.
    error: Option<String>,
    /// Where commands find these in a sandbox.
    sh: Option<String>,
    python3: Option<String>,
}

impl Machine {
    pub(super) async fn examine() -> Self {
        Self {
            required: Mode::examine(Isolation::Required).await,
            none: Mode::examine(Isolation::None).await,
        }
    }

    pub(super) fn usable(&self) -> bool {
        self.required.available || self.none.available
    }

    pub(super) fn print(&self) {
        self.required.print("required");
        self.none.print("none");
    }
}

impl Mode {
    async fn examine(isolation: Isolation) -> Self {
        match ask(isolation).await {
            Ok(answer) => {
                let place = |program: &str| {
                    let line = answer.lines().find_map(|line| line.strip_prefix(program))?;
                    Some(line.trim().to_owned()).filter(|path| !path.is_empty())
                };
                Self {
                    available: true,
                    error: None,
                    sh: place("sh "),
                    python3: place("python3 "),
                }
            }
            Err(failure) => Self {
                available: false,
                error: Some(failure.to_string()),
                sh: None,
                python3: None,
            },
        }
    }

    fn print(&self, name: &str) {
        match &self.error {
            Some(error) => output::line(&format!(
                "  isolation {name}: not available: {}",
                output::one_line(error)
            )),
            None => {
                let place = |path: &Option<String>| {
                    path.as_deref()
                        .map_or_else(|| "not found".to_owned(), output::one_line)
                };
                output::line(&format!(
                    "  isolation {name}: available; sh: {}; python3: {}",
                    place(&self.sh),
                    place(&self.python3)
                ));
            }
        }
    }
}

async fn ask(isolation: Isolation) -> Result<String, Failure> {
    let server = Server::builder()
        .isolation(isolation)
        .start()
        .await
        .map_err(|error| Failure::new("cannot start the embedded server").because(error))?;
    let answer = in_sandbox(&server).await;
    server.shutdown().await;
    answer
}

async fn in_sandbox(server: &Server) -> Result<String, Failure> {
    let failed = |error| Failure::of("cannot run a command in it", error);
    let environment = DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
        .build()
        .map_err(failed)?;
    let sandbox = environment.open(&NoVars).await.map_err(failed)?;
    let outcome = sandbox
        .exec(ExecRequest::shell(ASK).timeout(LIMIT))
        .await
        .map_err(failed)?;
    // the server ends with its sandboxes in any case
    let _ = environment.close().await;
    if outcome.success() {
        Ok(outcome.stdout().text_lossy())
    } else {
        Err(Failure::new(format!(
            "a command in it failed: {}",
            outcome.to_result().output
        )))
    }
}
