//! `run`: one command in a sandbox of its own.

mod attached;
mod checks;
pub(super) mod close;
mod input;
mod kill;
mod report;
mod streams;

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use daytona_env::{DaytonaEnvironment, DaytonaSandbox};
use sandbox_core::{ExecRequest, KillHandle, Running, Sandbox, SandboxInfo};
use tokio::io::AsyncReadExt as _;

use self::close::{Closing, Ended};
use self::input::Input;
use self::report::Report;
use crate::args::RunArgs;
use crate::error::Failure;
use crate::host::HostEnv;
use crate::output;
use crate::progress::Progress;
use crate::signals::{Signal, Signals};
use crate::target::{self, Target};
use crate::transfer::{self, Plan};

/// Bytes of the beginning and of the end of each stream that come with the answer itself.
const HEAD: usize = 1024 * 1024;
const TAIL: usize = 256 * 1024;

/// Runs the command; the code to exit with.
pub(crate) async fn run(args: RunArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let mut report = Report::default();
    if let Err(failure) = attempt(&args, host, signals, &mut report).await {
        report.fail(failure);
    }
    report.finish(args.json)
}

/// Everything that can be refused is refused before a server is started or asked.
async fn attempt(
    args: &RunArgs,
    host: &HostEnv,
    signals: &mut Signals,
    report: &mut Report,
) -> Result<(), Failure> {
    checks::check(args)?;
    let plan = transfer::plan(&args.uploads)?;
    if let Some(name) = &args.sandbox {
        return attached::attempt(args, name, &plan, host, signals, report).await;
    }
    let target = {
        let choosing = Target::choose(host, &args.embedded);
        tokio::pin!(choosing);
        tokio::select! {
            target = &mut choosing => target?,
            signal = signals.next() => {
                report.interrupted(signal);
                close::begun(choosing, signals).await;
                return Ok(());
            }
        }
    };
    if args.persist && target.account().is_none() {
        let failure = Failure::new(
            "--persist needs a server that lasts: the embedded one ends with this program, and its sandboxes with it",
        )
        .hint("set DAYTONA_API_KEY; `daytona-env serve` is one to try it with");
        if let Target::Embedded(server) = target {
            close::stop(server, signals).await;
        }
        return Err(failure);
    }
    if let Some(notice) = target.notice(args) {
        output::note(&notice);
    }
    report.server(&target);
    let environment = target.environment(args)?;
    let opened = OnceLock::new();
    let killer = OnceLock::new();
    let signal = tokio::select! {
        biased;
        signal = signals.next() => Some(signal),
        done = work(args, &environment, &plan, &opened, &killer, report) => {
            if let Err(failure) = done {
                report.fail(failure.at(target.account()));
            }
            None
        }
    };
    if let Some(sandbox) = opened.get() {
        report.sandbox(sandbox);
    }
    if args.persist && signal.is_some() {
        // else it ends with its sandbox
        kill::stop(killer.get(), signals).await;
    }
    finish(
        args,
        environment,
        target,
        opened.get(),
        signal,
        signals,
        report,
    )
    .await
}

/// Opens a sandbox and works in it. Dropped on a signal; the sandbox is then deleted with all that runs in it.
async fn work(
    args: &RunArgs,
    environment: &DaytonaEnvironment,
    plan: &Plan,
    opened: &OnceLock<SandboxInfo>,
    killer: &OnceLock<KillHandle>,
    report: &mut Report,
) -> Result<(), Failure> {
    let sandbox = open(args, environment).await?;
    // nobody else sets it
    let _ = opened.set(sandbox.info());
    within(args, &sandbox, plan, killer, report).await
}

/// Upload, run, print, download.
async fn within(
    args: &RunArgs,
    sandbox: &Arc<DaytonaSandbox>,
    plan: &Plan,
    killer: &OnceLock<KillHandle>,
    report: &mut Report,
) -> Result<(), Failure> {
    if !plan.is_empty() {
        let _progress = Progress::step(format!("uploading {} files", plan.files.len()));
        transfer::upload(sandbox, plan).await?;
    }
    let running = {
        let _progress = Progress::step("running");
        start(args, sandbox).await?
    };
    // nobody else sets it
    let _ = killer.set(running.kill_handle());
    let outcome = if args.json {
        // one object, bounded: what a command writes is in it
        let _progress = Progress::step("running");
        running.wait().await
    } else {
        streams::print(running).await?
    };
    report.outcome(&outcome, args.timeout);
    streams::forget(sandbox, &outcome).await;
    report.say_how_it_ended();
    for download in &args.downloads {
        let _progress = Progress::step(format!("downloading {}", download.from));
        transfer::download(&**sandbox, download).await?;
    }
    Ok(())
}

async fn open(
    args: &RunArgs,
    environment: &DaytonaEnvironment,
) -> Result<Arc<DaytonaSandbox>, Failure> {
    let _progress = Progress::step(match &args.image {
        Some(image) => format!("creating the sandbox; image {image} may have to be built first"),
        None => "creating the sandbox".to_owned(),
    });
    environment
        .open(&target::context(args))
        .await
        .map_err(|error| Failure::of("cannot open a sandbox", error))
}

async fn start(args: &RunArgs, sandbox: &DaytonaSandbox) -> Result<Running, Failure> {
    let mut request = ExecRequest::argv(args.command.iter().map(String::as_str))
        .timeout(args.timeout)
        .output_limit(HEAD, TAIL);
    if args.sandbox.is_some() {
        // its own environment was set when it was made
        for (name, value) in attached::environment(args) {
            request = request.env(name, value.clone());
        }
    }
    let input = Input::of(args).await.map_err(|error| {
        Failure::new("cannot read the standard input")
            .because(error)
            .hint("--no-stdin gives the command an empty one")
    })?;
    let running = match input {
        Input::None => sandbox.start(request).await,
        Input::Whole(bytes) => sandbox.start(request.stdin(bytes)).await,
        Input::Begun(bytes, rest) => {
            let input = io::Cursor::new(bytes).chain(rest);
            Box::pin(sandbox.start_piped(request, input)).await
        }
    };
    running.map_err(|error| Failure::of("cannot run the command", error))
}

/// Deletes the sandbox, or hands it over when it is to be kept.
async fn finish(
    args: &RunArgs,
    environment: DaytonaEnvironment,
    target: Target,
    opened: Option<&SandboxInfo>,
    signal: Option<Signal>,
    signals: &mut Signals,
    report: &mut Report,
) -> Result<(), Failure> {
    let kept = opened.filter(|_| args.persist && matches!(target, Target::Account(_)));
    if let Some(sandbox) = kept {
        close::keep(environment, sandbox, args.lease);
        if let Some(signal) = signal {
            report.interrupted(signal);
        }
        return Ok(());
    }
    let closing = Closing {
        environment: &environment,
        target: &target,
    };
    let ended = closing.close(signal, signals).await;
    if let Target::Embedded(server) = target {
        close::stop(server, signals).await;
    }
    match ended {
        Ended::Clean(None) => {}
        Ended::Clean(Some(signal)) => report.interrupted(signal),
        Ended::Left(failures) => failures
            .into_iter()
            .for_each(|failure| report.fail(failure)),
    }
    Ok(())
}
