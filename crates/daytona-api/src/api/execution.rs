use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::Interpreter;
use super::process::seconds;
use crate::error::{Error, ErrorKind};
use crate::models::charts::Chart;
use crate::request::Call;
use crate::routes::toolbox as routes;
use crate::wire::socket::{Close, Incoming, Socket};

/// Running code.
impl Interpreter {
    /// Runs Python code: a WebSocket on `GET /process/interpreter/execute`. See [`RunCode`].
    pub fn run(&self, code: impl Into<String>) -> RunCode {
        RunCode {
            interpreter: self.clone(),
            code: code.into(),
            context: None,
            env: BTreeMap::new(),
            timeout: None,
        }
    }
}

/// Runs Python code; from [`Interpreter::run`].
///
/// What the code defines stays for the next run in the same context. Runs in one context wait for each other. The
/// value of a last expression is not shown.
///
/// ```no_run
/// # async fn example(interpreter: daytona_api::api::Interpreter) -> Result<(), daytona_api::Error> {
/// interpreter.run("x = 6").send().await?.finish().await?;
/// let done = interpreter.run("print(x * 7)").send().await?.finish().await?;
/// assert_eq!(done.stdout, "42\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct RunCode {
    interpreter: Interpreter,
    code: String,
    context: Option<String>,
    env: BTreeMap<String, String>,
    timeout: Option<Duration>,
}

impl RunCode {
    /// The context to run in, by id (default: one that all share).
    pub fn context(mut self, id: impl Into<String>) -> Self {
        self.context = Some(id.into());
        self
    }

    /// Sets one environment variable for this run. Values never appear in errors or Debug.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// How long it may run, rounded up to whole seconds (default: 10 minutes); zero is no bound. After it the code
    /// is interrupted, and two seconds later killed with all that the context holds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Begins to run it.
    ///
    /// # Errors
    ///
    /// See [`Interpreter`]. Never sent again once a byte of it may have been written.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the code may run.
    pub async fn send(self) -> Result<Execution, Error> {
        let route = &routes::EXECUTE_INTERPRETER_CODE;
        let refuse = |error: Error| error.with_operation(route.id);
        if self.code.is_empty() {
            return Err(refuse(Error::build("the code is empty")));
        }
        let mut first = Map::new();
        first.insert("code".into(), self.code.into());
        if let Some(context) = self.context {
            first.insert("contextId".into(), context.into());
        }
        if let Some(timeout) = self.timeout {
            let limit = if timeout.is_zero() {
                0
            } else {
                seconds(timeout).map_err(refuse)?
            };
            first.insert("timeout".into(), limit.into());
        }
        let hidden: Vec<String> = self.env.values().cloned().collect();
        if !self.env.is_empty() {
            let env = self
                .env
                .into_iter()
                .map(|(name, value)| (name, value.into()));
            first.insert("envs".into(), Value::Object(env.collect()));
        }
        let toolbox = self.interpreter.toolbox.clone();
        let call = Call::new(route, &[])?.hide(&hidden);
        let mut socket = toolbox.client.socket(&toolbox.base, call, &[]).await?;
        // a server that refuses it at once has said why, which is read next
        drop(socket.send_text(Value::Object(first).to_string()).await);
        Ok(Execution {
            interpreter: self.interpreter,
            socket,
            hidden,
            frame: 0,
            done: false,
        })
    }
}

impl std::fmt::Debug for RunCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunCode")
            .field("context", &self.context)
            .field("env", &self.env.keys())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// An exception that the code did not catch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionError {
    /// The exception's class, such as `ValueError`.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Where it was raised, in several lines.
    pub traceback: String,
}

/// What happens while code runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExecutionEvent {
    /// Text for standard output.
    Stdout(String),
    /// Text for standard error.
    Stderr(String),
    /// The code failed.
    Error(ExecutionError),
    /// The code showed a figure. Servers of which we have seen the source tell none here and leave figures to
    /// [`code_run`](crate::api::Process::code_run); the embedded server does.
    Chart(Box<Chart>),
    /// The code was interrupted.
    Interrupted,
    /// The code has run to its end, well or with an error.
    Completed,
    /// Something that this version does not know, as it came.
    Other(Value),
}

/// All that a run gave; from [`Execution::finish`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExecutionResult {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exception it ended with.
    pub error: Option<ExecutionError>,
    /// The figures it showed.
    pub charts: Vec<Chart>,
    /// What this version does not know, as it came.
    pub other: Vec<Value>,
}

/// Code that runs; from [`RunCode::send`]. It is a [`Stream`] of [`ExecutionEvent`]s, which ends when the run has.
///
/// Nothing is read before it is asked for: a reader that is too slow is disconnected by the server with
/// [`close_code`](Error::close_code) 1008. Dropping it closes the connection; the code may go on.
#[derive(Debug)]
pub struct Execution {
    interpreter: Interpreter,
    socket: Socket,
    hidden: Vec<String>,
    /// How long the last message was.
    frame: usize,
    done: bool,
}

