//! `sweep`: removes what processes of ours have left behind.

use std::process::ExitCode;

use daytona_env::{SweepOutcome, SweepReport, Sweeper, Swept};
use serde::Serialize;

use crate::args::SweepArgs;
use crate::error::{FAILED, Failure};
use crate::host::{Credential, HostEnv};
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// A row, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    state: &'a str,
    idle_seconds: Option<u64>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(crate) async fn run(args: SweepArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let swept = tokio::select! {
        swept = sweep(&args, host) => swept,
        signal = signals.next() => return ExitCode::from(signal.exit_code()),
    };
    let report = match swept {
        Ok(report) => report,
        Err(failure) => return failure.report_as(args.json),
    };
    if args.json {
        output::json(&report.swept().iter().map(Row::of).collect::<Vec<_>>());
    } else {
        print(&report, args.dry_run);
    }
    if report.failed() > 0 {
        return ExitCode::from(FAILED);
    }
    ExitCode::SUCCESS
}

async fn sweep(args: &SweepArgs, host: &HostEnv) -> Result<SweepReport, Failure> {
    let account = host.account()?.ok_or_else(|| {
        Failure::new("no DAYTONA_API_KEY is set, so there is no server to sweep").hint(
            "set DAYTONA_API_KEY; for `daytona-env serve`, set DAYTONA_API_URL too. A `run` without a key leaves nothing \
             behind",
        )
    })?;
    let builder = match account.credential.clone() {
        Credential::ApiKey(key) => Sweeper::builder().api_key(key),
        Credential::Jwt {
            token,
            organization,
        } => Sweeper::builder().jwt(token, organization),
    };
    let sweeper = builder
        .api_url(&account.api_url)
        .namespace(&args.namespace)
        .idle(args.idle)
        .persistent(args.persistent)
        .dry_run(args.dry_run)
        .build()
        .map_err(|error| Failure::of_arguments("cannot sweep", error))?;
    let _progress = Progress::step("looking, twice, more than ten seconds apart");
    sweeper.sweep().await.map_err(|error| {
        let failure = Failure::of("cannot sweep", error).at(Some(&account));
        match failure.hint_text() {
            Some(_) => failure,
            None => failure.hint("`daytona-env doctor` shows what is reachable"),
        }
    })
}

impl<'a> Row<'a> {
    fn of(swept: &'a Swept) -> Self {
        let (outcome, reason) = match &swept.outcome {
            SweepOutcome::Removed => ("removed", None),
            SweepOutcome::WouldRemove => ("would_remove", None),
            SweepOutcome::Gone => ("gone", None),
            SweepOutcome::Spared(why) => ("spared", Some((*why).to_owned())),
            SweepOutcome::Failed(error) => ("failed", Some(error.to_string())),
            _ => ("unknown", None),
        };
        Self {
            id: &swept.id,
            name: &swept.name,
            state: &swept.state,
            idle_seconds: swept.idle.map(|idle| idle.as_secs()),
            outcome,
            reason,
        }
    }

    fn line(&self) -> String {
        let outcome = self.outcome.replace('_', " ");
        let idle = self
            .idle_seconds
            .map(|seconds| format!(", idle for {} min", seconds / 60))
            .unwrap_or_default();
        let reason = self
            .reason
            .as_deref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        output::one_line(&format!(
            "{} ({}{idle}): {outcome}{reason}",
            self.name, self.state
        ))
    }
}

fn print(report: &SweepReport, dry_run: bool) {
    for swept in report.swept() {
        output::line(&Row::of(swept).line());
    }
    let verb = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let failed = match report.failed() {
        0 => String::new(),
        failed => format!("; {failed} could not be"),
    };
    output::note(&format!("{} {verb}{failed}", report.removed()));
}
