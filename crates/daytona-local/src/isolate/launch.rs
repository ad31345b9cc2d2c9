//! Runs a shell in a sandbox.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::cell::Cell;
use super::probe::PLAIN_PATH;
use super::space::Space;

const LAUNCH: &str = include_str!("launch.sh");

/// A shell that reads its commands from stdin.
pub(crate) struct Run {
    pub(crate) script: Bytes,
    /// As programs in the sandbox name it; checked to exist.
    pub(crate) cwd: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) network: bool,
}

/// A program that is talked to while it runs.
pub(crate) struct Start {
    /// As programs in the sandbox name it; checked to exist.
    pub(crate) cwd: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) network: bool,
    /// The program, by its path, and its arguments.
    pub(crate) argv: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Ran {
    /// -1 if the shell itself was killed by a signal.
    Ended {
        code: i32,
        output: Vec<u8>,
    },
    TimedOut,
    /// It could not be started.
    Failed(io::Error),
}

impl Cell {
    /// Runs to the end, or to the timeout, which kills the process group.
    pub(crate) async fn run(&self, run: Run) -> Ran {
        match self.try_run(run).await {
            Ok(ran) => ran,
            Err(error) => Ran::Failed(error),
        }
    }

    async fn try_run(&self, run: Run) -> io::Result<Ran> {
        let (reader, writer) = io::pipe()?;
        let mut child = self
            .enter(run.network, |space| {
                let argv = [self.host.shell().to_owned()];
                let mut command = self.command(space, &run.cwd, &run.env, &argv);
                // The command goes at the end of this: it holds the writing ends, which would keep the pipe open.
                command
                    .stdin(Stdio::piped())
                    .stdout(writer.try_clone()?)
                    .stderr(writer)
                    .process_group(0)
                    .spawn()
            })
            .await?;
        let group = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .map(Pid::from_raw);
        let mut output = pipe::Receiver::from_owned_fd(reader.into())?;
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A shell that ends early leaves the rest unread.
                drop(stdin.write_all(&run.script).await);
            }
        };
        let mut text = Vec::new();
        let work = async {
            let (_, read) = tokio::join!(feed, output.read_to_end(&mut text));
            read?;
            child.wait().await
        };
        let status = match run.timeout {
            None => work.await?,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(status) => status?,
                Err(_) => {
                    if let Some(group) = group {
                        killpg(group, Signal::SIGKILL).ok();
                    }
                    drop(child.wait().await);
                    return Ok(Ran::TimedOut);
                }
            },
        };
        let code = if status.signal().is_some() {
            -1
        } else {
            status.code().unwrap_or(-1)
        };
        Ok(Ran::Ended { code, output: text })
    }

    /// Starts a program; `spawn` decides on its streams. It has a process group of its own only if `spawn` says so.
    pub(crate) async fn start<T>(
        &self,
        start: &Start,
        spawn: impl FnOnce(Command) -> io::Result<T>,
    ) -> io::Result<T> {
        self.enter(start.network, |space| {
            spawn(self.command(space, &start.cwd, &start.env, &start.argv))
        })
        .await
    }

    /// Starts a program in a process group of its own, with both ends of what is said to it and what it says. Its
    /// standard error is dropped.
    pub(crate) async fn start_piped(
        &self,
        start: &Start,
    ) -> io::Result<(Child, ChildStdin, ChildStdout)> {
        let spawned = self.start(start, |mut command| {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
        });
        let mut child = spawned.await?;
        let missing = || io::Error::other("no pipe");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok((child, stdin, stdout))
    }

    pub(super) fn command(
        &self,
        space: Option<&Space>,
        cwd: &str,
        env: &BTreeMap<String, String>,
        argv: &[String],
    ) -> Command {
        let env = self.environment(env);
        match space {
            Some(space) => self.inside(space, cwd, &env, argv),
            None => Self::outside(cwd, &env, argv),
        }
    }

    fn inside(
        &self,
        space: &Space,
        cwd: &str,
        env: &BTreeMap<String, String>,
        argv: &[String],
    ) -> Command {
        let (nsenter, setpriv) = match self.host.tools() {
            Some(tools) => (tools.nsenter.as_path(), tools.setpriv.as_path()),
            None => ("nsenter".as_ref(), "setpriv".as_ref()),
        };
        let mut command = Command::new(nsenter);
        command.arg("--target").arg(space.pid.to_string());
        command.args([
            "--user",
            "--mount",
            "--pid",
            "--ipc",
            "--uts",
            "--preserve-credentials",
        ]);
        if !space.network {
            command.arg("--net");
        }
        command.arg("--").arg(setpriv);
        command.args(["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]);
        command.args(["/bin/sh", "-c", LAUNCH, "sh"]).args(argv);
        command
            .env_clear()
            .env("PATH", PLAIN_PATH)
            .env("_launch_cwd", cwd);
        command.env("_launch_count", env.len().to_string());
        for (index, (name, value)) in env.iter().enumerate() {
            command.env(format!("_launch_{index}"), format!("{name}={value}"));
        }
        command.current_dir("/");
        command
    }

    fn outside(cwd: &str, env: &BTreeMap<String, String>, argv: &[String]) -> Command {
        let (program, arguments) = match argv.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("/bin/false", argv),
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(env)
            .current_dir(cwd);
        command
    }

    fn environment(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("PATH", self.host.path());
        set("HOME", &self.home);
        set("SHELL", self.host.shell());
        set("USER", "daytona");
        set("LANG", "C.UTF-8");
        if self.host.tools().is_none() {
            set("TMPDIR", &self.root.join("tmp").to_string_lossy());
        }
        env.extend(
            own.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        // Last: a process must not lose the mark by which it is found.
        env.extend(self.marker());
        env
    }
}
