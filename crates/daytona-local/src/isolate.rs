//! Where the programs of a sandbox run: in namespaces with a private root, or, if that was chosen, on the host as it is.

pub(crate) mod cell;
mod dial;
pub(crate) mod frozen;
pub(crate) mod host;
pub(crate) mod launch;
pub(crate) mod listen;
pub(crate) mod mount;
pub(crate) mod place;
mod probe;
pub(crate) mod pty;
mod python;
mod root;
pub(crate) mod scan;
mod space;
pub(crate) mod watchdog;

use std::fmt;

/// What is asked of the server about isolation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Programs run in namespaces with a private root, or the server does not start.
    #[default]
    Required,
    /// Programs run on the host, as the user who runs the server: for code one would run anyway.
    None,
    /// Isolated where the machine can, else as [`Isolation::None`]. Only for commands a person typed, and say which.
    Auto,
}

/// The mode a server is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsolationMode {
    /// Namespaces with a private root: the host's `/usr` read-only, a chosen part of `/etc`, no home, no `/run`, no
    /// `/tmp` of the host's; no capabilities, no new privileges, no further user namespaces.
    ///
    /// What it does not do: limit memory, processors, disk or the number of processes. Programs have the user id of
    /// whoever runs the server, and with the network on they reach what listens on the host's loopback, abstract
    /// sockets included.
    Namespaces,
    /// None: a program can do whatever the user who runs the server can do. Its paths are the host's own: the files
    /// routes take only those inside the sandbox's folder, which is where the work folder lies. A program that clears
    /// its environment and leaves its process group cannot be found again.
    None,
}

impl fmt::Display for IsolationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Namespaces => "namespaces",
            Self::None => "none",
        })
    }
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IsolationReport {
    /// The mode.
    pub mode: IsolationMode,
    /// Whether programs may reach the network. Without isolation nothing keeps them from it.
    pub network: bool,
    /// Why there is no isolation although [`Isolation::Auto`] asked for it.
    pub reason: Option<String>,
}
