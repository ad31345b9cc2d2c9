use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;

use super::{Pty, Toolbox};
use crate::error::{Error, ErrorKind};
use crate::models::toolbox::PtySessionInfo;
use crate::request::{Call, check_segment};
use crate::routes::toolbox as routes;
use crate::wire::socket::{Close, Incoming, Socket};

/// How long the server may take to say that the terminal is ready.
const READY: Duration = Duration::from_secs(10);
/// The largest piece of input that is sent at once; servers refuse more than 64 KiB.
const INPUT: usize = 32 << 10;
const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";

/// Terminals one is connected to.
impl Pty {
    /// Connects to a terminal: a WebSocket on `GET /process/pty/{id}/connect`. What it showed before is not shown
    /// again. Several clients may be connected to one terminal.
    ///
    /// # Errors
    ///
    /// See [`Pty`]. [`ErrorKind::Failed`] where the server says that it cannot be, for example since it has ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: the terminal itself stays.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// pty.create("main", |_| {}).await?;
    /// let mut terminal = pty.connect("main").await?;
    /// terminal.write("ls\n").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(&self, id: &str) -> Result<Terminal, Error> {
        let call = Call::new(&routes::CONNECT_PTY_SESSION, &[id])?;
        Terminal::open(self.clone(), id, call, &[EXIT_CONTROL.to_owned()]).await
    }

    /// Makes a terminal and connects to it at once: a WebSocket on `GET /process/pty/create-connect`. See
    /// [`OpenTerminal`].
    pub fn open(&self, id: impl Into<String>) -> OpenTerminal {
        OpenTerminal {
            pty: self.clone(),
            id: id.into(),
            size: None,
            cwd: None,
            env: BTreeMap::new(),
        }
    }
}

/// Makes a terminal and connects to it; from [`Pty::open`].
///
/// Known from newer clients: older servers answer 404. [`Pty::create`] and [`Pty::connect`] work with all.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// use daytona_api::api::PtyEvent;
///
/// let mut terminal = toolbox.pty().open("main").size(120, 40).env("LANG", "C").send().await?;
/// terminal.write("exit 3\n").await?;
/// while let Some(event) = terminal.next_event().await? {
///     if let PtyEvent::Exited(exit) = event {
///         assert_eq!(exit.code, 3);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct OpenTerminal {
    pty: Pty,
    id: String,
    size: Option<(u16, u16)>,
    cwd: Option<String>,
    env: BTreeMap<String, String>,
}

impl OpenTerminal {
    /// Columns and rows, 1 to 1,000 each (default 80 by 24).
    pub fn size(mut self, cols: u16, rows: u16) -> Self {
        self.size = Some((cols, rows));
        self
    }

    /// The folder to start in (default: the work-dir).
    pub fn cwd(mut self, folder: impl Into<String>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// Sets one environment variable. Values never appear in errors or Debug.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// See [`Pty`]. A conflict where there is one of this name. Never sent again once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The terminal may be made all the same.
    pub async fn send(self) -> Result<Terminal, Error> {
        let route = &routes::CREATE_CONNECT_PTY_SESSION;
        check_segment(&self.id).map_err(|error| error.with_operation(route.id))?;
        let mut call = Call::new(route, &[])?.query("id", &self.id);
        if let Some((cols, rows)) = self.size {
            call = call.query("cols", &cols.to_string());
            call = call.query("rows", &rows.to_string());
        }
        let call = call.maybe("cwd", self.cwd).hide(self.env.values());
        let mut protocols = vec![EXIT_CONTROL.to_owned()];
        if !self.env.is_empty() {
            let json = serde_json::to_vec(&self.env)
                .map_err(|error| Error::build("the variables are no json").with_source(error))?;
            let text = URL_SAFE_NO_PAD.encode(json);
            protocols.push(format!("X-Daytona-Pty-Envs~{text}"));
        }
        Terminal::open(self.pty, &self.id, call, &protocols).await
    }
}

impl std::fmt::Debug for OpenTerminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenTerminal")
            .field("id", &self.id)
            .field("size", &self.size)
            .field("cwd", &self.cwd)
            .field("env", &self.env.keys())
            .finish_non_exhaustive()
    }
}

