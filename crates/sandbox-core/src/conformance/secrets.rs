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
