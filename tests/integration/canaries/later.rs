//! What was sent with the create, told back by the server in the answer to any later call.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use daytona_api::Config;
use daytona_api::routes::control_plane::{DELETE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_env::DaytonaSandbox;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, Sandbox};

use super::evidence::{Scene, chain, outcome};
use crate::support::until;

/// The errors of every later call.
pub(super) async fn echoed(scene: &Scene<'_>) -> Vec<String> {
    let mut shown = Vec::new();
    for status in [400, 404, 409, 500] {
        shown.extend(calls(scene, status).await);
    }
    shown
}

async fn calls(scene: &Scene<'_>, status: u16) -> Vec<String> {
    let (server, echo) = (scene.server, scene.echo());
    // a renewal whose error goes to the log
    let environment = scene
        .builder()
        .renew_interval(Duration::from_millis(10))
        .close_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let sandbox = environment.open(&scene.context()).await.unwrap();
    let renewals = server.faults().inject(
        Fault::on(&UPDATE_LAST_ACTIVITY)
            .answer(status, echo.clone())
            .always(),
    );
    if status != 404 {
        until("a renewal fails", || renewals.hits() > 0).await;
    }
    renewals.remove();

    let mut shown = Vec::new();
    let toolbox = server.faults().inject(
        Fault::any()
            .matching(|request| request.path.contains("/toolbox/"))
            .answer(status, echo.clone())
            .always(),
    );
    let file = || scene.canaries.file.clone().into();
    shown.push(chain(&sandbox.put("a", file()).await.unwrap_err()));
    let input = scene.canaries.input.as_bytes();
    let piped = sandbox.exec_piped(ExecRequest::argv(["cat"]), input);
    shown.push(outcome(piped.await));
    shown.push(chain(&sandbox.get("a").await.unwrap_err()));
    shown.push(chain(&sandbox.list("").await.unwrap_err()));
    shown.push(chain(&sandbox.make_dir("d").await.unwrap_err()));
    if let Err(error) = sandbox.remove("a").await {
        shown.push(chain(&error));
    }
    let ran = sandbox.exec(ExecRequest::argv(["true"]));
    shown.push(outcome(ran.await));
    // attached, it knows the environment from the row
    let config = Config::new(scene.canaries.key.as_str()).api_url(server.api_url());
    toolbox.remove();
    if let Ok(attached) = DaytonaSandbox::attach(config, &sandbox.reference()).await {
        server
            .faults()
            .inject(Fault::on(&EXECUTE_COMMAND).answer(status, echo.clone()));
        let ran = attached.exec(ExecRequest::argv(["true"]));
        shown.push(outcome(ran.await));
    }
    // what has become of it cannot be told, and neither can it be deleted
    let unclear = [&GET_SANDBOX, &DELETE_SANDBOX].map(|route| {
        let fault = Fault::on(route).answer(status, echo.clone()).always();
        server.faults().inject(fault)
    });
    match environment.close().await {
        Ok(()) => assert_eq!(status, 404),
        Err(error) => shown.push(chain(&error)),
    }
    for fault in unclear {
        fault.remove();
    }
    assert!(
        shown.iter().any(|text| text.contains("[redacted]")),
        "{shown:?}"
    );
    shown
}
