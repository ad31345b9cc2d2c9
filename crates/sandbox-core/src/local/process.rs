//! Running one command.

use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{self, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::Instant;

use super::capture::{Capture, OpenSpill};
use super::settings::{self, Settings};
use super::tree::{KillOnDrop, MARKER, Tree};
use crate::{
    Error, ErrorKind, ExecControl, ExecOutcome, ExecRequest, ExecStatus, ExecStream, Output, Secret,
};

/// What a command has around it.
pub(super) struct Surroundings<'s> {
    pub(super) workdir: &'s Path,
    pub(super) env: &'s context_vars::SecretMap,
    pub(super) settings: &'s Settings,
    /// The value of [`MARKER`] for this command.
    pub(super) mark: &'s str,
    pub(super) open_spill: OpenSpill,
}

/// A command that was started, or why there is none.
pub(super) enum Started {
    Running(Box<Child>),
    Ended(ExecOutcome),
}

/// A command that was started.
pub(super) struct Child {
    // Dropped before the child, which might be reaped once it is.
    guard: KillOnDrop,
    child: process::Child,
    stdin: Option<(ChildStdin, Bytes)>,
    stdout: Capture,
    stderr: Capture,
    timeout: Duration,
    begun: Instant,
}

/// How a command came to its end, with the pipes that something it left running still holds.
pub(super) struct Finished {
    pub(super) outcome: ExecOutcome,
    pub(super) held: Vec<Receiver>,
    late: Vec<(ExecStream, Bytes)>,
    control: Option<ExecControl>,
}

impl Finished {
    /// Hands on what was still in the pipes when the command ended.
    pub(super) async fn hand_on(&mut self) {
        if let Some(mut control) = self.control.take() {
            for (stream, bytes) in self.late.drain(..) {
                control.emit(stream, bytes).await;
            }
        }
    }
}

enum End {
    Itself(io::Result<ExitStatus>),
    TimedOut,
    Killed,
    Closed,
}

/// Starts the command, without waiting for anything.
pub(super) fn start(around: &Surroundings<'_>, request: &ExecRequest) -> Result<Started, Error> {
    let begun = Instant::now();
    let workdir = directory(around.workdir, request)?;
    let limits = (request.head_limit(), request.tail_limit());
    let spill = around.settings.max_spill_size;
    let (stdout, out) =
        Capture::new("stdout", limits, spill, Arc::clone(&around.open_spill)).map_err(no_pipe)?;
    let (stderr, err) =
        Capture::new("stderr", limits, spill, Arc::clone(&around.open_spill)).map_err(no_pipe)?;
    let mut command = command(around, request, &workdir, out, err)?;
    let spawned = command.spawn();
    // It holds the writing ends of the pipes, which would never come to their end.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok(Started::Ended(not_started(request, begun, error))),
    };
    let guard = KillOnDrop::new(Tree::of_command(child.id(), around.mark));
    let stdin = child.stdin.take().zip(request.stdin_given().cloned());
    Ok(Started::Running(Box::new(Child {
        child,
        guard,
        stdin,
        stdout,
        stderr,
        timeout: request.timeout_given().unwrap_or(around.settings.timeout),
        begun,
    })))
}

