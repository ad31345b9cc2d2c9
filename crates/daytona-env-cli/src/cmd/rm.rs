//! `rm`: deletes sandboxes by id or name.

use std::process::ExitCode;

use daytona_api::Daytona;
use daytona_api::models::SandboxDesiredState;

use crate::args::RmArgs;
use crate::cmd::ls::api_failure;
use crate::error::{FAILED, Failure};
use crate::existing;
use crate::host::{Account, HostEnv};
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

pub(crate) async fn run(args: RmArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let account = match existing::account(host) {
        Ok(account) => account,
        Err(failure) => return failure.report(),
    };
    let api = match Daytona::new(account.config()) {
        Ok(api) => api,
        Err(error) => return api_failure("cannot delete", error).report(),
    };
    let mut code = ExitCode::SUCCESS;
    for name in &args.sandboxes {
        let removed = tokio::select! {
            removed = remove(&api, &account, name, args.any) => removed,
            signal = signals.next() => return ExitCode::from(signal.exit_code()),
        };
        match removed {
            Ok(text) => output::line(&text),
            Err(failure) => {
                failure.print();
                code = ExitCode::from(FAILED);
            }
        }
    }
    code
}

/// Deletes one; the line that says so.
async fn remove(
    api: &Daytona,
    account: &Account,
    name: &str,
    any: bool,
) -> Result<String, Failure> {
    let _progress = Progress::step(format!("deleting {name}"));
    let failed = |error| api_failure(&format!("cannot delete {name}"), error).at(Some(account));
    let row = match api.sandboxes().get(name).await {
        Ok(row) => row,
        Err(error) if error.is_not_found() => return Ok(format!("{name} does not exist")),
        Err(error) => return Err(failed(error)),
    };
    existing::check_ours(&row, any)?;
    // a refusal may repeat what the sandbox was given
    let api = api.hiding(row.env.values().map(String::as_str));
    // by id: the name may belong to another one by now
    match api.sandboxes().delete(&row.id).await {
        Ok(_) => Ok(format!("deleted {} (id {})", row.name, row.id)),
        Err(error) if error.is_not_found() => Ok(format!("{name} does not exist")),
        Err(error) if error.is_conflict() => match api.sandboxes().get(&row.id).await {
            // somebody else's `rm`, or an earlier one of ours, is not through yet
            Ok(now) if now.desired_state == Some(SandboxDesiredState::Destroyed) => {
                Ok(format!("{} (id {}) is being deleted", row.name, row.id))
            }
            Err(gone) if gone.is_not_found() => Ok(format!("{name} does not exist")),
            Ok(_) | Err(_) => Err(failed(error)),
        },
        Err(error) => Err(failed(error)),
    }
}
