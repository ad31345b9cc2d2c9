//! `shell`: a terminal in a sandbox, for a person.

mod tty;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use daytona_api::api::{Pty, PtyEvent, PtyExit, Terminal, Toolbox};
use daytona_api::{Config, Daytona};
use daytona_env::DaytonaEnvironment;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{SinkExt, TryStreamExt};
use sandbox_core::SandboxInfo;
use tokio::io::AsyncReadExt;

use super::ls::api_failure;
use super::run::close::{self, Closing, Ended};
use crate::args::{RunArgs, ShellArgs};
use crate::error::{FAILED, Failure};
use crate::host::HostEnv;
use crate::output;
use crate::progress::Progress;
use crate::signals::{Signal, Signals};
use crate::target::{self, Target};

/// How long the end of a shell that was left is waited for.
const LEAVING: Duration = Duration::from_secs(3);

/// How it ended.
enum End {
    /// The shell itself has.
    Exited(PtyExit),
    /// We were asked to go.
    Signal(Signal),
}

/// Opens the shell; the code to exit with.
pub(crate) async fn run(args: ShellArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    match attempt(args, host, signals).await {
        Ok(End::Exited(exit)) => ExitCode::from(u8::try_from(exit.code).unwrap_or(FAILED)),
        Ok(End::Signal(signal)) => ExitCode::from(signal.exit_code()),
        Err(failures) => {
            failures.iter().for_each(Failure::print);
            ExitCode::from(FAILED)
        }
    }
}

async fn attempt(
    args: ShellArgs,
    host: &HostEnv,
    signals: &mut Signals,
) -> Result<End, Vec<Failure>> {
    if !tty::is_terminal() {
        let failure = Failure::new("a shell needs a terminal on standard input and output");
        return Err(vec![failure.hint("`daytona-env run -- CMD` needs none")]);
    }
    let sandbox = args.sandbox.clone();
    let run = RunArgs::from(args);
    let target = tokio::select! {
        target = Target::choose(host, &run.embedded) => target.map_err(one)?,
        signal = signals.next() => return Ok(End::Signal(signal)),
    };
    let api = client(&target).map_err(one)?;
    if let Some(sandbox) = sandbox {
        if matches!(target, Target::Embedded(_)) {
            let failure = Failure::new("no DAYTONA_API_KEY is set, so there is no sandbox to open");
            return Err(vec![
                failure.hint("leave SANDBOX out for a new one on this machine"),
            ]);
        }
        return converse(&api, &sandbox, run.workdir.as_deref(), host, signals)
            .await
            .map_err(one);
    }
    if let Some(notice) = target.notice(&run) {
        output::note(&notice);
    }
    let environment = target.environment(&run).map_err(one)?;
    let opened = OnceLock::new();
    let ended = tokio::select! {
        biased;
        signal = signals.next() => Ok(End::Signal(signal)),
        made = open(&run, &environment) => match made {
            Ok(sandbox) => {
                let found = opened.get_or_init(|| sandbox);
                let (id, folder) = (found.id(), found.workdir());
                converse(&api, id, Some(folder), host, signals).await
            }
            Err(failure) => Err(failure),
        },
    };
    finish(ended, environment, target, signals).await
}

fn one(failure: Failure) -> Vec<Failure> {
    vec![failure]
}

fn client(target: &Target) -> Result<Daytona, Failure> {
    let config = match target {
        Target::Account(account) => account.config(),
        Target::Embedded(server) => Config::new(server.token()).api_url(server.api_url()),
    };
    Daytona::new(config).map_err(|error| api_failure("cannot use the server", error))
}

async fn open(args: &RunArgs, environment: &DaytonaEnvironment) -> Result<SandboxInfo, Failure> {
    let _progress = Progress::step("creating the sandbox");
    let opened = environment.open(&target::context(args)).await;
    let sandbox = opened.map_err(|error| Failure::of("cannot open a sandbox", error))?;
    Ok(sandbox_core::Sandbox::info(&*sandbox))
}

/// Deletes the sandbox that was made for this.
async fn finish(
    ended: Result<End, Failure>,
    environment: DaytonaEnvironment,
    target: Target,
    signals: &mut Signals,
) -> Result<End, Vec<Failure>> {
    let closing = Closing {
        environment: &environment,
        target: &target,
    };
    let signal = match &ended {
        Ok(End::Signal(signal)) => Some(*signal),
        _ => None,
    };
    let closed = closing.close(signal, signals).await;
    if let Target::Embedded(server) = target {
        close::stop(server, signals).await;
    }
    let mut failures = match closed {
        Ended::Clean(None) => return ended.map_err(one),
        Ended::Clean(Some(signal)) => return ended.map(|_| End::Signal(signal)).map_err(one),
        Ended::Left(failures) => failures,
    };
    failures.extend(ended.err());
    Err(failures)
}

