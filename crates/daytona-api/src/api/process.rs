use std::time::Duration;

use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{CodeRunRequest, CodeRunResponse, ExecuteRequest, ExecuteResponse};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Commands and code in a sandbox; from [`Toolbox::process`].
#[derive(Clone, Debug)]
pub struct Process {
    toolbox: Toolbox,
}

impl Process {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Runs `command` in the sandbox's shell: `POST /process/execute`. See [`Execute`].
    pub fn execute(&self, command: impl Into<String>) -> Execute {
        let body = ExecuteRequest {
            command: command.into(),
            ..ExecuteRequest::default()
        };
        Execute {
            toolbox: self.toolbox.clone(),
            body,
            timeout: None,
            output_limit: None,
        }
    }

    /// Runs `code` in `python`, `javascript` or `typescript`: `POST /process/code-run`. See [`CodeRun`].
    pub fn code_run(&self, code: impl Into<String>, language: impl Into<String>) -> CodeRun {
        let body = CodeRunRequest {
            code: code.into(),
            language: language.into(),
            ..CodeRunRequest::default()
        };
        CodeRun {
            toolbox: self.toolbox.clone(),
            body,
            timeout: None,
        }
    }
}

/// Whole seconds, rounded up, so that a short timeout never becomes 0, which is none.
pub(super) fn seconds(timeout: Duration) -> Result<i64, Error> {
    if timeout.is_zero() {
        return Err(Error::build("a timeout of zero"));
    }
    let up = timeout
        .as_secs()
        .saturating_add(u64::from(timeout.subsec_nanos() > 0));
    i64::try_from(up).map_err(|_| Error::build("the timeout is too long"))
}

fn run_call(toolbox: &Toolbox, call: Call, seconds: Option<i64>) -> Call {
    let timeouts = &toolbox.client.shared.config.timeouts;
    let wait = match seconds {
        Some(seconds) => {
            Duration::from_secs(seconds.unsigned_abs()).saturating_add(timeouts.execute_grace)
        }
        None => timeouts.execute,
    };
    let wait = wait.min(Duration::from_secs(60 * 60 * 24 * 365));
    call.wait(wait)
        .total(wait + timeouts.head + timeouts.body_idle)
}

/// Runs a command; from [`Process::execute`].
///
/// The text is fed to a shell (zsh or bash where there is one) on its standard input, so a program that reads
/// standard input takes the rest of the text. Standard output and error come back in one text. A folder that
/// does not exist, or a failure to start, is exit code -1 with the reason as the text.
///
/// ```
/// # #[cfg(feature = "test-util")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), daytona_api::Error> {
/// # use daytona_api::{Config, Daytona, test_util::Scripted};
/// use std::time::Duration;
///
/// let server = Scripted::new().json(200, r#"{"exitCode":0,"result":"42\n"}"#);
/// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
/// let toolbox = api.toolbox_at("https://proxy.app.daytona.io/toolbox", "sb-1")?;
/// let ran = toolbox
///     .process()
///     .execute("echo 42")
///     .cwd("/srv")
///     .env("LANG", "C")
///     .timeout(Duration::from_millis(2500)) // 3 seconds on the wire
///     .send()
///     .await?;
/// assert_eq!((ran.exit_code, ran.result.as_str()), (Some(0), "42\n"));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "test-util"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Execute {
    toolbox: Toolbox,
    body: ExecuteRequest,
    timeout: Option<Duration>,
    output_limit: Option<usize>,
}

impl Execute {
    /// The folder to run in (default: the sandbox's work-dir).
    pub fn cwd(mut self, folder: impl Into<String>) -> Self {
        self.body.cwd = Some(folder.into());
        self
    }

