//! A command that is followed while it runs.

use std::time::Duration;

use bytes::Bytes;
use daytona_api::models::toolbox::ExecuteResponse;
use sandbox_core::{
    Error, ErrorKind, ExecControl, ExecKiller, ExecOutcome, ExecRequest, ExecSpan, ExecStatus,
    ExecStream, Running,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::DaytonaSandbox;
use super::exec::{Prepared, Reach, outcome, reach};
use super::fate::Fate;
use super::kill::Target;
use crate::error::api_error;
use crate::wrapper::{Killed, Poll, Polled, Ran, Report, State, Stream, parse};

const OPERATION: &str = "follow a command";
/// At most so many bytes of each stream come with one look.
const PIECE: u64 = 1024 * 1024;
/// The largest answer to a look, in bytes: two pieces in hexadecimal.
const ANSWER: usize = 16 * 1024 * 1024;
/// How long a look waits for something new, in its own ticks: 16 s.
const TICKS: u32 = 53;
/// How long a look may take in the sandbox.
const LIMIT: Duration = Duration::from_secs(60);
/// A command that ends within this is not looked at.
const FIRST: Duration = Duration::from_millis(30);
/// Between two looks, where the last one brought little.
const LINGER: Duration = Duration::from_millis(40);
const LITTLE: usize = 16 * 1024;
/// How long a command of which nothing is seen may still be on its way.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How much later than its limit the end of a command whose answer was lost may be seen.
const GRACE: Duration = Duration::from_secs(30);
/// How often a look at what is left of the output is tried.
const TRIES: u32 = 8;
/// How long a kill waits for the command's own answer.
const CONFIRM: Duration = Duration::from_secs(10);

/// What the long call has come to.
#[derive(Clone)]
enum Phase {
    /// It is under way.
    Open,
    /// It was answered with the end.
    Ended(Ran),
    /// It came to nothing, and the command runs or may run.
    Adrift(Error),
    /// It was answered that there is no end to come.
    Settled(ExecOutcome),
}

impl DaytonaSandbox {
    pub(super) async fn start_command(
        &self,
        request: &ExecRequest,
        pieces: Option<&str>,
    ) -> Result<Running, Error> {
        let span = ExecSpan::begin(&self.parts.id);
        let prepared = span.prepare(async {
            self.parts.liveness.check()?;
            request.validate()?;
            self.prepare(request, pieces, true).await
        });
        Ok(match prepared.await? {
            Ok(prepared) => {
                let sandbox = Self::from_parts(self.parts.clone());
                Running::spawn(|control| {
                    span.drive(async move { Box::pin(sandbox.follow(prepared, control)).await })
                })
            }
            Err(outcome) => Running::ended(span.drive(async { *outcome }).await),
        })
    }

    pub(super) fn target(&self, prepared: &Prepared) -> Target {
        Target::new(self, prepared.nonce.clone(), prepared.tmpdir.clone())
    }

    pub(super) async fn follow(&self, prepared: Prepared, control: ExecControl) -> ExecOutcome {
        let target = self.target(&prepared);
        let Prepared {
            call, cwd, timeout, ..
        } = prepared;
        let began = Instant::now();
        let (phase, phases) = watch::channel(Phase::Open);
        let call = async {
            let sent = call.send().await;
            phase.send_replace(self.phase(sent, target.nonce(), &cwd, began).await);
            std::future::pending().await
        };
        let kill = kill(&target, control.killer());
        let follower = Follower {
            sandbox: self,
            target: &target,
            killer: control.killer(),
            control,
            began,
            limit: timeout,
            stdout: 0,
            stderr: 0,
        };
        tokio::select! {
            outcome = follower.run(phases) => outcome,
            never = call => never,
            never = kill => never,
        }
    }

    async fn phase(
        &self,
        sent: Result<ExecuteResponse, daytona_api::Error>,
        nonce: &str,
        cwd: &str,
        began: Instant,
    ) -> Phase {
        let error = match sent {
            Ok(answer) => match parse(&answer.result, nonce) {
                Ok(Report::Ran(ran)) => return Phase::Ended(ran),
                Err(frame) if answer.exit_code != Some(-1) => {
                    let cause = Error::new(ErrorKind::Provider, frame.to_string());
                    return Phase::Adrift(cause.with_operation("exec"));
                }
                Ok(Report::Refused(_)) | Err(_) => {
                    return match self.answered(&answer, nonce, cwd, began).await {
                        Ok(outcome) => Phase::Settled(outcome),
                        Err(error) => Phase::Adrift(error),
                    };
                }
            },
            Err(error) => error,
        };
        match reach(error.status(), error.may_have_reached_server()) {
            Reach::Unclear => Phase::Adrift(api_error("exec", error)),
            Reach::ServerLimit | Reach::Unsent | Reach::Refused => {
                match self.failed(error, began).await {
                    Ok(outcome) => Phase::Settled(outcome),
                    Err(error) => Phase::Adrift(error),
                }
            }
        }
    }
}

/// Kills the command when asked to. The command's own answer tells whether that met it alive; this tells only where
/// that one does not come. Never ends.
async fn kill(target: &Target, mut killer: ExecKiller) -> ExecOutcome {
    killer.asked().await;
    let mut looks = 0;
    let told = loop {
        looks += 1;
        match target.kill().await {
            Ok(Killed::Now) => break Ok(true),
            Ok(Killed::Before) => break Ok(false),
            // It is on its way, or its answer is.
            Ok(Killed::Unseen) if looks < 3 => {}
            Ok(Killed::Unseen) => break Ok(false),
            Err(error) => break Err(error),
        }
    };
    if told.is_ok() {
        sleep(CONFIRM).await;
    }
    killer.done(told);
    std::future::pending().await
}

/// Reads what the command writes.
struct Follower<'a> {
    sandbox: &'a DaytonaSandbox,
    target: &'a Target,
    killer: ExecKiller,
    control: ExecControl,
    began: Instant,
    limit: Duration,
    /// How much was handed on.
    stdout: u64,
    stderr: u64,
}

