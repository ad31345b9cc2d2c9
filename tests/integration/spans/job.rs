//! One run in which everything happens that has a span.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX, START_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_api::{Config, Daytona};
use daytona_env::Lease;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};

use crate::support::{on, server, start, until};

/// In what runs, and in no span.
pub(super) const CANARY: &str = "canary-of-a-command";

fn context(tenant: &str) -> Vars {
    Vars::new().with("tenant", tenant)
}

fn stops() -> ExecRequest {
    ExecRequest::shell(format!("echo {CANARY}; exit 3")).env("CANARY", CANARY)
}

pub(super) async fn run() {
    let server = start(server()).await;
    let environment = on(&server)
        .scope(Variable::new("tenant"))
        .lease(Lease::persist(Duration::from_secs(15 * 60)))
        .renew_interval(Duration::from_millis(50))
        .build()
        .unwrap();

    // created, joined, hit, failed
    let blue = context("blue");
    let (first, second) = tokio::join!(environment.open(&blue), environment.open(&blue));
    let sandbox = first.unwrap();
    assert_eq!(sandbox.id(), second.unwrap().id());
    environment.open(&blue).await.unwrap();
    environment.open(&Vars::new()).await.unwrap_err();
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).answer(400, "{}"));
    environment.open(&context("red")).await.unwrap_err();

    // commands, and how they end
    let outcome = sandbox.exec(stops()).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(3));
    let outcome = sandbox
        .exec(ExecRequest::shell("kill -9 $$"))
        .await
        .unwrap();
    assert_eq!(outcome.status(), ExecStatus::Signaled(9));
    let nowhere = ExecRequest::argv(["true"]).cwd("nowhere");
    let outcome = sandbox.exec(nowhere).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted);
    let running = sandbox.start(stops()).await.unwrap();
    assert_eq!(running.wait().await.status(), ExecStatus::Exited(3));

    // renewals, lost ones too
    let lost = server
        .faults()
        .inject(Fault::on(&UPDATE_LAST_ACTIVITY).answer(400, "{}").always());
    until("a renewal fails", || lost.hits() > 0).await;
    lost.remove();

    // a request that is sent again, and the id that a proxy gives it
    let fault = Fault::on(&GET_SANDBOX)
        .answer(503, "{}")
        .header("X-Request-Id", "req-1");
    let config = || Config::new(server.token()).api_url(server.api_url());
    let api = Daytona::new(config()).unwrap();
    server.faults().inject(fault);
    api.sandboxes().get(sandbox.id()).await.unwrap();

    // stopped behind its holder's back, and not started at first
    assert!(server.force_stop(sandbox.id()).await);
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
    server
        .faults()
        .inject(Fault::on(&START_SANDBOX).answer(400, "{}"));
    environment.open(&blue).await.unwrap_err();
    let woken = environment.open(&blue).await.unwrap();
    assert_eq!(woken.id(), sandbox.id());

    // gone, and replaced
    assert!(server.vanish(sandbox.id()).await);
    match sandbox.exec(ExecRequest::argv(["true"])).await {
        Ok(outcome) => assert_eq!(outcome.status(), ExecStatus::Lost, "{outcome:?}"),
        // a renewal was first to find out
        Err(error) => assert!(error.is_lost(), "{error:?}"),
    }
    let healed = environment.open(&blue).await.unwrap();
    assert_eq!((healed.generation(), healed.state_lost()), (2, true));

    // removed at the second try
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(500, "{}").times(3));
    environment.close().await.unwrap();
    server.shutdown().await;
}
