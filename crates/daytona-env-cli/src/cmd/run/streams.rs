//! The command's output, byte for byte, as it comes.

use std::io;

use daytona_env::DaytonaSandbox;
use sandbox_core::{ExecOutcome, ExecStream, Output, Running, Sandbox as _};

use crate::error::Failure;
use crate::output;

/// Prints both streams while the command runs, and gives how it ended. A stream that nobody reads is not printed any
/// more; the command runs on.
pub(super) async fn print(mut running: Running) -> Result<ExecOutcome, Failure> {
    let mut unread = [false; 2];
    while let Some(event) = running.next().await {
        let [out, err] = &mut unread;
        let unread = match event.stream {
            ExecStream::Stdout => out,
            ExecStream::Stderr => err,
        };
        if *unread {
            continue;
        }
        let written = match event.stream {
            ExecStream::Stdout => output::to_stdout(&event.bytes).await,
            ExecStream::Stderr => output::to_stderr(&event.bytes).await,
        };
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => *unread = true,
            Err(error) => {
                return Err(Failure::new("cannot write the command's output").because(error));
            }
        }
    }
    Ok(running.wait().await)
}

/// Removes what the sandbox kept of a long output. Best effort: the sandbox's end removes it too.
pub(super) async fn forget(sandbox: &DaytonaSandbox, outcome: &ExecOutcome) {
    let kept = [outcome.stdout(), outcome.stderr()];
    for path in kept.into_iter().filter_map(Output::spill_path) {
        if let Err(error) = sandbox.remove_spill(path).await {
            tracing::debug!(%error, "a spill file stays until the sandbox ends");
        }
    }
}
