//! Deletes that are refused.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{DELETE_SANDBOX, GET_SANDBOX_FORKS, STOP_SANDBOX};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironmentBuilder, Lease};
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::{EventKind, Observed};

use crate::support;

async fn server() -> Server {
    Server::builder()
        .isolation(Isolation::None)
        .start()
        .await
        .unwrap()
}

fn on(server: &Server) -> DaytonaEnvironmentBuilder {
    support::on(server).close_timeout(Duration::from_secs(20))
}

const FORBIDDEN: &str = r#"{"statusCode":403,"message":"Access denied"}"#;

#[tokio::test]
async fn a_key_that_may_not_delete_stops_instead_and_close_says_so() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(403, FORBIDDEN).always());
    let kept = on(&server)
        .lease(Lease::persist(Duration::from_secs(900)))
        .build()
        .unwrap();
    let sandbox = kept.open(&NoVars).await.unwrap();
    let mut events = kept.events();
    let error = kept.close().await.unwrap_err();
    let [left] = error.leftovers() else {
        panic!("{error}")
    };
    assert!(left.is_stopped(), "{error}");
    assert_eq!(left.id(), Some(sandbox.id()));
    assert!(left.why().is_auth());
    insta::assert_snapshot!(error.to_string().replace(sandbox.id(), "ID").replace(sandbox.name(), "NAME"), @"a sandbox may be left: NAME (id ID): delete a sandbox: deleteSandbox: the server answered 403: Access denied; it was stopped instead; the server removes it within 87360 s");
    let mut refused = 0;
    while let Some(Observed::Event(event)) = events.try_next() {
        refused += usize::from(matches!(
            event.kind(),
            EventKind::DeleteRefused { stopped: true, .. }
        ));
    }
    assert_eq!(refused, 1);
    assert_eq!(server.requests_to(&STOP_SANDBOX).len(), 1, "asked once");
    assert_eq!(
        server.sandbox(sandbox.id()).unwrap().desired_state,
        "stopped"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn to_stop_an_ephemeral_one_is_to_end_it() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(403, FORBIDDEN).always());
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    // what was stopped is gone by the next try or reported; in either case the server has ended it
    let _ = environment.close().await;
    server.settled().await;
    let ended = server
        .sandbox(sandbox.id())
        .is_none_or(|row| row.desired_state == "destroyed");
    assert!(ended, "{:?}", server.sandboxes());
    server.shutdown().await;
}

#[tokio::test]
async fn forks_of_ours_go_first() {
    let server = server().await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let api = Daytona::new(Config::new(server.token()).api_url(server.api_url())).unwrap();
    let ours = [("daytona-env.managed", "1"), ("daytona-env.ns", "default")];
    let fork = api
        .sandboxes()
        .create()
        .name("fork")
        .labels(ours)
        .send()
        .await
        .unwrap();
    let foreign = api
        .sandboxes()
        .create()
        .name("foreign")
        .send()
        .await
        .unwrap();

    // containers are not forked here, so the answers about forks are made up
    let active = r#"{"statusCode":400,"message":"Sandbox has active fork children"}"#;
    let of = |id: &str| format!("/api/sandbox/{id}");
    server.faults().inject(
        Fault::on(&DELETE_SANDBOX)
            .path(of(sandbox.id()))
            .answer(400, active)
            .times(1),
    );
    let forks = serde_json::json!([
        { "id": fork.id, "name": "fork", "labels": { "daytona-env.managed": "1", "daytona-env.ns": "default" } },
        { "id": foreign.id, "name": "foreign", "labels": {} },
    ]);
    server.faults().inject(
        Fault::on(&GET_SANDBOX_FORKS)
            .path(format!("{}/forks", of(sandbox.id())))
            .answer(200, forks.to_string()),
    );
    server.faults().inject(
        Fault::on(&GET_SANDBOX_FORKS)
            .path(format!("{}/forks", of(&fork.id)))
            .answer(200, "[]"),
    );
    environment.close().await.unwrap();
    server.settled().await;
    let left: Vec<_> = server
        .sandboxes()
        .into_iter()
        .filter(|row| row.desired_state != "destroyed")
        .map(|row| row.name)
        .collect();
    assert_eq!(left, ["foreign"]);
    server.shutdown().await;
}