/// Between the person and the shell, until one of them has enough.
async fn converse(
    api: &Daytona,
    sandbox: &str,
    folder: Option<&str>,
    host: &HostEnv,
    signals: &mut Signals,
) -> Result<End, Failure> {
    let toolbox = toolbox(api, sandbox).await?;
    let pty = toolbox.pty();
    let id = format!("shell-{:016x}", RandomState::new().build_hasher().finish());
    let opened = tokio::select! {
        opened = start(&pty, &id, folder, host) => opened,
        signal = signals.next() => {
            leave(&pty, &id).await;
            return Ok(End::Signal(signal));
        }
    };
    let terminal = opened.map_err(|error| api_failure("cannot open a terminal", error))?;
    let ended = {
        let _raw = tty::Raw::enter()
            .map_err(|error| Failure::new("cannot use the terminal").because(error))?;
        talk(terminal, &pty, &id, signals).await
    };
    if !matches!(ended, Ok(End::Exited(_))) {
        leave(&pty, &id).await;
    }
    ended
}

async fn toolbox(api: &Daytona, sandbox: &str) -> Result<Toolbox, Failure> {
    let failed = |error| api_failure("cannot open the sandbox", error);
    let found = api.sandboxes().get(sandbox).await.map_err(failed)?;
    api.toolbox(&found).map_err(failed)
}

async fn start(
    pty: &Pty,
    id: &str,
    folder: Option<&str>,
    host: &HostEnv,
) -> Result<Terminal, daytona_api::Error> {
    let (cols, rows) = tty::size();
    let term = host.term().unwrap_or("xterm-256color");
    let mut wanted = pty.open(id).size(cols, rows).env("TERM", term);
    if let Some(folder) = folder {
        wanted = wanted.cwd(folder);
    }
    match wanted.send().await {
        Err(error) if error.is_not_found() => {}
        opened => return opened,
    }
    // a server that does not know how to do both at once; the shell starts when we are there
    pty.create(id, |new| {
        new.cols = Some(cols.into());
        new.rows = Some(rows.into());
        new.cwd = folder.map(str::to_owned);
        new.envs = Some([("TERM".to_owned(), term.to_owned())].into());
        new.lazy_start = Some(true);
    })
    .await?;
    pty.connect(id).await
}

async fn talk(
    terminal: Terminal,
    pty: &Pty,
    id: &str,
    signals: &mut Signals,
) -> Result<End, Failure> {
    let broken = |error| api_failure("the connection to the shell broke off", error);
    let failed = |error| Failure::new("cannot use the terminal").because(error);
    let mut resized = tty::resized().map_err(failed)?;
    let (mut keys, mut screen) = terminal.split();
    // by itself, so that a shell that reads nothing does not stop what it shows
    let mut typing = std::pin::pin!(async {
        let mut stdin = tokio::io::stdin();
        let mut typed = vec![0; 4096];
        while let Ok(length @ 1..) = stdin.read(&mut typed).await {
            let piece = typed.get(..length).unwrap_or_default();
            if keys.send(piece.to_vec().into()).await.is_err() {
                break;
            }
        }
        // nobody is there any more, or the other end is not: what comes next says so
        std::future::pending::<()>().await;
    });
    let mut sizes = FuturesUnordered::new();
    loop {
        tokio::select! {
            event = screen.try_next() => match event.map_err(broken)? {
                Some(PtyEvent::Output(data)) => output::to_stdout(&data).await.map_err(failed)?,
                Some(PtyEvent::Exited(exit)) => return Ok(End::Exited(exit)),
                _ => return Err(Failure::new("the shell has ended without saying how")),
            },
            Some(()) = resized.recv() => {
                let (cols, rows) = tty::size();
                sizes.push(pty.resize(id, cols, rows));
            }
            // a size that does not arrive is no reason to end
            Some(_) = sizes.next(), if !sizes.is_empty() => {}
            signal = signals.next() => return Ok(End::Signal(signal)),
            () = &mut typing => {}
        }
    }
}

/// Ends the shell that nobody talks to any more.
async fn leave(pty: &Pty, id: &str) {
    drop(tokio::time::timeout(LEAVING, pty.delete(id)).await);
}
