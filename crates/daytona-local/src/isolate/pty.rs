//! Terminals. In a sandbox with a root of its own they are of its own devpts too: it shows no terminal of the host, and
//! programs find theirs by its name.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FsWord, Mode, OFlags, ResolveFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

use super::cell::Cell;
use super::launch::Start;
use super::probe;
use super::space::Space;

/// What `statfs` says of a devpts.
const DEVPTS: FsWord = 0x1cd1;

/// The server's side of a terminal. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Pty(Arc<AsyncFd<OwnedFd>>);

impl Pty {
    /// With the side that programs get.
    fn open(space: Option<&Space>) -> io::Result<(Self, OwnedFd)> {
        let own = space.map(own);
        let main = match own {
            Some(Ok(own)) => own,
            Some(Err(error)) => {
                tracing::debug!(%error, "a terminal of a sandbox is one of the host");
                host()?
            }
            None => host()?,
        };
        rustix::pty::unlockpt(&main)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let other = rustix::pty::ioctl_tiocgptpeer(&main, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for handles that somebody else could close; this one is owned"
        )]
        let main = AsyncFd::new(main)?;
        Ok((Self(Arc::new(main)), other))
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) -> io::Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: cols,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(self.0.get_ref(), size)?)
    }

    /// What programs wrote. The end is an error.
    pub(crate) async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let read = |main: &OwnedFd| Ok(rustix::io::read(main, &mut *into)?);
        self.0.async_io(Interest::READABLE, read).await
    }

    /// Types some of this; how much.
    pub(crate) async fn write(&self, typed: &[u8]) -> io::Result<usize> {
        let write = |main: &OwnedFd| Ok(rustix::io::write(main, typed)?);
        self.0.async_io(Interest::WRITABLE, write).await
    }
}

const MAIN: OFlags = OFlags::RDWR
    .union(OFlags::NOCTTY)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

fn host() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/dev/ptmx", MAIN, Mode::empty())?)
}

/// One of the devpts that the sandbox has. Its programs may put anything in the place of that, so links are not
/// followed, and what comes is looked at.
fn own(space: &Space) -> io::Result<OwnedFd> {
    let root = format!("/proc/{}/root", space.pid);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, flags, Mode::empty())?;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let main = rustix::fs::openat2(&root, "dev/pts/ptmx", MAIN, Mode::empty(), inside)?;
    if rustix::fs::fstatfs(&main)?.f_type != DEVPTS {
        return Err(io::Error::other("the sandbox has no devpts"));
    }
    let host = fs::metadata("/dev/pts").map(|pts| pts.dev()).ok();
    if Some(rustix::fs::fstat(&main)?.st_dev) == host {
        return Err(io::Error::other("the sandbox has the devpts of the host"));
    }
    Ok(main)
}

impl Cell {
    /// Starts a program that a terminal of this size controls.
    pub(crate) async fn start_on_terminal(
        &self,
        start: &Start,
        (cols, rows): (u16, u16),
    ) -> io::Result<(Pty, Child)> {
        let setsid = probe::find("setsid").ok_or_else(|| {
            let message = "`setsid` of util-linux is missing";
            io::Error::new(io::ErrorKind::NotFound, message)
        })?;
        self.enter(start.network, |space| {
            let (pty, other) = Pty::open(space)?;
            pty.resize(cols, rows)?;
            let command = self.command(space, &start.cwd, &start.env, &start.argv);
            let child = controlled(&setsid, &command, other)?.spawn()?;
            Ok((pty, child))
        })
        .await
    }
}

/// The command in a session of its own, controlled by the terminal.
fn controlled(setsid: &Path, command: &Command, terminal: OwnedFd) -> io::Result<Command> {
    let command = command.as_std();
    let mut outer = Command::new(setsid);
    outer.arg("-c").arg(command.get_program());
    outer.args(command.get_args()).env_clear();
    let set = command.get_envs();
    outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
        .stdin(terminal.try_clone()?)
        .stdout(terminal.try_clone()?)
        .stderr(terminal);
    Ok(outer)
}
