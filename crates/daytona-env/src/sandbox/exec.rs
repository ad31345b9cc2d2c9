//! Running a command: sent once, and told truly.

use std::sync::Arc;
use std::time::Duration;

use context_vars::Secret;
use daytona_api::api::Execute;
use daytona_api::models::toolbox::ExecuteResponse;
use sandbox_core::{Error, ErrorKind, ExecOutcome, ExecRequest, ExecSpan, ExecStatus, Output};
use tokio::time::Instant;

use super::DaytonaSandbox;
use super::fate::Fate;
use super::kill::{KillOnDrop, Target};
use crate::error::{api_error, internal};
use crate::wrapper::{Command, Ran, Refusal, Report, Script, Stdin, Stream, parse};

const OPERATION: &str = "exec";
/// Up to this size, input goes within the script, which a shell reads byte by byte.
const INLINE_STDIN: usize = 128 * 1024;

/// A command that is ready to be sent, once.
pub(super) struct Prepared {
    pub(super) call: Execute,
    pub(super) nonce: String,
    pub(super) cwd: String,
    /// Where the shell puts its files, if the request says so.
    pub(super) tmpdir: Option<Secret>,
    pub(super) timeout: Duration,
}

impl DaytonaSandbox {
    /// `pieces`: where the input comes from, in place of the request's.
    pub(super) async fn run_command(
        &self,
        request: &ExecRequest,
        pieces: Option<&str>,
    ) -> Result<ExecOutcome, Error> {
        let work = Box::pin(self.run_within(request, pieces));
        ExecSpan::begin(&self.parts.id).exec(work).await
    }

    async fn run_within(
        &self,
        request: &ExecRequest,
        pieces: Option<&str>,
    ) -> Result<ExecOutcome, Error> {
        self.parts.liveness.check()?;
        request.validate()?;
        let began = Instant::now();
        let prepared = match self.prepare(request, pieces, false).await? {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(*outcome),
        };
        let Prepared {
            call,
            nonce,
            cwd,
            tmpdir,
            ..
        } = prepared;
        let guard = KillOnDrop::new(Target::new(self, nonce, tmpdir));
        let sent = call.send().await;
        let nonce = guard.disarm();
        match sent {
            Ok(answer) => self.answered(&answer, &nonce, &cwd, began).await,
            Err(error) => self.failed(error, began).await,
        }
    }

    /// What is to be sent; or that it cannot be.
    pub(super) async fn prepare(
        &self,
        request: &ExecRequest,
        pieces: Option<&str>,
        keep: bool,
    ) -> Result<Result<Prepared, Box<ExecOutcome>>, Error> {
        let began = Instant::now();
        let nonce = unguessable()?;
        let marker = unguessable()?;
        let toolbox = self.toolbox(OPERATION)?;

        let uploaded = match request.stdin_given() {
            Some(bytes) if bytes.len() > INLINE_STDIN => {
                let mut path = format!("/tmp/.denv-in-{marker}");
                let mut sent = toolbox.files().upload(&path, bytes.clone()).await;
                if matches!(&sent, Err(error) if matches!(error.status(), Some(400 | 403 | 404))) {
                    let workdir = self.parts.workdir.trim_end_matches('/');
                    path = format!("{workdir}/.denv-in-{marker}");
                    sent = toolbox.files().upload(&path, bytes.clone()).await;
                }
                if let Err(error) = sent {
                    let cause = self.confirmed(api_error(OPERATION, error)).await;
                    return Ok(Err(Box::new(not_run(began.elapsed(), cause))));
                }
                Some(path)
            }
            _ => None,
        };
        let cwd = directory(&self.parts.workdir, request.cwd_given());
        let timeout = request.timeout_given().unwrap_or(self.parts.timeout);
        let script = Script::new(
            &Command {
                argv: request.words(),
                cwd: Some(&cwd),
                stdin: match (pieces, &uploaded, request.stdin_given()) {
                    (Some(pieces), ..) => Stdin::Pieces(pieces),
                    (None, Some(path), _) => Stdin::File(path),
                    (None, None, Some(bytes)) => Stdin::Bytes(bytes),
                    (None, None, None) => Stdin::Closed,
                },
                timeout: Some(timeout),
                head: request.head_limit() as u64,
                tail: request.tail_limit() as u64,
                keep,
            },
            &nonce,
            &marker,
        );
        let mut call = toolbox
            .process()
            .execute(script.text)
            .output_limit(answer_limit(request));
        let mut tmpdir = None;
        for (name, value) in request.env_given() {
            call = call.env(name, value.expose());
            if name == "TMPDIR" {
                tmpdir = Some(value.clone());
            }
        }
        if let Some(limit) = script.server_timeout {
            call = call.timeout(limit);
        }
        Ok(Ok(Prepared {
            call,
            nonce: script.nonce,
            cwd,
            tmpdir,
            timeout,
        }))
    }

