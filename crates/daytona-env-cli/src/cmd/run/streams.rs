//! The command's output, byte for byte.

use std::io;

use daytona_env::DaytonaSandbox;
use sandbox_core::{ExecOutcome, Output};

use crate::error::Failure;
use crate::output;

/// Read at once from what a sandbox kept of a long stream.
const PIECE: u64 = 4 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
enum To {
    Stdout,
    Stderr,
}

/// Prints both streams in full. What did not come with the answer is fetched a piece at a time.
pub(super) async fn print(sandbox: &DaytonaSandbox, outcome: &ExecOutcome) -> Result<(), Failure> {
    one(sandbox, outcome.stdout(), To::Stdout).await?;
    one(sandbox, outcome.stderr(), To::Stderr).await
}

async fn one(sandbox: &DaytonaSandbox, stream: &Output, to: To) -> Result<(), Failure> {
    if !write(stream.head(), to).await? {
        return Ok(());
    }
    if stream.truncated() {
        let Some(path) = stream.spill_path() else {
            return Err(Failure::new(format!(
                "{} bytes of output were not kept",
                stream.omitted()
            )));
        };
        let mut at = stream.head().len() as u64;
        let end = at + stream.omitted();
        while at < end {
            let piece = sandbox
                .read_spill(path, at..end.min(at + PIECE))
                .await
                .map_err(|error| Failure::of("cannot fetch the rest of the output", error))?;
            if piece.is_empty() {
                return Err(Failure::new("the rest of the output is no longer there"));
            }
            at += piece.len() as u64;
            if !write(&piece, to).await? {
                return Ok(());
            }
        }
    }
    write(stream.tail(), to).await.map(|_| ())
}

/// Whether someone still reads.
async fn write(bytes: &[u8], to: To) -> Result<bool, Failure> {
    let written = match to {
        To::Stdout => output::to_stdout(bytes).await,
        To::Stderr => output::to_stderr(bytes).await,
    };
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new("cannot write the command's output").because(error)),
    }
}
