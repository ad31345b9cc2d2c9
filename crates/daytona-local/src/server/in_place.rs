//! A server without a thread, a port, processes or files, in the runtime of its test.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Server;
use super::builder::ServerBuilder;
use super::connection::{self, Wire};
use crate::clock::TokioClock;
use crate::error::Error;
use crate::ident;
use crate::isolate::host::Host;

/// What its URL says; nothing listens there.
const PORT: u16 = 3986;

impl ServerBuilder {
    /// Starts the server in the current runtime, on that runtime's clock: where its time is paused or simulated, a day
    /// of leases passes in no time, and the same way each time. Nothing listens: connections come through
    /// [`Server::connect`] and [`Server::serve`]. Nothing runs either: an execute is answered as
    /// [`ServerBuilder::canned_exec`] says (code 0 and no output if it says nothing), making a folder succeeds, and
    /// the rest of the toolbox is answered 501. Options of isolation, port and clock are ignored.
    ///
    /// # Errors
    ///
    /// If there is no tokio runtime here, or the token is empty.
    pub fn start_in_place(mut self) -> Result<Server, Error> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::invalid("a server in place needs a tokio runtime around it"))?;
        if self
            .token
            .as_ref()
            .is_some_and(|token| token.trim().is_empty())
        {
            return Err(Error::invalid("an empty token would let everybody in"));
        }
        self.clock = Arc::new(TokioClock::new());
        let host = Host::bare(ident::uuid())
            .map_err(|error| Error::io("the folder for sandboxes cannot be made", error))?;
        let app = Arc::new(self.app(host, PORT, runtime, true));
        let (finished, done) = watch::channel(false);
        let ticks = app.spawn(Arc::clone(&app).run_timers());
        app.spawn({
            let app = Arc::clone(&app);
            async move {
                app.stop.cancelled().await;
                ticks.abort();
                finished.send(true).ok();
            }
        });
        Ok(Server {
            app,
            manual: None,
            done,
        })
    }
}

impl Server {
    /// Serves one connection, whatever carries it, until it ends: for transports of one's own, such as a simulated
    /// network. HTTP/1.1, with a `Host` as for [`Server::api_url`].
    pub fn serve(&self, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        self.app.spawn(connection::serve(
            Arc::clone(&self.app),
            Wire::Other(Box::new(io)),
        ));
    }
}
