//! What the command reads: the standard input of this program, unless that is a terminal.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, Stdin, stdin};
use tokio::time::timeout;

use crate::args::RunArgs;

/// An input that ends within this is sent at once; any other while the command runs.
const SOON: Duration = Duration::from_millis(100);
/// The most that is sent at once, in bytes.
const SMALL: usize = 128 * 1024;

/// What there is to read.
pub(super) enum Input {
    None,
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning, and where the rest comes from.
    Begun(Vec<u8>, Stdin),
}

impl Input {
    /// Looks at the standard input. Whoever calls this program may leave it open for ever, so the end is not waited for.
    pub(super) async fn of(args: &RunArgs) -> io::Result<Self> {
        if args.no_stdin || (!args.stdin && io::stdin().is_terminal()) {
            return Ok(Self::None);
        }
        let mut input = stdin();
        let mut begun = Vec::new();
        let read = async {
            while begun.len() <= SMALL {
                if input.read_buf(&mut begun).await? == 0 {
                    return Ok(true);
                }
            }
            Ok::<_, io::Error>(false)
        };
        let ended = timeout(SOON, read).await.unwrap_or(Ok(false))?;
        Ok(match ended {
            true if begun.is_empty() => Self::None,
            true => Self::Whole(begun),
            false => Self::Begun(begun, input),
        })
    }
}
