//! Why a server did not start.

use std::fmt;
use std::io;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Isolation was required and this machine cannot give it.
    IsolationUnavailable,
    /// An option of the builder makes no sense.
    InvalidInput,
    /// The port cannot be used, mostly since something else does.
    PortUnavailable,
    /// The operating system refused: a folder, a thread.
    Io,
}

/// The server could not be started.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn isolation(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::IsolationUnavailable,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidInput,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn port(port: u16, source: io::Error) -> Self {
        Self {
            kind: ErrorKind::PortUnavailable,
            ..Self::io(format!("port {port} cannot be used"), source)
        }
    }

    pub(crate) fn io(message: impl Into<String>, source: io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: message.into(),
            source: Some(source),
        }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether isolation was required and is missing here.
    #[must_use]
    pub fn is_isolation(&self) -> bool {
        self.kind == ErrorKind::IsolationUnavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