impl Follower<'_> {
    async fn run(mut self, mut phases: watch::Receiver<Phase>) -> ExecOutcome {
        let settled = |phase: &Phase| !matches!(phase, Phase::Open);
        let mut pause = FIRST;
        loop {
            let looking = async {
                sleep(pause).await;
                // A slow reader is not hurried.
                if !self.control.room().await {
                    return None;
                }
                Some(self.look(TICKS, false).await)
            };
            let looked = tokio::select! {
                biased;
                _ = phases.wait_for(settled) => break,
                looked = looking => looked,
            };
            match looked {
                // Nobody reads: only the end is waited for.
                None => {
                    drop(phases.wait_for(settled).await);
                    break;
                }
                Some(Ok(polled)) => {
                    pause = match polled.stdout.len() + polled.stderr.len() {
                        0..LITTLE => LINGER,
                        _ => Duration::ZERO,
                    };
                    self.hand_on(polled).await;
                }
                // The next look reads from where this one should have.
                Some(Err(_)) => pause = (pause * 2).clamp(LINGER, Duration::from_secs(2)),
            }
        }
        let phase = phases.borrow_and_update().clone();
        match phase {
            Phase::Ended(ran) => self.ended(ran).await,
            Phase::Settled(outcome) => self.settled(outcome).await,
            Phase::Adrift(error) => self.adrift(error).await,
            Phase::Open => {
                let cause = Error::new(ErrorKind::Internal, "the call was given up");
                ExecOutcome::without_output(ExecStatus::Unknown, self.began.elapsed(), cause)
            }
        }
    }

    async fn look(&self, ticks: u32, frame: bool) -> Result<Polled, Error> {
        let poll = Poll {
            nonce: self.target.nonce(),
            stdout: self.stdout,
            stderr: self.stderr,
            piece: PIECE,
            ticks,
            frame,
        };
        let result = self
            .target
            .beside(OPERATION, poll.script(), LIMIT, ANSWER)
            .await
            .map_err(|error| api_error(OPERATION, error))?;
        poll.parse(&result)
            .map_err(|frame| Error::new(ErrorKind::Provider, frame.to_string()))
    }

    async fn hand_on(&mut self, polled: Polled) {
        self.put(ExecStream::Stdout, polled.stdout.into()).await;
        self.put(ExecStream::Stderr, polled.stderr.into()).await;
    }

    async fn put(&mut self, stream: ExecStream, bytes: Bytes) {
        let known = match stream {
            ExecStream::Stdout => &mut self.stdout,
            ExecStream::Stderr => &mut self.stderr,
        };
        *known += bytes.len() as u64;
        self.control.emit(stream, bytes).await;
    }

    /// The end is known; hands on what is left of the output.
    async fn ended(mut self, ran: Ran) -> ExecOutcome {
        self.killer.done(Ok(ran.killed));
        let kept = (ran.stdout.spill.is_some(), ran.stderr.spill.is_some());
        let left = async {
            self.rest(ExecStream::Stdout, &ran.stdout).await?;
            self.rest(ExecStream::Stderr, &ran.stderr).await
        }
        .await;
        self.target.clean(kept.0, kept.1).await;
        let outcome = outcome(ran, self.began.elapsed());
        match left {
            Ok(()) => outcome,
            // How it ended is known, but a stream that stops half-way is not all it wrote.
            Err(cause) => {
                let message = format!(
                    "the rest of the output cannot be read; {:?}",
                    outcome.status()
                );
                let cause = Error::new(ErrorKind::Unavailable, message)
                    .with_operation(OPERATION)
                    .with_source(cause);
                let (out, err) = (outcome.stdout().clone(), outcome.stderr().clone());
                ExecOutcome::new(ExecStatus::Unknown, out, err, outcome.duration())
                    .with_cause(cause)
            }
        }
    }

    async fn rest(&mut self, stream: ExecStream, ran: &Stream) -> Result<(), Error> {
        let Some(total) = ran.total else {
            return Ok(());
        };
        let tail_at = total.saturating_sub(ran.tail.len() as u64);
        let mut failed = 0;
        while self.control.room().await {
            let known = match stream {
                ExecStream::Stdout => self.stdout,
                ExecStream::Stderr => self.stderr,
            };
            if known >= total {
                return Ok(());
            }
            let here = if known >= tail_at {
                from(&ran.tail, known - tail_at)
            } else {
                from(&ran.head, known)
            };
            if !here.is_empty() {
                self.put(stream, here).await;
                continue;
            }
            let polled = match self.look(0, false).await {
                Ok(polled) if polled.stdout.is_empty() && polled.stderr.is_empty() => {
                    Err(Error::new(ErrorKind::NotFound, "the output was removed"))
                }
                looked => looked,
            };
            match polled {
                Ok(polled) => {
                    failed = 0;
                    self.hand_on(polled).await;
                }
                Err(error) => {
                    failed += 1;
                    if failed >= TRIES || error.kind() == ErrorKind::NotFound {
                        return Err(error);
                    }
                    sleep(Duration::from_millis(100) * failed).await;
                }
            }
        }
        Ok(())
    }

    /// There is nothing to wait for; hands on what was written before.
    async fn settled(mut self, outcome: ExecOutcome) -> ExecOutcome {
        if outcome.status() == ExecStatus::TimedOut {
            while self.control.room().await {
                match self.look(0, false).await {
                    Ok(polled) if !polled.stdout.is_empty() || !polled.stderr.is_empty() => {
                        self.hand_on(polled).await;
                    }
                    Ok(_) | Err(_) => break,
                }
            }
            self.target.clean(false, false).await;
        }
        outcome
    }

    /// The answer was lost: the files are followed until they tell the end.
    async fn adrift(mut self, cause: Error) -> ExecOutcome {
        let limit = self.began + self.limit + GRACE;
        let lost = Instant::now();
        let mut pause = LINGER;
        loop {
            let unknown = |error: Error| {
                ExecOutcome::without_output(ExecStatus::Unknown, self.began.elapsed(), error)
            };
            if Instant::now() >= limit {
                return unknown(cause);
            }
            let looked = timeout(LIMIT, self.look(TICKS.min(20), true)).await;
            let Ok(Ok(polled)) = looked else {
                if let Fate::Gone = self.sandbox.fate().await {
                    return self.sandbox.lost(self.began.elapsed(), cause);
                }
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
                continue;
            };
            pause = LINGER;
            let (state, frame) = (polled.state, parse(&polled.frame, self.target.nonce()));
            let nothing = polled.stdout.is_empty() && polled.stderr.is_empty();
            match state {
                State::Done => {
                    self.hand_on(polled).await;
                    return match frame {
                        Ok(Report::Ran(ran)) => self.ended(ran).await,
                        _ => ExecOutcome::without_output(
                            ExecStatus::Unknown,
                            self.began.elapsed(),
                            cause,
                        ),
                    };
                }
                State::Dead if nothing => return unknown(cause),
                State::None if lost.elapsed() > ARRIVAL => return unknown(cause),
                State::Dead | State::None | State::Running => self.hand_on(polled).await,
            }
            sleep(LINGER).await;
        }
    }
}

fn from(bytes: &[u8], offset: u64) -> Bytes {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    Bytes::copy_from_slice(bytes.get(offset..).unwrap_or_default())
}
