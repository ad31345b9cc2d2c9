use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;

use super::tls::LazyTls;

/// A stream of bytes in both directions, such as a socket or one end of [`tokio::io::duplex`].
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Makes the connections of a [`HyperTransport`](super::HyperTransport) in place of TCP and TLS.
///
/// ```
/// use daytona_api::transport::{ByteStream, Connector, HyperTransport};
///
/// #[derive(Debug)]
/// struct InProcess;
///
/// #[async_trait::async_trait]
/// impl Connector for InProcess {
///     async fn connect(&self, _origin: &http::Uri) -> std::io::Result<Box<dyn ByteStream>> {
///         let (ours, _theirs) = tokio::io::duplex(64 * 1024);
///         // hand `_theirs` to the server
///         Ok(Box::new(ours))
///     }
/// }
///
/// let transport = HyperTransport::builder().connector(InProcess).build();
/// # drop(transport);
/// ```
#[async_trait::async_trait]
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Connects to `origin` (scheme, host and port). For `https` the connector is responsible for TLS.
    ///
    /// # Errors
    ///
    /// Where it cannot; nothing has been sent then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must drop the connection.
    async fn connect(&self, origin: &Uri) -> io::Result<Box<dyn ByteStream>>;
}

#[derive(Clone)]
pub(super) enum Dialer {
    Net { tcp: HttpConnector, tls: LazyTls },
    Custom(Arc<dyn Connector>),
}

#[derive(Clone)]
pub(super) struct Dial {
    pub(super) dialer: Dialer,
    pub(super) timeout: Duration,
}

impl Dial {
    pub(super) fn net(timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        Self {
            dialer: Dialer::Net {
                tcp,
                tls: LazyTls::default(),
            },
            timeout,
        }
    }
}

async fn dial(dialer: Dialer, origin: Uri) -> io::Result<Conn> {
    match dialer {
        Dialer::Custom(connector) => Ok(Conn::Custom(TokioIo::new(
            connector.connect(&origin).await?,
        ))),
        Dialer::Net { mut tcp, tls } => {
            if origin.scheme_str() == Some("https") {
                let stream = tls
                    .get(&tcp)?
                    .call(origin)
                    .await
                    .map_err(io::Error::other)?;
                Ok(Conn::Tls(Box::new(stream)))
            } else {
                Ok(Conn::Tcp(tcp.call(origin).await.map_err(io::Error::other)?))
            }
        }
    }
}

impl Service<Uri> for Dial {
    type Response = Conn;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Conn>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        // the handshake of TLS has as long as the connection before it
        let limit = if origin.scheme_str() == Some("https") {
            self.timeout.saturating_mul(2)
        } else {
            self.timeout
        };
        let dialing = dial(self.dialer.clone(), origin);
        Box::pin(async move {
            tokio::time::timeout(limit, dialing)
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
        })
    }
}

pub(super) enum Conn {
    Tcp(TokioIo<TcpStream>),
    Tls(Box<MaybeHttpsStream<TokioIo<TcpStream>>>),
    Custom(TokioIo<Box<dyn ByteStream>>),
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Conn {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buf),
            Self::Custom(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl Write for Conn {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_write(cx, buf),
            Self::Custom(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
            Self::Custom(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
            Self::Custom(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
            Self::Custom(io) => io.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Custom(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }
}
