//! A connection inside a sandbox whose network is not this process's: a program of the sandbox makes it and hands on
//! what it reads and writes.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::cell::Cell;
use super::launch::Start;

/// Says one line once it is connected.
const SCRIPT: &str = "exec 3<>\"/dev/tcp/$1/$2\" || exit 1
echo
cat <&3 &
cat >&3
wait";

/// Ends with what is handed on; its programs are killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Dialed {
    reads: ChildStdout,
    writes: ChildStdin,
    /// Not waited for before the end, so that its id stays its own.
    child: Child,
}

impl Cell {
    /// Connects from inside.
    pub(crate) async fn dial(&self, network: bool, address: SocketAddr) -> io::Result<Dialed> {
        let shell = self.host.shell();
        if !shell.ends_with("bash") {
            return Err(io::Error::other(
                "a sandbox without the network is reached through bash, which this machine has not",
            ));
        }
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let start = Start {
            cwd: "/".to_owned(),
            env: BTreeMap::new(),
            network,
            argv: [shell, "-c", SCRIPT, "sh", &ip, &port]
                .map(str::to_owned)
                .to_vec(),
        };
        let (child, writes, reads) = self.start_piped(&start).await?;
        let mut dialed = Dialed {
            reads,
            writes,
            child,
        };
        // a connection that is refused ends it without the line
        dialed.reads.read_u8().await?;
        Ok(dialed)
    }
}

impl Drop for Dialed {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            // gone already is as good
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
    }
}

impl AsyncRead for Dialed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().reads).poll_read(cx, buf)
    }
}

impl AsyncWrite for Dialed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().writes).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writes).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writes).poll_shutdown(cx)
    }
}