/// How the program in a terminal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PtyExit {
    /// Its exit code; 128 and the signal's number where one killed it, or -1.
    pub code: i64,
    /// The server's word for it, such as `SIGKILL`.
    pub reason: Option<String>,
}

/// What comes from a terminal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PtyEvent {
    /// Bytes to show, as the terminal sent them.
    Output(Bytes),
    /// The program has ended. Nothing comes after it.
    Exited(PtyExit),
}

impl std::fmt::Debug for PtyEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Output(data) => write!(f, "Output({} bytes)", data.len()),
            Self::Exited(exit) => f.debug_tuple("Exited").field(exit).finish(),
        }
    }
}

/// A connection to a terminal; from [`Pty::connect`] and [`Pty::open`].
///
/// It is a [`Stream`] of [`PtyEvent`]s and a [`Sink`] of bytes that are typed; `StreamExt::split` gives the two
/// halves. Nothing is read before it is asked for: a reader that is too slow is disconnected by the server with
/// [`close_code`](Error::close_code) 1008. Dropping it leaves the terminal and what runs in it alone.
#[derive(Debug)]
pub struct Terminal {
    pty: Pty,
    id: String,
    socket: Socket,
    early: VecDeque<Bytes>,
    exit: Option<PtyExit>,
    typed: Bytes,
    done: bool,
}

impl Terminal {
    async fn open(pty: Pty, id: &str, call: Call, protocols: &[String]) -> Result<Self, Error> {
        let operation = call.route.id;
        let Toolbox { client, base } = &pty.toolbox;
        let mut socket = client.socket(base, call, protocols).await?;
        let mut early = VecDeque::new();
        let ready = async {
            loop {
                match socket.next().await? {
                    Incoming::Binary(data) => early.push_back(data),
                    Incoming::Text(text) => match Control::parse(&text) {
                        None => early.push_back(text.into()),
                        Some(Control::Connected) => return Ok(()),
                        Some(Control::Error(reason)) => {
                            let reason = client.redact(&reason, [], 1 << 10);
                            return Err(Error::failed("the terminal cannot be used", Some(reason)));
                        }
                        Some(Control::Exited(_)) => {
                            return Err(Error::failed("the terminal has ended", None));
                        }
                    },
                    Incoming::Closed(close) => {
                        return Err(close.error(client, ErrorKind::Failed));
                    }
                }
            }
        };
        let late = || Error::new(ErrorKind::Timeout, "the terminal is not ready in time");
        let outcome = tokio::time::timeout(READY, ready).await;
        outcome
            .unwrap_or_else(|_| Err(late()))
            .map_err(|error| error.with_operation(operation))?;
        Ok(Self {
            id: id.to_owned(),
            pty,
            socket,
            early,
            exit: None,
            typed: Bytes::new(),
            done: false,
        })
    }

    /// The terminal's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next event, or `None` after the last.
    ///
    /// # Errors
    ///
    /// Where the connection breaks off, or the server closes it without saying how the program ended; see
    /// [`close_code`](Error::close_code). [`Pty::connect`] may go on then, without what came in between.
    ///
    /// # Cancel safety
    ///
    /// Safe: no event is lost.
    pub async fn next_event(&mut self) -> Result<Option<PtyEvent>, Error> {
        self.next().await.transpose()
    }

    /// Types something.
    ///
    /// # Errors
    ///
    /// Where the connection has broken off.
    ///
    /// # Cancel safety
    ///
    /// Not safe: some of it may be typed.
    pub async fn write(&mut self, input: impl Into<Bytes> + Send) -> Result<(), Error> {
        self.send(input.into()).await
    }

