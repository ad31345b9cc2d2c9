//! How requests reach the server: one method to implement, and the default over hyper.

mod body;
mod connect;
mod error;
mod hyper;
mod tls;
mod upgrade;

use std::fmt::{self, Debug};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

pub use self::body::Body;
pub use self::connect::{ByteStream, Connector};
pub use self::error::{Phase, TransportError};
pub use self::hyper::{HyperTransport, HyperTransportBuilder};

/// Sends one request and gives the head of its answer.
///
/// The client puts a [`Wait`] into the request's extensions; an implementation that keeps to it can tell whether
/// anything was sent when the time is over. The client enforces the deadline in any case.
#[async_trait::async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Sends `request`, at most once.
    ///
    /// # Errors
    ///
    /// Where no answer came; [`TransportError::may_have_been_sent`] must be `false` only where that is certain.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must end the exchange; the server may have acted by then.
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError>;

    /// Sends a request that asks to switch the protocol, at most once. Where the server did (status 101) the
    /// connection itself comes with the head of the answer; otherwise the answer is like any other.
    ///
    /// A transport that has no such connections need not have this: it then fails with nothing sent.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        drop(request);
        let what = "this transport cannot switch protocols";
        Err(TransportError::new(Phase::Connect)
            .with_source(std::io::Error::new(std::io::ErrorKind::Unsupported, what)))
    }

    /// Whether requests come with [`About`] among their extensions (default: no). It costs a copy of their secrets. One
    /// that hands requests to another transport asks for what that one wants.
    fn wants_about(&self) -> bool {
        false
    }
}

/// How long a [`Transport`] may wait; an extension of each request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wait {
    /// For the head of the answer, counted from the last piece of the request's body that was taken.
    pub head: Duration,
    /// For the whole call.
    pub deadline: Instant,
}

/// What a request is, for a [`Transport`] that [asks](Transport::wants_about); an extension of it.
///
/// Debug shows no secret.
#[derive(Clone)]
pub struct About {
    pub(crate) operation: &'static str,
    pub(crate) secrets: Vec<Zeroizing<String>>,
}

impl About {
    /// The id of the operation, as in [`routes`](crate::routes).
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Texts in it that nobody may read: the credential, values of environment variables and whatever else the client
    /// keeps out of its errors.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|text| text.as_str())
    }
}

impl Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("About")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