fn command(
    around: &Surroundings<'_>,
    request: &ExecRequest,
    workdir: &Path,
    stdout: PipeWriter,
    stderr: PipeWriter,
) -> Result<Command, Error> {
    let Some((program, arguments)) = request.words().split_first() else {
        return Err(Error::new(ErrorKind::InvalidInput, "there is no command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workdir);
    if !around.settings.inherit_env {
        command.env_clear().envs(settings::passed_on());
        command.env("HOME", around.workdir);
    }
    let set = |(name, value): (&str, &Secret)| (name.to_owned(), value.expose().to_owned());
    command.envs(around.env.iter().map(set));
    command.envs(request.env_given().map(set));
    // Shells believe it where it is right, and the path of the folder is as it is told elsewhere.
    match request.cwd_given() {
        None => command.env("PWD", workdir),
        Some(_) => command.env_remove("PWD"),
    };
    command.env(MARKER, around.mark);
    command.stdin(match request.stdin_given() {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    });
    command.stdout(stdout).stderr(stderr);
    command.process_group(0);
    Ok(command)
}

fn directory(workdir: &Path, request: &ExecRequest) -> Result<PathBuf, Error> {
    let directory = match request.cwd_given() {
        Some(given) => workdir.join(given),
        None => workdir.to_owned(),
    };
    if directory.is_dir() {
        return Ok(directory);
    }
    Err(Error::new(
        ErrorKind::NotFound,
        "the directory to run in does not exist; nothing was run",
    )
    .with_operation("exec"))
}

/// A program that is not there or cannot be executed ends as in a shell. All else never started.
fn not_started(request: &ExecRequest, begun: Instant, error: io::Error) -> ExecOutcome {
    let (code, words) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (127, "not found"),
        io::ErrorKind::PermissionDenied => (126, "permission denied"),
        io::ErrorKind::IsADirectory => (126, "is a directory"),
        _ => {
            let cause = Error::new(ErrorKind::Provider, "the command could not be started")
                .with_operation("exec")
                .with_source(error);
            let status = ExecStatus::NotStarted;
            return ExecOutcome::without_output(status, begun.elapsed(), cause);
        }
    };
    let program = request.words().first().map(String::as_str);
    let message = format!("{}: {words}\n", program.unwrap_or_default());
    let stderr = Output::complete(message.into_bytes());
    let status = ExecStatus::Exited(code);
    ExecOutcome::new(status, Output::default(), stderr, begun.elapsed())
}

fn no_pipe(error: io::Error) -> Error {
    Error::new(ErrorKind::Internal, "no pipe for the command's output")
        .with_operation("exec")
        .with_source(error)
}

impl Child {
    /// Waits for its end, its timeout, the end of its sandbox, or that it is to be killed; hands its
    /// output on meanwhile.
    pub(super) async fn finish(
        mut self,
        mut closed: watch::Receiver<bool>,
        mut control: Option<ExecControl>,
    ) -> Finished {
        let mut killer = control.as_ref().map(ExecControl::killer);
        let kill_asked = async {
            match &mut killer {
                Some(killer) => killer.asked().await,
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            // Closing kills: seen first, since the command's death would look like its own end.
            biased;
            // An error says that the sandbox has been dropped.
            _ = closed.wait_for(|closed| *closed) => End::Closed,
            end = Self::follow(
                &mut self.child,
                self.stdin.take(),
                &mut self.stdout,
                &mut self.stderr,
                control.as_mut(),
            ) => End::Itself(end),
            () = kill_asked => End::Killed,
            () = tokio::time::sleep(self.timeout) => End::TimedOut,
        };
        let error = |kind, message| Error::new(kind, message).with_operation("exec");
        let unseen = |source| {
            error(ErrorKind::Internal, "the command's end was not seen").with_source(source)
        };
        let killed = matches!(end, End::Killed);
        let (status, cause) = match end {
            End::Itself(Ok(status)) => {
                self.guard.disarm();
                (ended(status), None)
            }
            End::Itself(Err(error)) => {
                self.guard.fire();
                (ExecStatus::Unknown, Some(unseen(error)))
            }
            End::TimedOut | End::Closed | End::Killed => {
                self.guard.fire();
                // It has been killed: its end is near.
                let waited = self.child.wait().await;
                match (end, waited) {
                    (End::TimedOut, _) => (ExecStatus::TimedOut, None),
                    (End::Killed, Ok(status)) => (ended(status), None),
                    (End::Killed, Err(error)) => (ExecStatus::Unknown, Some(unseen(error))),
                    _ => {
                        let message = "the sandbox was closed while it ran";
                        (ExecStatus::Lost, Some(error(ErrorKind::Closed, message)))
                    }
                }
            }
        };
        if let Some(killer) = killer {
            killer.done(Ok(killed));
        }
        let mut late = Vec::new();
        let keep = control.is_some();
        let mut drain = |capture: &mut Capture, stream| {
            capture.drain(|bytes| {
                if keep {
                    late.push((stream, Bytes::copy_from_slice(bytes)));
                }
            })
        };
        let held = [
            drain(&mut self.stdout, ExecStream::Stdout),
            drain(&mut self.stderr, ExecStream::Stderr),
        ];
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        let mut outcome = ExecOutcome::new(status, stdout, stderr, self.begun.elapsed());
        if let Some(cause) = cause {
            outcome = outcome.with_cause(cause);
        }
        Finished {
            outcome,
            held: held.into_iter().flatten().collect(),
            late,
            control,
        }
    }

    /// Feeds and reads the command until it ends itself; the streams may be held longer by what
    /// it left running.
    async fn follow(
        child: &mut process::Child,
        stdin: Option<(ChildStdin, Bytes)>,
        stdout: &mut Capture,
        stderr: &mut Capture,
        control: Option<&mut ExecControl>,
    ) -> io::Result<ExitStatus> {
        let streams = async {
            let read = async {
                if let Some(control) = control {
                    hand_on(stdout, stderr, control).await;
                }
                tokio::join!(stdout.pump(), stderr.pump())
            };
            tokio::join!(feed(stdin), read);
            std::future::pending().await
        };
        tokio::select! {
            end = child.wait() => end,
            never = streams => never,
        }
    }
}

/// Reads no faster than its reader does, until nobody reads or nothing is left.
async fn hand_on(stdout: &mut Capture, stderr: &mut Capture, control: &mut ExecControl) {
    while (stdout.is_open() || stderr.is_open()) && control.room().await {
        let (stream, bytes) = tokio::select! {
            bytes = stdout.read(), if stdout.is_open() => (ExecStream::Stdout, bytes),
            bytes = stderr.read(), if stderr.is_open() => (ExecStream::Stderr, bytes),
        };
        if let Some(bytes) = bytes {
            control.put(stream, bytes);
        }
    }
}

/// A command need not read its input: a closed pipe is no failure.
async fn feed(stdin: Option<(ChildStdin, Bytes)>) {
    if let Some((mut pipe, bytes)) = stdin {
        let _ = pipe.write_all(&bytes).await;
        let _ = pipe.shutdown().await;
    }
}

fn ended(status: ExitStatus) -> ExecStatus {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ExecStatus::Exited(code),
        (None, Some(signal)) => ExecStatus::Signaled(signal),
        (None, None) => ExecStatus::Unknown,
    }
}
