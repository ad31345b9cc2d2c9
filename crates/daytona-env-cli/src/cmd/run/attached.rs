//! A run in a sandbox that is there already: it is started if need be, and kept.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use context_vars::Secret;
use daytona_api::Daytona;
use daytona_env::{DaytonaSandbox, SandboxRef};
use sandbox_core::{Sandbox, SandboxInfo};

use super::kill;
use super::report::Report;
use crate::args::RunArgs;
use crate::cmd::ls::api_failure;
use crate::error::Failure;
use crate::existing;
use crate::host::{Account, HostEnv};
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::target::{Target, refuse_embedded};
use crate::transfer::Plan;

/// How long an archived sandbox may take to come back.
const WAKE: Duration = Duration::from_secs(300);

/// The environment variables of the command, by name.
pub(super) fn environment(args: &RunArgs) -> impl Iterator<Item = (&str, &Secret)> {
    let given = args.envs.iter().map(|env| (env.name.as_str(), &env.value));
    let looked_up = args.env_vars.iter().filter_map(|env| {
        let var = args.vars.iter().find(|var| var.name == env.variable)?;
        Some((env.name.as_str(), &var.value))
    });
    given.chain(looked_up)
}

/// Attaches, runs and leaves the sandbox as it is.
pub(super) async fn attempt(
    args: &RunArgs,
    name: &str,
    plan: &Plan,
    host: &HostEnv,
    signals: &mut Signals,
    report: &mut Report,
) -> Result<(), Failure> {
    let account = existing::account(host)?;
    refuse_embedded(&args.embedded)?;
    let mut info: Option<SandboxInfo> = None;
    let killer = OnceLock::new();
    let signal = {
        let work = async {
            let sandbox = Arc::new(attach(&account, name, args.any).await?);
            info = Some(sandbox.info());
            tokio::select! {
                done = super::within(args, &sandbox, plan, &killer, report) => done,
                () = stay_awake(&sandbox, args.renew_interval) => Ok(()),
            }
        };
        tokio::select! {
            biased;
            signal = signals.next() => Some(signal),
            done = work => {
                if let Err(failure) = done {
                    report.fail(failure.at(Some(&account)));
                }
                None
            }
        }
    };
    if let Some(info) = &info {
        report.sandbox(info);
    }
    if let Some(signal) = signal {
        kill::stop(killer.get(), signals).await;
        if let Some(info) = &info {
            output::note(&format!(
                "{}: sandbox {} (id {}) is kept",
                signal.name(),
                info.name(),
                info.id()
            ));
        }
        report.interrupted(signal);
    }
    report.server(&Target::Account(account));
    Ok(())
}

async fn attach(account: &Account, name: &str, any: bool) -> Result<DaytonaSandbox, Failure> {
    let _progress = Progress::step(format!("waking sandbox {name}"));
    let what = format!("cannot use sandbox {name}");
    let failed = |error: daytona_api::Error| {
        if error.is_not_found() {
            return Failure::new(format!("there is no sandbox {name}"))
                .hint("`daytona-env ls` shows those that this program or its library made");
        }
        api_failure(&what, error)
    };
    let api = Daytona::new(account.config()).map_err(failed)?;
    let row = api.sandboxes().get(name).await.map_err(failed)?;
    existing::check_ours(&row, any)?;
    let generation = row
        .labels
        .get("daytona-env.generation")
        .and_then(|generation| generation.parse().ok());
    let reference = SandboxRef::new(row.id, generation.unwrap_or(1));
    DaytonaSandbox::attach_awake(account.config(), &reference, WAKE)
        .await
        .map_err(|error| Failure::of(what.clone(), error))
}

/// A command that is silent for long must not be taken for an idle sandbox. Never ends.
async fn stay_awake(sandbox: &DaytonaSandbox, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        if let Err(error) = sandbox.touch().await {
            tracing::warn!(%error, "the sandbox could not be told that it is in use");
        }
    }
}
