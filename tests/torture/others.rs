//! Sandboxes that are kept, shared, or left behind.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, LIST_SANDBOXES, START_SANDBOX,
};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox, Lease, SweepOutcome, Sweeper, Swept};
use daytona_local::{Fault, Server};
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use tokio::time::sleep;

use super::{dropped_after, dropped_in, report, stepwise};
use crate::world::{at, closes, idle, in_place, left, wire};

const FLEET: &str = "a-fleet-key-0123456789";
const LEASE: Duration = Duration::from_secs(180);
/// A sweep waits for twice as long.
const WAIT: Duration = Duration::from_secs(6);

/// An open of a sandbox that was stopped, which wakes it: the next one has the same, started once.
#[test]
fn waking() {
    stepwise(true, waking_is_dropped());
}

async fn waking_is_dropped() {
    for (name, fault) in [
        ("fast", None),
        (
            "answer lost",
            Some(Fault::on(&START_SANDBOX).reset_after_commit()),
        ),
        (
            "answer late",
            Some(Fault::on(&START_SANDBOX).delay(Duration::from_secs(3))),
        ),
    ] {
        let mut points = 0;
        loop {
            let server = in_place(|builder| builder);
            let lease = Lease::persist(Duration::from_secs(900));
            let environment = at(&server).lease(lease).build().unwrap();
            let first = stopped(&server, &environment).await;
            if let Some(fault) = fault.clone() {
                server.faults().inject(fault);
            }
            let ended = dropped_after(points + 1, environment.open(&NoVars)).await;
            let again = environment.open(&NoVars).await.unwrap();
            assert_eq!(
                (again.id(), again.generation(), again.state_lost()),
                (first.id(), 1, false),
                "{name}, after {points} polls"
            );
            let outcome = again.exec(ExecRequest::argv(["true"])).await.unwrap();
            assert!(outcome.success(), "{name}, {points}: {outcome:?}");
            assert_eq!(server.sandboxes().len(), 1, "{name}, after {points} polls");
            if name == "fast" {
                let starts = server.requests_to(&START_SANDBOX).len();
                assert_eq!(starts, 1, "after {points} polls");
            }
            closes(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("open of a stopped one", name, points);
    }
}

async fn stopped(server: &Arc<Server>, environment: &DaytonaEnvironment) -> Arc<DaytonaSandbox> {
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert!(server.force_stop(sandbox.id()).await);
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
    sandbox
}

/// An open of a shared one, the first or a later: all agree on one, no close deletes it, silence ends it.
#[test]
fn shared_open() {
    stepwise(true, shared_open_is_dropped());
}

async fn shared_open_is_dropped() {
    for (name, delay, fault) in [
        ("the first, fast", 0, None),
        ("the first, slow", 3, None),
        (
            "the first, answer lost",
            0,
            Some(Fault::on(&CREATE_SANDBOX).reset_after_commit()),
        ),
        ("a later one", 0, None),
    ] {
        let mut points = 0;
        loop {
            let server = in_place(|builder| builder.create_delay(Duration::from_secs(delay)));
            let sharer = || {
                let builder = at(&server).share("workers", FLEET);
                builder.lease(Lease::ephemeral(LEASE)).build().unwrap()
            };
            let (one, other) = (sharer(), sharer());
            if name == "a later one" {
                other.open(&NoVars).await.unwrap();
            }
            if let Some(fault) = fault.clone() {
                server.faults().inject(fault);
            }
            let ended = dropped_after(points + 1, one.open(&NoVars)).await;
            let theirs = other.open(&NoVars).await.unwrap();
            let ours = one.open(&NoVars).await.unwrap();
            assert_eq!(ours.id(), theirs.id(), "{name}, after {points} polls");
            assert_eq!(server.sandboxes().len(), 1, "{name}, after {points} polls");
            one.close().await.unwrap();
            let outcome = theirs.exec(ExecRequest::argv(["true"])).await.unwrap();
            assert!(outcome.success(), "{name}, {points}: {outcome:?}");
            other.close().await.unwrap();
            assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
            sleep(LEASE + Duration::from_secs(60)).await;
            assert_eq!(left(&server), [], "{name}, after {points} polls");
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("open of a shared one", name, points);
    }
}

/// What a process that is no more has left, which no timer of the server removes.
async fn left_behind(server: &Arc<Server>, name: &str) {
    let config = Config::new(server.token()).api_url(server.api_url());
    let api = Daytona::builder(config).transport(wire(server)).build();
    let labels = [
        ("managed", "1"),
        ("ns", "default"),
        ("instance", "a-dead-one"),
        ("key", "k"),
        ("v", "1"),
    ];
    let broken = Fault::on(&CREATE_SANDBOX).error_state("no disk");
    let broken = server.faults().inject(broken);
    let created = api
        .unwrap()
        .sandboxes()
        .create()
        .name(name)
        .labels(labels.map(|(key, value)| (format!("daytona-env.{key}"), value.to_owned())))
        .auto_stop_interval(5)
        .auto_delete_interval(0)
        .send()
        .await;
    assert!(created.is_err() && broken.hits() == 1);
    broken.remove();
}

/// A sweep: whatever it has done, what lives is spared, and the next one removes the rest.
#[test]
fn sweep() {
    stepwise(true, sweep_is_dropped());
}

async fn sweep_is_dropped() {
    for (name, fault) in [
        ("fast", None),
        (
            "answers late",
            Some(Fault::any().delay(Duration::from_secs(1)).always()),
        ),
        (
            "answers lost",
            Some(Fault::on(&DELETE_SANDBOX).reset_after_commit()),
        ),
        (
            "list refused",
            Some(Fault::on(&LIST_SANDBOXES).answer(503, "{}")),
        ),
    ] {
        let mut points = 0;
        loop {
            let server = idle(|builder| builder);
            for n in 0..2 {
                left_behind(&server, &format!("denv-left-{n}")).await;
            }
            let environment = at(&server).build().unwrap();
            let kept = environment.open(&NoVars).await.unwrap();
            sleep(Duration::from_secs(16 * 60)).await;
            if let Some(fault) = fault.clone() {
                server.faults().inject(fault);
            }
            let sweeper = || {
                let builder = Sweeper::builder().api_url(server.api_url());
                let builder = builder.api_key(server.token()).transport(wire(&server));
                builder.build().unwrap()
            };
            let first = sweeper();
            let ended = dropped_in(WAIT, points + 1, first.sweep()).await;
            if let Some(Ok(swept)) = &ended {
                // a removal whose answer was lost is found done
                let gone = |one: &Swept| matches!(one.outcome, SweepOutcome::Gone);
                let gone = swept.swept().iter().filter(|one| gone(one)).count();
                assert_eq!(
                    (swept.removed() + gone, swept.failed()),
                    (2, 0),
                    "{swept:?}"
                );
            }
            let second = sweeper().sweep().await.unwrap();
            assert_eq!(second.failed(), 0, "{name}, {points}: {second:?}");
            let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
            assert_eq!(alive, [kept.id()], "{name}, after {points} polls");
            closes(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("sweep", name, points);
    }
}