    pub(super) async fn answered(
        &self,
        answer: &ExecuteResponse,
        nonce: &str,
        cwd: &str,
        began: Instant,
    ) -> Result<ExecOutcome, Error> {
        let elapsed = began.elapsed();
        Ok(match parse(&answer.result, nonce) {
            Ok(Report::Ran(ran)) => outcome(ran, elapsed),
            Ok(Report::Refused(refusal)) => not_run(elapsed, refused(refusal, cwd)),
            // The server's way to say that it could not start a shell.
            Err(_) if answer.exit_code == Some(-1) && is_spawn_failure(&answer.result) => {
                let cause = Error::new(
                    ErrorKind::Unsupported,
                    "the sandbox has no shell to run commands with",
                );
                not_run(elapsed, cause.with_operation(OPERATION))
            }
            Err(frame) => {
                let cause =
                    Error::new(ErrorKind::Provider, frame.to_string()).with_operation(OPERATION);
                self.unclear(elapsed, cause).await
            }
        })
    }

    pub(super) async fn failed(
        &self,
        error: daytona_api::Error,
        began: Instant,
    ) -> Result<ExecOutcome, Error> {
        let reach = reach(error.status(), error.may_have_reached_server());
        let cause = api_error(OPERATION, error);
        Ok(match reach {
            Reach::ServerLimit => {
                // The backstop struck: the script itself was stuck, so its output is lost.
                ExecOutcome::without_output(ExecStatus::TimedOut, began.elapsed(), cause)
            }
            Reach::Unsent => not_run(began.elapsed(), cause),
            Reach::Refused => match self.fate().await {
                Fate::Gone => self.lost(began.elapsed(), cause),
                Fate::Stopped(state) => not_run(began.elapsed(), stopped(&state, cause)),
                Fate::Unknown => not_run(began.elapsed(), cause),
            },
            Reach::Unclear => self.unclear(began.elapsed(), cause).await,
        })
    }

    /// The command may have run.
    pub(super) async fn unclear(&self, elapsed: Duration, cause: Error) -> ExecOutcome {
        match self.fate().await {
            Fate::Gone => self.lost(elapsed, cause),
            Fate::Stopped(state) => {
                ExecOutcome::without_output(ExecStatus::Unknown, elapsed, stopped(&state, cause))
            }
            Fate::Unknown => ExecOutcome::without_output(ExecStatus::Unknown, elapsed, cause),
        }
    }

    pub(super) fn lost(&self, elapsed: Duration, cause: Error) -> ExecOutcome {
        let cause = self.parts.liveness.check().err().unwrap_or(cause);
        ExecOutcome::without_output(ExecStatus::Lost, elapsed, cause)
    }
}

/// The largest answer in bytes: both streams in hexadecimal, the longest form, and the rest.
fn answer_limit(request: &ExecRequest) -> usize {
    request
        .head_limit()
        .saturating_add(request.tail_limit())
        .saturating_mul(8)
        .saturating_add(64 * 1024)
}

/// How far a failed call came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The server's own limit ended the command.
    ServerLimit,
    /// No byte left this side.
    Unsent,
    /// Somebody on the way answered that it will not be done.
    Refused,
    /// The command may have run.
    Unclear,
}

pub(super) fn reach(status: Option<u16>, may_have_reached_server: bool) -> Reach {
    match status {
        Some(408) => Reach::ServerLimit,
        // Answered before anything is started: a bad request, credentials, no such sandbox, a
        // sandbox in transition, too large, too many.
        Some(400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 429) => Reach::Refused,
        Some(_) => Reach::Unclear,
        None if may_have_reached_server => Reach::Unclear,
        None => Reach::Unsent,
    }
}

/// The server forwards the operating system's words about a shell it could not start. No output
/// of a command can look like this: the script keeps it out of the answer.
pub(super) fn is_spawn_failure(result: &str) -> bool {
    result.starts_with("fork/exec ") || result.starts_with("exec: ")
}

pub(super) fn outcome(ran: Ran, elapsed: Duration) -> ExecOutcome {
    let status = if ran.timed_out {
        ExecStatus::TimedOut
    } else {
        decode(ran.status)
    };
    let removed = match (ran.stdout.total, ran.stderr.total) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) => Some("standard output was removed"),
        (Some(_), None) => Some("standard error was removed"),
        (None, None) => Some("standard output and standard error were removed"),
    };
    let (stdout, stderr) = (output(ran.stdout), output(ran.stderr));
    let Some(removed) = removed else {
        return ExecOutcome::new(status, stdout, stderr, elapsed);
    };
    // How it ended is known, but success with an empty output would be a lie.
    let ended = match status {
        ExecStatus::Exited(code) => format!("it exited with code {code}"),
        ExecStatus::Signaled(signal) => format!("signal {signal} ended it"),
        _ => "it timed out".to_owned(),
    };
    let message = format!(
        "the command's {removed} from the sandbox's temporary directory before it could be read; {ended}"
    );
    let cause = Error::new(ErrorKind::Provider, message).with_operation(OPERATION);
    ExecOutcome::new(ExecStatus::Unknown, stdout, stderr, elapsed).with_cause(cause)
}

