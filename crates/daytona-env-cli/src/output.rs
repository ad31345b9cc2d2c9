//! Everything that is printed: the results on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tracing_subscriber::EnvFilter;

/// Whether someone may be watching stderr.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// A line of ours on stderr.
pub(crate) fn note(text: &str) {
    line_to(
        io::stderr().lock(),
        &format!("daytona-env: {}", one_line(text)),
    );
}

/// What to do about the line before.
pub(crate) fn hint(text: &str) {
    line_to(io::stderr().lock(), &format!("  hint: {}", one_line(text)));
}

/// A line of a result on stdout.
pub(crate) fn line(text: &str) {
    line_to(io::stdout().lock(), text);
}

/// A result as one line of JSON on stdout.
pub(crate) fn json(value: &impl Serialize) {
    // our own structs: strings, numbers, no map with other keys
    if let Ok(text) = serde_json::to_string(value) {
        line(&text);
    }
}

/// Bytes of a command's stdout, as they are.
pub(crate) async fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(bytes).await?;
    out.flush().await
}

/// Bytes of a command's stderr, as they are.
pub(crate) async fn to_stderr(bytes: &[u8]) -> io::Result<()> {
    let mut out = tokio::io::stderr();
    out.write_all(bytes).await?;
    out.flush().await
}

/// Text from elsewhere, such as a server's message, without what would break the line or drive the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Sends spans and events to stderr: as `RUST_LOG` says, else by the count of `--verbose`.
pub(crate) fn log_to_stderr(verbose: u8, filter: Option<&str>) {
    // fails only if one is installed, and this is called once
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives(verbose, filter)))
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
}

fn directives(verbose: u8, filter: Option<&str>) -> String {
    let ours = |level: &str| {
        format!(
            "error,daytona_env={level},daytona_api={level},sandbox_core={level},daytona_local={level}"
        )
    };
    match (verbose, filter) {
        // that crate writes the arguments of calls in full, and with them what a model puts into files
        (0, Some(filter)) if filter != "off" && !filter.contains("rmcp") => {
            format!("{filter},rmcp=warn")
        }
        (0, Some(filter)) => filter.to_owned(),
        (0, None) => "error".to_owned(),
        (1, _) => ours("info"),
        (2, _) => ours("debug"),
        (_, _) => ours("trace"),
    }
}

/// A reader that has gone away is no reason to fail: nobody is there to be told.
fn line_to(mut out: impl Write, text: &str) {
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_from_elsewhere_stays_one_line_and_drives_no_terminal() {
        assert_eq!(one_line("a\nb\x1b[2Jc\r\n"), "a b [2Jc");
    }

    #[test]
    fn arguments_of_calls_are_logged_only_where_they_are_asked_for() {
        assert_eq!(directives(0, Some("debug")), "debug,rmcp=warn");
        assert_eq!(directives(0, Some("off")), "off");
        assert_eq!(directives(0, Some("rmcp=trace")), "rmcp=trace");
        for verbose in 1..4 {
            assert!(directives(verbose, Some("trace")).starts_with("error,"));
        }
    }
}
