//! What can go wrong, by the phase of the call.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The phase of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or an argument is wrong; nothing was sent.
    Build,
    /// No connection could be made; nothing was sent.
    Connect,
    /// A timeout of this client passed. See [`Error::may_have_reached_server`].
    Timeout,
    /// The connection failed after it was made.
    Transport,
    /// The server answered with a status that is not a success; see [`Error::status`].
    Status,
    /// The server answered with success, but with something that is not the documented answer.
    Decode,
    /// The answer is larger than the limit.
    TooLarge,
    /// A folder or archive holds something that is not taken over, such as a link that leads out of it; see
    /// [`FolderLimits`](crate::api::FolderLimits) for what is.
    Archive,
    /// A local file or folder could not be read or written.
    Local,
    /// A file changed while a download of it had to go on after a broken connection.
    Changed,
    /// What was waited for has failed, and will never be as it should; [`Error::message`] is the server's reason.
    Failed,
}

/// An error of this crate.
///
/// | what happened | kind | predicate | sent again, where that is safe |
/// |---|---|---|---|
/// | 400 | `Status` | [`is_bad_request`](Self::is_bad_request) | no |
/// | 401, 403 | `Status` | [`is_auth`](Self::is_auth) | no |
/// | 404 | `Status` | [`is_not_found`](Self::is_not_found) | no |
/// | 408 | `Status` | [`is_timeout`](Self::is_timeout) | no |
/// | 409 | `Status` | [`is_conflict`](Self::is_conflict) | no |
/// | 410 | `Status` | [`is_gone`](Self::is_gone) | no |
/// | 422 | `Status` | [`is_unprocessable`](Self::is_unprocessable) | no |
/// | 429 | `Status` | [`is_rate_limited`](Self::is_rate_limited) | yes, no sooner than the server asks for |
/// | 500, 502, 503 | `Status` | [`is_server_error`](Self::is_server_error) | yes |
/// | 503 of a part of computer use that the image lacks | `Status` | [`is_not_installed`](Self::is_not_installed) | no |
/// | 504 | `Status` | [`is_server_error`](Self::is_server_error), [`is_timeout`](Self::is_timeout) | yes |
/// | a redirect | `Status` | | no, and not followed |
/// | a web page | `Status` or `Decode` | [`is_not_daytona`](Self::is_not_daytona) | as its status says |
/// | no connection | `Connect` | [`is_connect`](Self::is_connect) | yes, any call |
/// | no connection in time | `Connect` | [`is_connect`](Self::is_connect), [`is_timeout`](Self::is_timeout) | yes, any call |
/// | broken off | `Transport` | | yes |
/// | no answer in time | `Timeout` | [`is_timeout`](Self::is_timeout) | yes |
/// | a success that is not what it should be | `Decode` or `TooLarge` | | no |
///
/// "Where that is safe" is a call that does the same once or twice (`GET`, `PUT`, `DELETE`, and what says so), within
/// [`Limits::attempts`](crate::Limits::attempts) and the time of the call. What the server says counts in this order:
/// `message`, `errors`, `error`, else the text itself; `code`, else `error_code`; `source`.
///
/// Display prints this level only; causes are reached through [`source`](std::error::Error::source). Neither the
/// texts nor the types of the causes are stable.
pub struct Error(Box<Inner>);

#[derive(Default)]
struct Inner {
    kind: Option<ErrorKind>,
    what: Cow<'static, str>,
    operation: Option<&'static str>,
    reached: bool,
    timeout: bool,
    not_daytona: bool,
    not_installed: bool,
    status: Option<u16>,
    close: Option<u16>,
    left: Option<String>,
    code: Option<String>,
    origin: Option<String>,
    message: Option<String>,
    retry_after: Option<Duration>,
    source: Option<anyhow::Error>,
}

