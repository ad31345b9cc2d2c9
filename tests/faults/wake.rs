//! Sandboxes that are kept when stopped: woken by the next open, whatever is in the way.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{GET_SANDBOX, START_SANDBOX};
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox, Lease};
use daytona_local::{Fault, Server};
use sandbox_core::{EventKind, Events, ExecRequest, ExecStatus, Observed, Sandbox};
use serde_json::json;
use tokio::time::timeout;

use crate::world::{NEVER, at, closes, in_place, left, loopback, on, wire};

const CHANGING: &str = r#"{"statusCode":409,"message":"Sandbox state change in progress"}"#;

/// A sandbox that was stopped behind its holder's back, who has noticed.
async fn stopped(server: &Arc<Server>) -> (DaytonaEnvironment, Arc<DaytonaSandbox>) {
    let lease = Lease::persist(Duration::from_secs(15 * 60));
    let environment = at(server).lease(lease).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert!(server.force_stop(sandbox.id()).await);
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
    (environment, sandbox)
}

/// The next open has the same sandbox, and it runs.
async fn wakes(server: &Arc<Server>, environment: &DaytonaEnvironment, first: &DaytonaSandbox) {
    let again = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
    let again = again.unwrap();
    assert_eq!((again.id(), again.generation()), (first.id(), 1));
    assert!(!again.state_lost());
    let outcome = again.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert!(outcome.success(), "{outcome:?}");
    server.faults().clear();
    closes(server, environment).await;
}

fn kinds(events: &mut Events) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(Observed::Event(event)) = events.try_next() {
        kinds.push(event.kind().clone());
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn a_stopped_one_is_woken_and_the_events_say_so() {
    let server = in_place(|builder| builder);
    let (environment, sandbox) = stopped(&server).await;
    let mut events = environment.events();
    wakes(&server, &environment, &sandbox).await;
    let kinds = kinds(&mut events);
    let woken = |kind: &EventKind| matches!(kind, EventKind::Woken { .. });
    assert_eq!(
        kinds.iter().filter(|kind| woken(kind)).count(),
        1,
        "{kinds:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_archived_one_is_woken() {
    let server = in_place(|builder| builder);
    let (environment, sandbox) = stopped(&server).await;
    let config = Config::new(server.token()).api_url(server.api_url());
    let api = Daytona::builder(config)
        .transport(wire(&server))
        .build()
        .unwrap();
    api.sandboxes().archive(sandbox.id()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(left(&server)[0].state, "archived");
    wakes(&server, &environment, &sandbox).await;
}

/// It cannot be started while it still stops: that is waited for, and no error.
#[tokio::test(start_paused = true)]
async fn one_that_is_still_stopping_is_woken_once_it_has() {
    let server = in_place(|builder| builder);
    let (environment, sandbox) = stopped(&server).await;
    let changing = Fault::on(&START_SANDBOX).answer(409, CHANGING).times(5);
    let changing = server.faults().inject(changing);
    wakes(&server, &environment, &sandbox).await;
    assert_eq!(changing.hits(), 5);
}

/// A start whose answer does not come may be done or not: what it came to is looked at, and nobody is told of trouble.
#[tokio::test(start_paused = true)]
async fn one_whose_start_goes_unanswered_is_woken() {
    let on = || Fault::on(&START_SANDBOX);
    for fault in [
        on().reset_after_commit(),
        on().reset_before_commit(),
        on().close_after_commit(),
        on().answer_after_commit(502, "<html></html>"),
        on().answer(503, "{}").times(3),
        on().cut_body(7),
        on().garbage(300, 4),
    ] {
        let server = in_place(|builder| builder);
        let (environment, sandbox) = stopped(&server).await;
        let fault = server.faults().inject(fault);
        wakes(&server, &environment, &sandbox).await;
        assert!(fault.hits() > 0);
    }
}

/// The same of one that is attached to; over loopback, since that takes no other way.
#[tokio::test]
async fn one_that_is_attached_to_is_woken_though_the_start_goes_unanswered() {
    let server = loopback().await;
    let lease = Lease::persist(Duration::from_secs(900));
    let environment = on(&server).lease(lease).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert!(server.force_stop(sandbox.id()).await);
    let lost = Fault::on(&START_SANDBOX).reset_after_commit();
    let lost = server.faults().inject(lost);
    let config = Config::new(server.token()).api_url(server.api_url());
    let attached = DaytonaSandbox::attach_awake(config, &sandbox.reference(), NEVER).await;
    let outcome = attached.unwrap().exec(ExecRequest::argv(["true"])).await;
    assert!(outcome.unwrap().success());
    assert_eq!(lost.hits(), 1);
    closes(&server, &environment).await;
}

/// One that cannot be started is no riddle: the reason is told, and the next open tries again.
#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_started_is_told_with_the_reason() {
    let server = in_place(|builder| builder);
    let (environment, sandbox) = stopped(&server).await;
    let broken = Fault::on(&START_SANDBOX).answer(500, r#"{"message":"no runner today"}"#);
    let broken = server.faults().inject(broken.always());
    let error = timeout(Duration::from_secs(30), environment.open(&NoVars)).await;
    let error = error.unwrap().unwrap_err();
    assert!(error.to_string().contains("no runner today"), "{error}");
    broken.remove();
    wakes(&server, &environment, &sandbox).await;
}

/// Daytona answers look-ups from a cache for ten seconds: that it is stopped is then no news.
#[tokio::test(start_paused = true)]
async fn one_that_a_cached_answer_calls_stopped_is_waited_for() {
    let server = in_place(|builder| builder);
    let (environment, sandbox) = stopped(&server).await;
    let cached = Fault::on(&GET_SANDBOX).set_fields([
        ("state", json!("stopped")),
        ("desiredState", json!("stopped")),
    ]);
    // the look of the open, and those of the ten seconds after the start
    let cached = server.faults().inject(cached.times(60));
    wakes(&server, &environment, &sandbox).await;
    assert!(cached.hits() > 20, "{}", cached.hits());
}

/// A held sandbox whose row goes to `error`: replaced, and the reason told.
#[tokio::test(start_paused = true)]
async fn one_that_broke_is_replaced_and_its_reason_told() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    let mut events = environment.events();
    let stopped = r#"{"statusCode":400,"message":"no IP address found. Is the Sandbox started?"}"#;
    server
        .faults()
        .inject(Fault::on(&EXECUTE_COMMAND).answer(400, stopped));
    let broken = Fault::on(&GET_SANDBOX).set_fields([
        ("state", json!("error")),
        ("errorReason", json!("disk full")),
    ]);
    // the look after the command, and that of the open
    let broken = server.faults().inject(broken.times(2));
    let outcome = first.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
    let second = environment.open(&NoVars).await.unwrap();
    assert_eq!(broken.hits(), 2);
    assert_eq!((second.generation(), second.state_lost()), (2, true));
    assert!(
        left(&server).iter().all(|row| row.id == second.id()),
        "the broken row went"
    );
    let kinds = kinds(&mut events);
    let told = |kind: &EventKind| matches!(kind, EventKind::StateLost { reason } if reason.contains("disk full"));
    assert!(kinds.iter().any(told), "{kinds:?}");
    closes(&server, &environment).await;
}
