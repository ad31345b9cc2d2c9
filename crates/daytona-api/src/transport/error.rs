use std::fmt;

/// Where in an exchange a transport failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a connection, or making one.
    Connect,
    /// Sending the request, and waiting for the head of the answer.
    Exchange,
    /// Reading the body of the answer, or the source of a request's body.
    Body,
}

/// Why no answer came.
#[derive(Debug)]
pub struct TransportError {
    phase: Phase,
    sent: bool,
    timeout: bool,
    source: Option<anyhow::Error>,
}

impl TransportError {
    /// An error of `phase`. What fails in [`Phase::Connect`] counts as not sent, everything else as possibly sent.
    #[must_use]
    pub fn new(phase: Phase) -> Self {
        Self {
            phase,
            sent: phase != Phase::Connect,
            timeout: false,
            source: None,
        }
    }

    /// A timeout in `phase`.
    #[must_use]
    pub fn timeout(phase: Phase) -> Self {
        Self {
            timeout: true,
            ..Self::new(phase)
        }
    }

    /// Sets the cause. It must not hold a secret.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(anyhow::Error::new(source));
        self
    }

    /// Says whether a byte of the request may have left this process.
    #[must_use]
    pub fn with_sent(mut self, sent: bool) -> Self {
        self.sent = sent;
        self
    }

    /// The phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether a byte of the request may have left this process.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        self.sent
    }

    /// Whether a timeout passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.timeout
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.phase, self.timeout) {
            (Phase::Connect, false) => "could not connect",
            (Phase::Connect, true) => "no connection in time",
            (Phase::Exchange, false) => "the exchange broke off",
            (Phase::Exchange, true) => "no answer in time",
            (Phase::Body, false) => "the body broke off",
            (Phase::Body, true) => "the body stalled",
        })
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