/// What a server said when it refused.
#[derive(Default)]
pub(crate) struct ServerText {
    pub(crate) code: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) message: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind: Some(kind),
            what: what.into(),
            reached: !matches!(kind, ErrorKind::Build | ErrorKind::Connect),
            timeout: kind == ErrorKind::Timeout,
            ..Inner::default()
        }))
    }

    pub(crate) fn not_daytona(mut self) -> Self {
        self.0.not_daytona = true;
        self
    }

    pub(crate) fn not_installed(mut self) -> Self {
        self.0.not_installed = true;
        self
    }

    pub(crate) fn build(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Build, what)
    }

    pub(crate) fn answered(
        status: u16,
        what: impl Into<Cow<'static, str>>,
        text: ServerText,
        retry_after: Option<Duration>,
    ) -> Self {
        let mut error = Self::new(ErrorKind::Status, what);
        error.0.status = Some(status);
        error.0.timeout = status == 408 || status == 504;
        error.0.code = text.code;
        error.0.origin = text.origin;
        error.0.message = text.message;
        error.0.retry_after = retry_after;
        error
    }

    /// `message` must be clean already.
    pub(crate) fn failed(what: impl Into<Cow<'static, str>>, message: Option<String>) -> Self {
        let mut error = Self::new(ErrorKind::Failed, what);
        error.0.message = message;
        error
    }

    /// A WebSocket that the server closed. `reason` must be clean already.
    pub(crate) fn closed(
        kind: ErrorKind,
        what: impl Into<Cow<'static, str>>,
        code: u16,
        reason: Option<String>,
    ) -> Self {
        let mut error = Self::new(kind, what);
        error.0.close = Some(code);
        error.0.message = reason;
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_left(mut self, path: &str) -> Self {
        self.0.left.get_or_insert_with(|| path.to_owned());
        self
    }

    pub(crate) fn without_left(mut self) -> Self {
        self.0.left = None;
        self
    }

    /// A timeout, whatever the kind.
    pub(crate) fn with_timeout(mut self, timeout: bool) -> Self {
        self.0.timeout |= timeout;
        self
    }

    pub(crate) fn with_reached(mut self, reached: bool) -> Self {
        self.0.reached = reached;
        self
    }

    /// The phase that failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Build)
    }

    /// The operation, as the API's documents name it (`createSandbox`), where one was begun.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, where the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The code with which the server closed a WebSocket, where that is what went wrong: 1008 for a reader that is
    /// too slow, 1011 for a failure of the server, 4008 where code ran out of time.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.0.close
    }

    /// The path of a file that an upload which was cut off may have left in the sandbox, in part or in whole.
    #[must_use]
    pub fn left_behind(&self) -> Option<&str> {
        self.0.left.as_deref()
    }

    /// The server's own code (`PROCESS_EXECUTION_TIMEOUT`), where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The part of the system that answered, in the server's words (`DAYTONA_DAEMON`), where it said so.
    #[must_use]
    pub fn source_system(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    /// What the server said: at most 1,024 bytes, without control characters and without secrets of this client.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// How long the server asked to wait, from `Retry-After` or `Retry-After-<throttler>`; at most 60 seconds.
    ///
    /// Daytona's limits are also told in `X-RateLimit-Limit-<throttler>`, `X-RateLimit-Remaining-<throttler>`
    /// and `X-RateLimit-Reset-<throttler>`, where the throttler is for example `sandbox-create`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the server may have seen the request, and so may have acted on it. `false` only where that is
    /// certain.
    #[must_use]
    pub fn may_have_reached_server(&self) -> bool {
        self.0.reached
    }

    /// 404: there is no such thing, or it belongs to another organization. A web page that says 404 is not this: it
    /// knows nothing about sandboxes, see [`is_not_daytona`](Self::is_not_daytona).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404) && !self.0.not_daytona
    }

    /// 409: a name is taken, or the state is just changing.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.status == Some(409)
    }

    /// 401 or 403: the credential is wrong, or lacks a permission.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        matches!(self.0.status, Some(401 | 403))
    }

    /// 400: the server takes a value of the request for wrong, or the sandbox is not in a state for it.
    #[must_use]
    pub fn is_bad_request(&self) -> bool {
        self.0.status == Some(400)
    }

    /// 410: it was there and has ended, such as a session (`SESSION_ENDED`) or a command of one
    /// (`COMMAND_ALREADY_COMPLETED`).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.status == Some(410)
    }

    /// 422: understood and refused, such as a push that the other side rejects (`GIT_REMOTE_REJECTED`).
    #[must_use]
    pub fn is_unprocessable(&self) -> bool {
        self.0.status == Some(422)
    }

    /// 429: too many requests.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.0.status == Some(429)
    }

    /// A timeout: of this client, while connecting ([`is_connect`](Self::is_connect) too) or later, or told by the
    /// server with 408 (a command ran out of time) or 504.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.timeout
    }

    /// 5xx.
    #[must_use]
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status >= 500)
    }

    /// 503 by which a sandbox says that its image lacks what computer use needs: the desktop, the accessibility bus
    /// (`A11Y_UNAVAILABLE`) or ffmpeg (`RECORDING_FFMPEG_NOT_FOUND`). It stays so, and is never sent again; take an
    /// image that has them. A 503 of anything on the way to the sandbox is not this.
    #[must_use]
    pub fn is_not_installed(&self) -> bool {
        self.0.not_installed
    }

    /// True if a web page was answered where JSON was due, whatever the status, or 404, 405 or 501 in plain text, or
    /// a 404 about the path itself (`Cannot GET /sandbox`): the address is not that of a Daytona API, or something in
    /// between answered.
    #[must_use]
    pub fn is_not_daytona(&self) -> bool {
        self.0.not_daytona
    }

    /// No connection could be made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// The configuration or an argument is wrong.
    #[must_use]
    pub fn is_build(&self) -> bool {
        self.kind() == ErrorKind::Build
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.what)?;
        if let Some(message) = &self.0.message {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("operation", &self.0.operation)
            .field("what", &self.0.what)
            .field("status", &self.0.status)
            .field("close_code", &self.0.close)
            .field("left_behind", &self.0.left)
            .field("code", &self.0.code)
            .field("source_system", &self.0.origin)
            .field("message", &self.0.message)
            .field("retry_after", &self.0.retry_after)
            .field("may_have_reached_server", &self.0.reached)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
