//! What a command reads from the standard input of `run`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::io::{Seek as _, Write as _};
use std::process::{Output, Stdio};

use crate::support::{Running, Serve, cli, code, shown, stdout};

/// Runs with a file as the standard input.
fn with_file(content: &[u8], args: &[&str]) -> Output {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    cli(args).stdin(file).output().unwrap()
}

/// A pipe that nobody writes to any more and nobody closes.
fn open_pipe(begin: &[u8]) -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(begin).unwrap();
    (reader, writer)
}

/// Bytes of every kind that no two pieces have alike.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn every_size_arrives_byte_for_byte() {
    for isolation in ["required", "none"] {
        for count in [0, 1, 5_000, 128 * 1024, 128 * 1024 + 1, 3_000_000] {
            let sent = bytes(count);
            let output = with_file(&sent, &["run", "--isolation", isolation, "--", "cat"]);
            assert_eq!(code(&output), Some(0), "{count}: {:?}", output.stderr);
            assert!(
                output.stdout == sent,
                "{isolation} {count}: {}",
                output.stdout.len()
            );
        }
    }
}

#[test]
fn more_than_any_window_passes_through() {
    let sent = bytes(24 * 1024 * 1024 + 7);
    // it begins to read late, so that the window is full
    let output = with_file(&sent, &["run", "--", "sh", "-c", "sleep 1; cat"]);
    assert_eq!(code(&output), Some(0), "{:?}", output.stderr);
    assert!(output.stdout == sent, "{}", output.stdout.len());
}

#[test]
fn an_input_that_never_ends_holds_nothing_up() {
    let server = Serve::start(&["--isolation", "none"]);
    for (script, wanted) in [
        ("echo done", "done\n"),
        ("read line; echo \"$line\"", "first\n"),
    ] {
        let (reader, _writer) = open_pipe(b"first\n");
        let mut command = server.client(["run", "--", "sh", "-c", script]);
        let output = Running::start(command.stdin(reader)).finish();
        assert_eq!(code(&output), Some(0), "{}", shown(&output));
        assert_eq!(stdout(&output), wanted);
    }
    // one that is read to its end, which does not come
    let (reader, _writer) = open_pipe(b"");
    let mut command = server.client(["run", "--timeout", "1", "--", "cat"]);
    let output = Running::start(command.stdin(reader)).finish();
    assert_eq!(code(&output), Some(124), "{}", shown(&output));
}

#[test]
fn what_comes_later_arrives() {
    let (reader, mut writer) = open_pipe(b"first ");
    let mut command = cli(["run", "--", "cksum"]);
    let running = Running::start(command.stdin(reader));
    let rest = bytes(300_000);
    // the pipe holds less, so this waits for the other side
    writer.write_all(&rest).unwrap();
    drop(writer);
    let output = running.finish();
    let whole = [b"first ", &rest[..]].concat();
    assert_eq!(
        stdout(&output),
        stdout(&with_file(&whole, &["run", "--", "cksum"]))
    );
}

#[test]
fn it_can_be_left_out() {
    let output = with_file(b"canary", &["run", "--no-stdin", "--", "cat"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (Some(0), ""));
    let output = with_file(b"canary", &["run", "--stdin", "--no-stdin", "--", "cat"]);
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    let output = cli(["run", "-i", "--", "cat"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!((code(&output), stdout(&output).as_str()), (Some(0), ""));
}