    /// Changes the terminal's size. See [`Pty::resize`].
    ///
    /// # Errors
    ///
    /// As [`Pty::resize`].
    ///
    /// # Cancel safety
    ///
    /// As [`Pty::resize`].
    pub fn resize(
        &self,
        cols: u16,
        rows: u16,
    ) -> impl Future<Output = Result<PtySessionInfo, Error>> + Send + use<> {
        let (pty, id) = (self.pty.clone(), self.id.clone());
        async move { pty.resize(&id, cols, rows).await }
    }

    fn closed(&mut self, close: &Close) -> Option<Result<PtyEvent, Error>> {
        self.done = true;
        let told = serde_json::from_str::<Value>(&close.reason).unwrap_or_default();
        if let Some(exit) = self.exit.take().or_else(|| exit(&told)) {
            return Some(Ok(PtyEvent::Exited(exit)));
        }
        if close.is_normal() {
            let (code, reason) = (0, None);
            return Some(Ok(PtyEvent::Exited(PtyExit { code, reason })));
        }
        let mut close = close.clone();
        if let Some(error) = told.get("error").and_then(Value::as_str) {
            error.clone_into(&mut close.reason);
        }
        Some(Err(
            close.error(&self.pty.toolbox.client, ErrorKind::Transport)
        ))
    }

    fn poll_typed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.typed.is_empty() {
            ready!(self.socket.poll_ready(cx))?;
            let piece = self.typed.split_to(self.typed.len().min(INPUT));
            self.socket.start_send(piece)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for Terminal {
    type Item = Result<PtyEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(data) = self.early.pop_front() {
            return Poll::Ready(Some(Ok(PtyEvent::Output(data))));
        }
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            let output = match ready!(self.socket.poll_incoming(cx)) {
                Ok(Incoming::Binary(data)) => data,
                Ok(Incoming::Text(text)) => match Control::parse(&text) {
                    None => text.into(),
                    Some(Control::Exited(exit)) => {
                        self.exit = Some(exit);
                        continue;
                    }
                    Some(Control::Connected) => continue,
                    Some(Control::Error(reason)) => {
                        self.done = true;
                        let reason = self.pty.toolbox.client.redact(&reason, [], 1 << 10);
                        let error = Error::failed("the terminal failed", Some(reason));
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Ok(Incoming::Closed(close)) => return Poll::Ready(self.closed(&close)),
                // it has told how it ended, which is all there was to come
                Err(error) => {
                    self.done = true;
                    let exit = self.exit.take().map(PtyEvent::Exited);
                    return Poll::Ready(Some(exit.ok_or(error)));
                }
            };
            return Poll::Ready(Some(Ok(PtyEvent::Output(output))));
        }
    }
}

impl Sink<Bytes> for Terminal {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_typed(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, input: Bytes) -> Result<(), Error> {
        self.typed = input;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_typed(cx))?;
        self.socket.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_typed(cx))?;
        self.socket.poll_close(cx)
    }
}

enum Control {
    Connected,
    Error(String),
    Exited(PtyExit),
}

impl Control {
    /// `None` for text that is the terminal's own.
    fn parse(text: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(text).ok()?;
        if message.get("type")? != "control" {
            return None;
        }
        match message.get("status")?.as_str()? {
            "connected" => Some(Self::Connected),
            "error" => {
                let reason = message.get("error").and_then(Value::as_str);
                Some(Self::Error(reason.unwrap_or_default().to_owned()))
            }
            "exited" => Some(Self::Exited(exit(&message)?)),
            _ => None,
        }
    }
}

fn exit(told: &Value) -> Option<PtyExit> {
    let code = told.get("exitCode")?;
    let code = code.as_i64().or_else(|| Some(code.as_f64()? as i64))?;
    let reason = told.get("exitReason").and_then(Value::as_str);
    let reason = reason.map(str::to_owned);
    Some(PtyExit { code, reason })
}