    /// Sets one environment variable. Values never appear in errors or Debug.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let env = self.body.envs.get_or_insert_default();
        env.insert(name.into(), value.into());
        self
    }

    /// How long the command may run, rounded up to whole seconds; zero is an error. After it the server kills the
    /// command, drops its output and answers 408. Without it the server sets no bound, and this client gives up
    /// after [`Timeouts::execute`](crate::Timeouts::execute).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The largest answer to accept, in bytes (default [`Limits::output`](crate::Limits::output)).
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = Some(bytes);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// Never sent again once a byte of it may have been written. [`is_timeout`](Error::is_timeout) where the
    /// command took too long. Where [`may_have_reached_server`](Error::may_have_reached_server) is true the
    /// command may have run, or may run still.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the command may go on.
    pub async fn send(self) -> Result<ExecuteResponse, Error> {
        let (toolbox, call, limit) = self.call()?;
        toolbox.client.json(&toolbox.base, call, limit).await
    }

    fn call(mut self) -> Result<(Toolbox, Call, usize), Error> {
        let route = &routes::EXECUTE_COMMAND;
        let refuse = |error: Error| error.with_operation(route.id);
        if self.body.command.trim().is_empty() {
            return Err(refuse(Error::build("the command is empty")));
        }
        self.body.timeout = self.timeout.map(seconds).transpose().map_err(refuse)?;
        let call = Call::new(route, &[])?
            .json(&self.body)?
            .hide(self.body.envs.iter().flatten().map(|(_, value)| value));
        let call = run_call(&self.toolbox, call, self.body.timeout);
        let limits = &self.toolbox.client.shared.config.limits;
        let limit = self.output_limit.unwrap_or(limits.output);
        Ok((self.toolbox, call, limit))
    }
}

/// Runs code; from [`Process::code_run`].
///
/// Python code that imports matplotlib also gives the figures it shows, as
/// [`charts`](crate::models::toolbox::CodeRunArtifacts::charts) of the artifacts.
///
/// ```
/// # #[cfg(feature = "test-util")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), daytona_api::Error> {
/// # use daytona_api::{Config, Daytona, test_util::Scripted};
/// use daytona_api::models::charts::ChartData;
///
/// let server = Scripted::new().json(200, r#"{"exitCode": 0, "result": "42\n", "artifacts": {"charts": [
///     {"type": "bar", "title": "Fruit", "elements": [{"label": "apples", "group": "2026", "value": 3}]}
/// ]}}"#);
/// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
/// let toolbox = api.toolbox_at("https://proxy.app.daytona.io/toolbox", "sb-1")?;
/// let code = "import matplotlib.pyplot as plt\n# ..\nplt.show()\nprint(42)";
/// let ran = toolbox.process().code_run(code, "python").send().await?;
/// assert_eq!(ran.result.as_deref(), Some("42\n"));
/// let charts = ran.artifacts.and_then(|artifacts| artifacts.charts).unwrap_or_default();
/// let ChartData::Bar(bars) = &charts[0].data else { panic!("{charts:?}") };
/// assert_eq!(bars[0].value.as_ref().and_then(|value| value.number()), Some(3.0));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "test-util"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CodeRun {
    toolbox: Toolbox,
    body: CodeRunRequest,
    timeout: Option<Duration>,
}

impl CodeRun {
    /// Adds an argument of the program. Servers join arguments with spaces and do not quote them.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.body.argv.get_or_insert_default().push(arg.into());
        self
    }

    /// Sets one environment variable. Values never appear in errors or Debug.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let env = self.body.envs.get_or_insert_default();
        env.insert(name.into(), value.into());
        self
    }

    /// How long the code may run; as [`Execute::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// As [`Execute::send`]; status 400 for an unknown language.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the code may go on.
    pub async fn send(self) -> Result<CodeRunResponse, Error> {
        let (toolbox, call) = self.call()?;
        let client = &toolbox.client;
        let limit = client.shared.config.limits.output;
        client.json(&toolbox.base, call, limit).await
    }

    fn call(mut self) -> Result<(Toolbox, Call), Error> {
        let route = &routes::CODE_RUN;
        let timeout = self.timeout.map(seconds).transpose();
        self.body.timeout = timeout.map_err(|error| error.with_operation(route.id))?;
        let call = Call::new(route, &[])?
            .json(&self.body)?
            .hide(self.body.envs.iter().flatten().map(|(_, value)| value));
        let call = run_call(&self.toolbox, call, self.body.timeout);
        Ok((self.toolbox, call))
    }
}
