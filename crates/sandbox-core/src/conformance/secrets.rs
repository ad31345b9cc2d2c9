//! What must not be shown.

use super::lab::{CANARY, Lab, TENANT, TOKEN};
use super::rule::{Broken, Check, Rule, chain, ensure};
use crate::{Error, ExecRequest, Secret, Vars};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "debug-shows-no-secret",
        "`Debug` of a factory, a sandbox and an outcome shows no secret and no output",
        "write `Debug` by hand where values are held; keep secrets as `Secret`",
        |lab| Box::pin(debug_is_clean(lab)),
    ),
    Rule::new(
        "errors-show-no-secret",
        "no error shows a secret of the context or a value of the call, in any of its forms",
        "name the parameter or the variable in an error, never its value",
        |lab| Box::pin(errors_are_clean(lab)),
    ),
    Rule::new(
        "host-environment-stays-out",
        "commands see nothing of the environment of the process that the factory is in",
        "clear the environment of what you start, and set what was asked for",
        |lab| Box::pin(host_environment_stays_out(lab)),
    ),
];

fn clean(what: &str, text: &str) -> Check {
    ensure(!text.contains(CANARY), || {
        format!("{what} shows the secret")
    })
}

async fn debug_is_clean(lab: &Lab) -> Check {
    clean(
        "the factory, before an open,",
        &format!("{:?}", lab.factory),
    )?;
    let sandbox = lab.open().await?;
    clean("the factory", &format!("{:?}", lab.factory))?;
    clean("the sandbox", &format!("{sandbox:?} {sandbox:#?}"))?;
    clean("the sandbox's info", &format!("{:?}", sandbox.info()))?;
    let request = ExecRequest::shell("printf %s \"$KEY\"").env("KEY", CANARY);
    let outcome = sandbox.exec(request).await?;
    let printed = outcome.stdout().text_lossy();
    ensure(printed == CANARY, || {
        format!("the command's own environment did not reach it: it printed {printed:?}")
    })?;
    clean("the outcome", &format!("{outcome:?}"))?;
    clean("the sandbox, after a command,", &format!("{sandbox:?}"))
}

async fn errors_are_clean(lab: &Lab) -> Check {
    let without_tenant = Vars::new().with(TOKEN, Secret::new(CANARY));
    error_of(
        "open without a tenant",
        lab.factory.open(&without_tenant).await,
    )?;
    // A value of a type that no parameter takes.
    let wrong = Vars::new().with(TENANT, vec![CANARY.to_owned()]);
    error_of("open with a wrong value", lab.factory.open(&wrong).await)?;
    let sandbox = lab.open().await?;
    let bad = [
        ExecRequest::argv([format!("{CANARY}\0")]),
        ExecRequest::argv(["true"]).env("KEY", format!("{CANARY}\0")),
        ExecRequest::argv(["true"]).cwd(format!("{CANARY}\0")),
    ];
    for request in bad {
        error_of("exec of a bad request", sandbox.exec(request).await)?;
    }
    let missing = ExecRequest::argv(["true"])
        .cwd("nowhere")
        .env("KEY", CANARY);
    match sandbox.exec(missing).await {
        Ok(outcome) => match outcome.cause() {
            Some(cause) => clean("the cause", &shown(cause)),
            None => Ok(()),
        },
        Err(error) => clean("exec in a missing directory", &shown(&error)),
    }
}

fn error_of<T>(what: &str, result: Result<T, Error>) -> Check {
    match result {
        Ok(_) => Err(Broken(format!("{what} succeeded, wanted an error"))),
        Err(error) => clean(&format!("the error of {what}"), &shown(&error)),
    }
}

fn shown(error: &Error) -> String {
    format!("{} {error:?} {error:#?}", chain(error))
}

async fn host_environment_stays_out(lab: &Lab) -> Check {
    // Set by cargo for this process alone; others may by chance be the same in a sandbox.
    let telling: Vec<String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    ensure(!telling.is_empty(), || {
        "this process has no variable of cargo's that could be told; run the suite as a test"
            .to_owned()
    })?;
    let sandbox = lab.open().await?;
    let outcome = sandbox.exec(ExecRequest::argv(["env"])).await?;
    super::lab::ended(&outcome, crate::ExecStatus::Exited(0))?;
    let seen = outcome.stdout().text_lossy();
    ensure(seen.contains("PATH="), || {
        "a command has no PATH, so `env` tells nothing".to_owned()
    })?;
    for variable in telling {
        ensure(!seen.contains(&variable), || {
            let name = variable.split('=').next().unwrap_or_default();
            format!("a command sees the variable {name:?} of this process")
        })?;
    }
    Ok(())
}
