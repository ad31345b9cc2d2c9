//! Open and close.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Server};

use super::{dropped_after, report, stepwise};
use crate::world::{at, closes, idle, left};

/// Makes a world.
type World = fn() -> Arc<Server>;

/// The worlds that each call is dropped in.
fn worlds() -> [(&'static str, World); 4] {
    [
        ("fast", || idle(|builder| builder)),
        ("slow", || {
            idle(|builder| builder.create_delay(Duration::from_secs(3)))
        }),
        ("answers lost", || {
            let server = idle(|builder| builder);
            for route in [&CREATE_SANDBOX, &DELETE_SANDBOX] {
                server
                    .faults()
                    .inject(Fault::on(route).reset_after_commit());
            }
            server
        }),
        ("answers late", || {
            let server = idle(|builder| builder);
            server
                .faults()
                .inject(Fault::any().delay(Duration::from_secs(1)).always());
            server
        }),
    ]
}

fn tenants(server: &Arc<Server>) -> DaytonaEnvironment {
    at(server).scope(Variable::new("tenant")).build().unwrap()
}

fn tenant(name: &str) -> Vars {
    Vars::new().with("tenant", name)
}

/// Nothing is left after a close; or no more than one was ever made, and the next open gets it.
#[test]
fn open() {
    stepwise(true, open_is_dropped());
}

async fn open_is_dropped() {
    for (name, world) in worlds() {
        for then_opened in [false, true] {
            let mut points = 0;
            loop {
                let server = world();
                let environment = at(&server).build().unwrap();
                let ended = dropped_after(points + 1, environment.open(&NoVars)).await;
                if then_opened {
                    let sandbox = environment.open(&NoVars).await.unwrap();
                    let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
                    assert_eq!(alive, [sandbox.id()], "{name}, after {points} polls");
                    assert_eq!(server.sandboxes().len(), 1, "{name}, after {points} polls");
                    closes(&server, &environment).await;
                } else {
                    closes(&server, &environment).await;
                    assert!(server.sandboxes().len() <= 1);
                }
                if ended.is_some() {
                    break;
                }
                points += 1;
            }
            report(
                "open",
                &format!(
                    "{name}, {}",
                    if then_opened {
                        "opened again"
                    } else {
                        "closed"
                    }
                ),
                points,
            );
        }
    }
}

/// The deletes go on, and the next close joins them. One that is dropped at its first poll has begun all the same.
#[test]
fn close() {
    stepwise(true, close_is_dropped());
}

async fn close_is_dropped() {
    for (name, world) in worlds() {
        let mut points = 0;
        loop {
            let server = world();
            let environment = tenants(&server);
            for name in ["a", "b", "c"] {
                environment.open(&tenant(name)).await.unwrap();
            }
            let ended = dropped_after(points + 1, environment.close()).await;
            closes(&server, &environment).await;
            assert_eq!(server.sandboxes().len(), 3, "{name}, after {points} polls");
            environment.open(&tenant("a")).await.unwrap();
            closes(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("close", name, points);
    }
}

/// As a close; the next report tells of what is gone by then, once, and of nothing that is not.
#[test]
fn close_and_report() {
    stepwise(true, close_and_report_is_dropped());
}

async fn close_and_report_is_dropped() {
    for (name, world) in worlds() {
        let mut points = 0;
        loop {
            let server = world();
            let environment = tenants(&server);
            let mut ids = BTreeSet::new();
            for name in ["a", "b", "c"] {
                let opened = environment.open(&tenant(name)).await.unwrap();
                ids.insert(opened.id().to_owned());
            }
            let ended = dropped_after(points + 1, environment.close_and_report()).await;
            let again = environment.close_and_report().await;
            assert_eq!(left(&server), [], "{name}, after {points} polls");
            for report in ended.iter().chain([&again]) {
                assert!(report.left().is_empty(), "{name}, {points}: {report:?}");
                for closed in report.closed() {
                    let known = ids.remove(closed.id().unwrap());
                    assert!(
                        known && !closed.is_released(),
                        "{name}, {points}: {closed:?}"
                    );
                }
            }
            if ended.is_some() {
                assert!(ids.is_empty(), "{name}: never told of {ids:?}");
                break;
            }
            points += 1;
        }
        report("close_and_report", name, points);
    }
}

/// A close dropped while a create is under way, at each of its polls.
#[test]
fn close_during_a_create() {
    stepwise(true, close_during_a_create_is_dropped());
}

async fn close_during_a_create_is_dropped() {
    for millis in [0, 1500, 3000] {
        let mut points = 0;
        loop {
            let server = idle(|builder| builder.create_delay(Duration::from_secs(3)));
            let environment = tenants(&server);
            let context = tenant("a");
            let mut opening = std::pin::pin!(environment.open(&context));
            let begun = tokio::time::timeout(Duration::from_millis(millis), &mut opening).await;
            assert!(begun.is_err() || millis == 3000);
            let ended = dropped_after(points + 1, environment.close()).await;
            if begun.is_err() {
                let _ = opening.await;
            }
            closes(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("close", &format!("{millis} ms into a create"), points);
    }
}