/// A shell reports death by signal n as 128 + n; see [`DaytonaSandbox`] for what that leaves open.
fn decode(status: i32) -> ExecStatus {
    match status {
        129..=159 => ExecStatus::Signaled(status - 128),
        code => ExecStatus::Exited(code),
    }
}

fn output(stream: Stream) -> Output {
    let total = stream.total.unwrap_or_default();
    let output = Output::bounded(stream.head, stream.tail, total);
    match stream.spill {
        Some(path) => output.with_spill_path(Arc::<str>::from(path)),
        None => output,
    }
}

pub(super) fn not_run(elapsed: Duration, cause: Error) -> ExecOutcome {
    let status = if cause.is_lost() {
        ExecStatus::Lost
    } else {
        ExecStatus::NotStarted
    };
    ExecOutcome::without_output(status, elapsed, cause)
}

pub(super) fn refused(refusal: Refusal, cwd: &str) -> Error {
    let error = match refusal {
        Refusal::NoDirectory | Refusal::NotADirectory | Refusal::DirectoryDenied => {
            Error::new(ErrorKind::InvalidInput, format!("{refusal}: {cwd:?}"))
        }
        Refusal::NoSpill | Refusal::Stdin => Error::new(ErrorKind::Provider, refusal.to_string()),
    };
    error.with_operation(OPERATION)
}

pub(super) fn stopped(state: &str, source: Error) -> Error {
    let message = format!("the sandbox is not running, it is {state}");
    Error::new(ErrorKind::Unavailable, message)
        .with_operation(OPERATION)
        .with_source(source)
}

/// Where the command starts. A relative directory is below the workdir; an absolute one is taken
/// as it is, since a command may go anywhere in its sandbox anyway.
fn directory(workdir: &str, given: Option<&str>) -> String {
    match given {
        None => workdir.to_owned(),
        Some(dir) if dir.starts_with('/') => dir.to_owned(),
        Some(dir) => format!("{}/{dir}", workdir.trim_end_matches('/')),
    }
}

/// 96 random bits in hexadecimal.
pub(super) fn unguessable() -> Result<String, Error> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|_| internal("the system gives no random bytes"))?;
    let mut text = String::with_capacity(24);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_a_shell() {
        for (status, wanted) in [
            (0, ExecStatus::Exited(0)),
            (127, ExecStatus::Exited(127)),
            (128, ExecStatus::Exited(128)),
            (129, ExecStatus::Signaled(1)),
            (137, ExecStatus::Signaled(9)),
            (159, ExecStatus::Signaled(31)),
            (160, ExecStatus::Exited(160)),
            (255, ExecStatus::Exited(255)),
        ] {
            assert_eq!(decode(status), wanted);
        }
    }

    #[test]
    fn trouble_on_the_way_is_told_apart() {
        for (status, reached, wanted) in [
            (Some(408), true, Reach::ServerLimit),
            (Some(404), true, Reach::Refused),
            (Some(400), true, Reach::Refused),
            (Some(401), true, Reach::Refused),
            (Some(429), true, Reach::Refused),
            (Some(500), true, Reach::Unclear),
            (Some(502), true, Reach::Unclear),
            (Some(504), true, Reach::Unclear),
            (Some(302), true, Reach::Unclear),
            (None, true, Reach::Unclear),
            (None, false, Reach::Unsent),
        ] {
            assert_eq!(reach(status, reached), wanted, "{status:?} {reached}");
        }
    }

    #[test]
    fn directories() {
        assert_eq!(directory("/workspace", None), "/workspace");
        assert_eq!(directory("/workspace/", Some("src")), "/workspace/src");
        assert_eq!(directory("/", Some("src")), "/src");
        assert_eq!(directory("/workspace", Some("/etc")), "/etc");
    }

    #[test]
    fn nonces_differ() {
        let (one, two) = (unguessable().unwrap(), unguessable().unwrap());
        assert_eq!((one.len(), one == two), (24, false));
    }

    #[test]
    fn output_that_cannot_be_read_is_said() {
        let ran = Ran {
            status: 0,
            timed_out: false,
            killed: false,
            stdout: Stream::default(),
            stderr: Stream {
                total: Some(0),
                ..Stream::default()
            },
        };
        let whole = Ran {
            stdout: ran.stderr.clone(),
            ..ran.clone()
        };
        assert_eq!(
            outcome(whole, Duration::ZERO).status(),
            ExecStatus::Exited(0)
        );
        let outcome = outcome(ran, Duration::ZERO);
        assert_eq!(outcome.status(), ExecStatus::Unknown);
        assert_eq!(
            outcome.cause().unwrap().to_string(),
            "exec: the command's standard output was removed from the sandbox's temporary directory before it could \
             be read; it exited with code 0"
        );
    }
}
