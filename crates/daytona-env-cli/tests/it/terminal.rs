//! What a person at a terminal sees, and a pipe does not.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use nix::pty::{Winsize, openpty};

use crate::support::{cli, run, stderr};

#[test]
fn long_steps_are_shown_on_a_terminal_alone() {
    let size = Winsize {
        ws_row: 25,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None).unwrap();
    let mut child = cli(["run", "--image", "python:3.12", "--", "echo", "out"])
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(Stdio::from(pty.slave))
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    let mut terminal = File::from(pty.master);
    let mut piece = [0; 4096];
    // the last reader gets an error once nobody can write any more
    while let Ok(read @ 1..) = terminal.read(&mut piece) {
        seen.extend_from_slice(&piece[..read]);
    }
    assert!(child.wait().unwrap().success());
    let seen = String::from_utf8_lossy(&seen);
    for step in ["creating the sandbox", "running", "deleting the sandbox"] {
        assert!(seen.contains(step), "{step}: {seen}");
    }
    let piped = stderr(&run(["run", "--", "echo", "out"]));
    assert_eq!(piped.lines().count(), 1, "{piped}");
}
