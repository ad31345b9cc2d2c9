use std::fmt;

use crate::transport::{Phase, TransportError};

/// What a cassette cannot do; the cause of the [`Error`](crate::Error) of a call, or the error of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum CassetteError {
    /// It has no request of this operation, or no more of them.
    Missing {
        /// The operation that was asked for.
        operation: String,
        /// What it has instead.
        has: String,
    },
    /// The next request of this operation in the cassette is another one.
    Differs {
        /// The operation that was asked for.
        operation: String,
        /// Which of the requests of this operation it is, from 1.
        number: usize,
        /// In what they differ.
        difference: String,
    },
    /// A body is larger than what a recording keeps.
    TooLarge {
        /// The operation.
        operation: String,
        /// How many bytes of a body are kept.
        limit: usize,
    },
    /// A cassette keeps no WebSockets.
    WebSocket {
        /// The operation that asked for one.
        operation: String,
    },
    /// It is not a cassette of this version.
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// Its file cannot be read or written.
    File(std::io::Error),
}

impl CassetteError {
    pub(super) fn unlike(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into() }
    }

    pub(super) fn file(error: std::io::Error) -> Self {
        Self::File(error)
    }

    /// As a transport fails with it: nothing was sent.
    pub(super) fn unsent(self) -> TransportError {
        TransportError::new(Phase::Connect).with_source(self)
    }
}

impl fmt::Display for CassetteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { operation, has } => {
                write!(
                    f,
                    "the cassette has no further request of {operation}; it has {has}"
                )
            }
            Self::Differs {
                operation,
                number,
                difference,
            } => write!(
                f,
                "request {number} of {operation} is not the one in the cassette: {difference}"
            ),
            Self::TooLarge { operation, limit } => write!(
                f,
                "a body of {operation} is larger than the {limit} bytes that the recording keeps of one"
            ),
            Self::WebSocket { operation } => write!(
                f,
                "a cassette keeps no WebSockets, which {operation} needs; use the embedded server or a script for it"
            ),
            Self::Malformed { what } => write!(f, "not a cassette of this version: {what}"),
            Self::File(_) => f.write_str("the cassette's file cannot be read or written"),
        }
    }
}

impl std::error::Error for CassetteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            _ => None,
        }
    }
}
