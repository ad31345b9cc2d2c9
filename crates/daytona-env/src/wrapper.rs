//! The exec wrapper: one small POSIX shell script per command, and the reading of its answer.
//!
//! The server feeds a command to the standard input of `zsh`, `bash` or `sh` and answers with
//! one merged, lossy text. The script runs the command in a subshell with its own stdin and with
//! stdout and stderr in two files, ends it at the limit with everything it started, and prints
//! one frame: status, sizes, and a bounded head and tail of both streams, byte-exact.
//!
//! Nothing here does I/O. Limits of the approach: Linux (`/proc`), a POSIX shell, processes of
//! the same user; a process that left the process group, lost its parent *and* cleared its
//! environment is not found when the limit strikes. A background process that outlives its
//! command keeps running, and what it still writes to the command's streams is lost.

mod follow;
mod frame;
mod quote;
mod script;
#[cfg(test)]
mod tests;

pub(crate) use follow::{Killed, Poll, Polled, State, clean, kill, parse_kill};
pub(crate) use frame::{Ran, Refusal, Report, Stream, parse};
pub(crate) use script::{Command, Script, Stdin};