impl Execution {
    /// The next event, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`is_timeout`](Error::is_timeout) where the code took longer than its timeout;
    /// [`ErrorKind::Failed`] where the server refused it, for example since there is no such context; or the
    /// error of the connection. An exception in the code is an event and no error.
    ///
    /// # Cancel safety
    ///
    /// Safe: no event is lost.
    pub async fn next_event(&mut self) -> Result<Option<ExecutionEvent>, Error> {
        self.next().await.transpose()
    }

    /// Waits for the end and gives all of it. At most [`Limits::output`](crate::Limits::output) bytes of text and charts.
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event); [`ErrorKind::TooLarge`] for more.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what came so far is lost, and the code may go on.
    pub async fn finish(mut self) -> Result<ExecutionResult, Error> {
        let limit = self.interpreter.toolbox.client.shared.config.limits.output;
        let mut result = ExecutionResult::default();
        let mut more = 0_usize;
        while let Some(event) = self.next_event().await? {
            match event {
                ExecutionEvent::Stdout(text) => result.stdout.push_str(&text),
                ExecutionEvent::Stderr(text) => result.stderr.push_str(&text),
                ExecutionEvent::Error(error) => result.error = Some(error),
                ExecutionEvent::Chart(chart) => {
                    more = more.saturating_add(self.frame);
                    result.charts.push(*chart);
                }
                ExecutionEvent::Other(value) => {
                    more = more.saturating_add(self.frame);
                    result.other.push(value);
                }
                ExecutionEvent::Interrupted | ExecutionEvent::Completed => {}
            }
            let all = result.stdout.len() + result.stderr.len();
            if all.saturating_add(more) > limit {
                let what = format!("the output is larger than {limit} bytes");
                return Err(Error::new(ErrorKind::TooLarge, what));
            }
        }
        Ok(result)
    }

    fn closed(&self, close: &Close) -> Option<Error> {
        let client = &self.interpreter.toolbox.client;
        let kind = match close.code {
            1000 | 1005 => return None,
            4008 => {
                let what = "the code took longer than its timeout";
                return Some(Error::closed(ErrorKind::Timeout, what, close.code, None));
            }
            // refused before it ran
            1002 | 1003 | 1007 | 1008 => ErrorKind::Failed,
            _ => ErrorKind::Transport,
        };
        let hidden = self.hidden.iter().map(String::as_str);
        let reason = client.redact(&close.reason, hidden, 256);
        let close = Close {
            code: close.code,
            reason,
        };
        Some(close.error(client, kind))
    }
}

impl Stream for Execution {
    type Item = Result<ExecutionEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let text = match ready!(self.socket.poll_incoming(cx)) {
            Ok(Incoming::Text(text)) => text,
            Ok(Incoming::Binary(data)) => String::from_utf8_lossy(&data).into_owned(),
            Ok(Incoming::Closed(close)) => {
                self.done = true;
                let error = self.closed(&close);
                let id = routes::EXECUTE_INTERPRETER_CODE.id;
                return Poll::Ready(error.map(|error| Err(error.with_operation(id))));
            }
            Err(error) => {
                self.done = true;
                return Poll::Ready(Some(Err(error)));
            }
        };
        self.frame = text.len();
        Poll::Ready(Some(Ok(event(&text))))
    }
}

/// The chart of a message, whose `value` is an object, or the text of one as all other values are texts.
fn chart(message: &Value) -> Option<Box<Chart>> {
    let chart = match message.get("value")? {
        Value::String(text) => serde_json::from_str(text),
        value => serde_json::from_value(value.clone()),
    };
    chart.ok().map(Box::new)
}

fn event(text: &str) -> ExecutionEvent {
    let Ok(message) = serde_json::from_str::<Value>(text) else {
        return ExecutionEvent::Other(Value::String(text.to_owned()));
    };
    let field = |name: &str| {
        let text = message.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    match (field("type").as_str(), field("text").as_str()) {
        ("stdout", text) => ExecutionEvent::Stdout(text.to_owned()),
        ("stderr", text) => ExecutionEvent::Stderr(text.to_owned()),
        ("error", _) => ExecutionEvent::Error(ExecutionError {
            name: field("name"),
            value: field("value"),
            traceback: field("traceback"),
        }),
        ("chart", _) => match chart(&message) {
            Some(chart) => ExecutionEvent::Chart(chart),
            None => ExecutionEvent::Other(message),
        },
        ("control", "completed") => ExecutionEvent::Completed,
        ("control", "interrupted") => ExecutionEvent::Interrupted,
        _ => ExecutionEvent::Other(message),
    }
}
