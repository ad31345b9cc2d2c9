//! One connection: TCP or in this process, kept alive, and broken off when a fault says so.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::dispatch;
use crate::app::App;
use crate::clock::add;

/// A client that does not finish its headers in this time is cut off; also how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(300);
/// After a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(10);

/// What carries a connection.
pub(crate) enum Wire {
    Tcp(TcpStream),
    Memory(DuplexStream),
    Other(Box<dyn Io>),
}

/// Anything that carries bytes both ways.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(wire) => Pin::new(wire).poll_read(cx, buf),
            Self::Memory(wire) => Pin::new(wire).poll_read(cx, buf),
            Self::Other(wire) => Pin::new(wire).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(wire) => Pin::new(wire).poll_write(cx, buf),
            Self::Memory(wire) => Pin::new(wire).poll_write(cx, buf),
            Self::Other(wire) => Pin::new(wire).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(wire) => Pin::new(wire).poll_flush(cx),
            Self::Memory(wire) => Pin::new(wire).poll_flush(cx),
            Self::Other(wire) => Pin::new(wire).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(wire) => Pin::new(wire).poll_shutdown(cx),
            Self::Memory(wire) => Pin::new(wire).poll_shutdown(cx),
            Self::Other(wire) => Pin::new(wire).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(wire) => Pin::new(wire).poll_write_vectored(cx, bufs),
            Self::Memory(wire) => Pin::new(wire).poll_write_vectored(cx, bufs),
            Self::Other(wire) => Pin::new(wire).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(wire) => wire.is_write_vectored(),
            Self::Memory(wire) => wire.is_write_vectored(),
            Self::Other(wire) => wire.is_write_vectored(),
        }
    }
}

/// How a fault ends a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a reset.
    Reset,
    /// In order, but without the answer.
    Close,
    /// These bytes are sent as they are, at this many of them in a second if one is given, and then it closes.
    Raw { bytes: Bytes, pace: Option<u64> },
    /// These bytes are sent as they are, then it is reset.
    Cut { bytes: Bytes },
}

/// Lets a request end its own connection.
#[derive(Debug, Default)]
pub(crate) struct Control {
    ending: Mutex<Option<Ending>>,
    wake: Notify,
}

impl Control {
    /// Ends the connection; the returned future never ends, since nothing is answered any more.
    pub(crate) async fn end<T>(&self, ending: Ending) -> T {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        self.wake.notify_one();
        std::future::pending().await
    }
}

pub(crate) async fn serve(app: Arc<App>, wire: Wire) {
    let control = Arc::new(Control::default());
    let service = service_fn({
        let (app, control) = (Arc::clone(&app), Arc::clone(&control));
        move |request| dispatch::answer(Arc::clone(&app), Arc::clone(&control), request)
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let stop = app.stop.clone();
    let ended = tokio::select! {
        biased;
        // A client that breaks off is nothing to report.
        _ = Pin::new(&mut connection) => return,
        () = stop.cancelled() => Ending::Close,
        () = control.wake.notified() => {
            let ending = control.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
            ending.unwrap_or(Ending::Close)
        }
    };
    // one that has switched its protocol is somebody else's
    let Some(parts) = connection.into_parts() else {
        return;
    };
    let mut wire = parts.io.into_inner();
    let sent = match &ended {
        Ending::Raw { bytes, pace } => send(&app, &mut wire, bytes, *pace).await,
        Ending::Cut { bytes } => send(&app, &mut wire, bytes, None).await,
        Ending::Reset | Ending::Close => Ok(()),
    };
    // A peer that has gone is nothing to report.
    drop(sent);
    if let (Wire::Tcp(stream), Ending::Reset | Ending::Cut { .. }) = (&wire, &ended) {
        if matches!(ended, Ending::Cut { .. }) {
            // What was sent is to arrive: a reset would take it along.
            await_read(stream).await;
        }
        // Unsent data is dropped and the peer gets a reset.
        drop(stream.set_zero_linger());
    }
}

/// Sends bytes, a tenth of a second's worth at a time.
async fn send(app: &App, wire: &mut Wire, bytes: &[u8], pace: Option<u64>) -> io::Result<()> {
    let Some(pace) = pace else {
        wire.write_all(bytes).await?;
        return wire.flush().await;
    };
    let step = usize::try_from((pace / 10).max(1)).unwrap_or(usize::MAX);
    let pause = Duration::from_nanos(1_000_000_000 / pace.max(1))
        .saturating_mul(u32::try_from(step).unwrap_or(u32::MAX));
    for chunk in bytes.chunks(step) {
        app.clock.sleep_until(add(app.clock.now(), pause)).await;
        wire.write_all(chunk).await?;
        wire.flush().await?;
    }
    Ok(())
}

/// Waits a moment for the peer to take what was sent. On loopback it has it as soon as it was written.
async fn await_read(stream: &TcpStream) {
    let gone = stream.readable();
    drop(tokio::time::timeout(PAUSE, gone).await);
}

/// Takes connections until the server stops.
pub(crate) async fn accept(app: Arc<App>, listener: tokio::net::TcpListener) {
    let listen = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    drop(stream.set_nodelay(true));
                    app.spawn(serve(Arc::clone(&app), Wire::Tcp(stream)));
                }
                // Out of descriptors, or a peer that gave up: the next one may do better.
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = listen => {}
        () = app.stop.cancelled() => {}
    }
}
