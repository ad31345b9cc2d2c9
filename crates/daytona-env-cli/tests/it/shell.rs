//! `shell`, at a terminal and without one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use daytona_api::{Config, Daytona};
use daytona_local::{Isolation, Server};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::support::{cli, eventually, run, shown};

/// The command at a terminal of its own.
struct Seat {
    terminal: File,
    child: Child,
    seen: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // gone already, unless the test has failed
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seat {
    fn take(mut command: Command) -> Self {
        let size = Winsize {
            ws_row: 30,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        let slave = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(slave()).stdout(slave()).stderr(slave());
        let child = command.env("TERM", "vt100").spawn().unwrap();
        Self {
            terminal: File::from(pty.master),
            child,
            seen: String::new(),
        }
    }

    fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until the text was shown; nothing of ours echoes it, since it is typed in two parts.
    fn sees(&mut self, text: &str) {
        let mut piece = [0; 4096];
        while !self.seen.contains(text) {
            let mut waiting = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut waiting, PollTimeout::from(30_000_u16)).unwrap();
            assert!(ready > 0, "nothing more after {:?}", self.seen);
            match self.terminal.read(&mut piece) {
                Ok(length @ 1..) => {
                    self.seen
                        .push_str(&String::from_utf8_lossy(&piece[..length]));
                }
                end => panic!("{end:?} without {text:?} after {:?}", self.seen),
            }
        }
    }

    fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.terminal).unwrap();
        !now.local_flags.contains(LocalFlags::ICANON)
    }

    fn ends_with(mut self, code: i32) {
        // what is not read might keep it from its end; the last reader gets an error once nobody writes any more
        let mut terminal = self.terminal.try_clone().unwrap();
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(1..) = terminal.read(&mut piece) {}
        });
        eventually("it ends", || self.child.try_wait().unwrap().is_some());
        assert_eq!(
            self.child.wait().unwrap().code(),
            Some(code),
            "{}",
            self.seen
        );
        assert!(!self.is_raw());
        drop(reader);
    }
}

#[test]
fn keys_sizes_and_the_exit_code_go_through() {
    let mut seat = Seat::take(cli(["shell", "--env", "NAME=Ada", "--isolation", "none"]));
    seat.types("echo \"<$NAME>\" \"$TERM\" $(stty size)\r");
    seat.sees("<Ada> vt100 30 100");
    assert!(seat.is_raw());
    // ctrl-c ends the program in the shell and not ours
    seat.types("PS1='ask''> '; sh -c 'echo re\"\"ady; exec sleep 987'\r");
    seat.sees("ready");
    seat.types("\x03");
    // what is typed before it asks may go with the program
    seat.sees("ask> ");
    seat.types("echo on''ward\r");
    seat.sees("onward");
    seat.types("exit 7\r");
    seat.ends_with(7);
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    insta::assert_snapshot!("shell_without_a_terminal", shown(&run(["shell"])));
    let mut seat = Seat::take(cli(["shell", "some-sandbox"]));
    seat.sees("leave SANDBOX out");
    seat.ends_with(125);
}

#[tokio::test]
async fn a_sandbox_that_is_there_stays_and_a_shell_that_is_left_does_not() {
    let server = Server::builder()
        .isolation(Isolation::None)
        .start()
        .await
        .unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    let api = Daytona::new(config).unwrap();
    let sandbox = api.sandboxes().create().name("mine").send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGHUP)] {
        let mut command = cli(["shell", "mine"]);
        command.env("DAYTONA_API_KEY", server.token());
        command.env("DAYTONA_API_URL", server.api_url());
        let seated = tokio::task::spawn_blocking(move || {
            let mut seat = Seat::take(command);
            seat.types("echo he''re\r");
            seat.sees("here");
            let pid = Pid::from_raw(i32::try_from(seat.child.id()).unwrap());
            match signal {
                None => {
                    seat.types("exit 0\r");
                    seat.ends_with(0);
                }
                Some(signal) => {
                    kill(pid, signal).unwrap();
                    seat.ends_with(128 + signal as i32);
                }
            }
        });
        seated.await.unwrap();
        assert!(toolbox.pty().list().await.unwrap().is_empty(), "{signal:?}");
    }
    assert_eq!(api.sandboxes().get("mine").await.unwrap().id, sandbox.id);
    server.shutdown().await;
}
