//! Runs the binary and looks at what it leaves behind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// The longest that anything here waits for a condition.
const LIMIT: Duration = Duration::from_secs(60);

/// The binary with an environment of its own: nothing of Daytona's, no terminal width.
pub(crate) fn cli<I>(args: I) -> Command
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_daytona-env"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let kept = name == "PATH" || name == "HOME" || name == "TMPDIR";
        if !kept {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end.
pub(crate) fn run<I>(args: I) -> Output
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    cli(args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// For a snapshot: how it ended and what it said.
pub(crate) fn shown(output: &Output) -> String {
    format!(
        "exit: {}\n--- stdout\n{}--- stderr\n{}",
        code(output).map_or_else(|| "signal".to_owned(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits for a condition, with a bound.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes have no clock that a test could turn"
)]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A number of seconds that no other `sleep` on this machine is given.
pub(crate) fn marker() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!(
        "30{:07}{:03}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// How many processes run `sleep MARKER`, in whatever namespace.
pub(crate) fn sleepers(marker: &str) -> usize {
    let wanted = format!("\0{marker}\0");
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter_map(|line| String::from_utf8(line).ok())
        .filter(|line| {
            line.split('\0')
                .next()
                .is_some_and(|program| program.ends_with("sleep"))
                && line.ends_with(&wanted)
        })
        .count()
}

/// A running binary; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal::kill(self.pid(), signal).unwrap();
    }

    /// Reads stderr up to the first line that holds `text`; what `finish` gives begins after it.
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let pipe = self.0.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        // byte by byte, so that nothing of the next line is taken
        loop {
            assert_eq!(
                pipe.read(&mut byte).unwrap(),
                1,
                "stderr ended without {text:?}"
            );
            line.extend(byte);
            if byte == *b"\n" {
                if String::from_utf8_lossy(&line).contains(text) {
                    return;
                }
                line.clear();
            }
        }
    }

    /// The next line of stdout, byte by byte, so that nothing of the one after it is taken.
    pub(crate) fn line(&mut self) -> String {
        let pipe = self.0.stdout.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') && pipe.read(&mut byte).unwrap() == 1 {
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).unwrap())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for the end, with the bound of everything here; what is printed must fit into the pipes.
    pub(crate) fn finish(mut self) -> Output {
        eventually("the command ends", || !self.is_running());
        let mut output = Output {
            status: self.0.wait().unwrap(),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        if let Some(mut pipe) = self.0.stdout.take() {
            std::io::copy(&mut pipe, &mut output.stdout).unwrap();
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            std::io::copy(&mut pipe, &mut output.stderr).unwrap();
        }
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A `serve` in a process of its own; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Serve {
    process: Running,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) isolation: String,
}

impl Serve {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = cli(["serve", "--json"]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| started.get(key).unwrap().as_str().unwrap().to_owned();
        Self {
            process: Running(child),
            url: text("url"),
            token: text("token"),
            isolation: text("isolation"),
        }
    }

    /// As [`Serve::start`], by a command of its own; the token goes to one file, and all that is printed to another.
    pub(crate) fn silent(
        command: &mut Command,
        args: &[&str],
        token: &Path,
        printed: &Path,
    ) -> Self {
        let out = fs::File::create(printed).unwrap();
        let child = command
            .args(["serve", "--json", "--admin"])
            .args(args)
            .arg("--token-file")
            .arg(token)
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            .spawn()
            .unwrap();
        let process = Running(child);
        let started = || {
            let text = fs::read_to_string(printed).unwrap();
            let line = text.lines().find(|line| line.starts_with("{\"url\""))?;
            serde_json::from_str::<serde_json::Value>(line).ok()
        };
        eventually("it serves", || started().is_some());
        let started = started().unwrap();
        let text = |key: &str| started.get(key).unwrap().as_str().unwrap().to_owned();
        Self {
            process,
            url: text("url"),
            token: fs::read_to_string(token).unwrap().trim().to_owned(),
            isolation: text("isolation"),
        }
    }

    /// Asks the server itself, at a path beside the API's, or of the API.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &serde_json::Value) -> String {
        let authority = self
            .url
            .trim_start_matches("http://")
            .trim_end_matches("/api");
        let body = body.to_string();
        let mut wire = TcpStream::connect(authority).unwrap();
        write!(
            wire,
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        wire.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The binary as a client of this server.
    pub(crate) fn client<I>(&self, args: I) -> Command
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = cli(args);
        command
            .env("DAYTONA_API_URL", &self.url)
            .env("DAYTONA_API_KEY", &self.token);
        command
    }

    /// What `ls --json` lists.
    fn listed(&self) -> Vec<serde_json::Value> {
        let output = self.client(["ls", "--json"]).output().unwrap();
        assert_eq!(code(&output), Some(0), "{}", shown(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Those of them that are not on their way out.
    pub(crate) fn alive(&self) -> Vec<serde_json::Value> {
        let mut listed = self.listed();
        listed.retain(|row| row.get("state").unwrap() != "destroying");
        listed
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub(crate) fn finish(self) -> Output {
        self.process.finish()
    }
}

/// Writes files into a directory, making those above them.
pub(crate) fn plant(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
