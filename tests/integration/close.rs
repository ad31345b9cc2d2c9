//! How long a close takes, counted in requests, and what it leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::{NoVars, Secret, Variable, Vars};
use daytona_api::routes::control_plane::DELETE_SANDBOX;
use daytona_local::{Fault, waves};
use sandbox_core::{Destroyed, Sandbox as _};
use tokio::task::JoinSet;

use crate::support::{drive, left, on, seen, server, start};

/// How many deletes run at once.
const AT_ONCE: usize = 64;

async fn closes_in_waves(keys: usize) {
    let server = start(server()).await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let mut opens = JoinSet::new();
    for n in 0..keys {
        let environment = environment.clone();
        let context = Vars::new().with("tenant", format!("tenant-{n}"));
        opens.spawn(async move { environment.open(&context).await.map(drop) });
    }
    for opened in opens.join_all().await {
        opened.unwrap();
    }
    assert_eq!(left(&server).len(), keys);

    // a delete takes a second of the server's time, which only passes once no more of them are to be expected: what
    // is counted is how many wait for others, not how fast this machine is
    server.faults().inject(
        Fault::on(&DELETE_SANDBOX)
            .delay(Duration::from_secs(1))
            .always(),
    );
    let before = server.requests().len();
    let full = || {
        let deletes = seen(&server, &DELETE_SANDBOX);
        let open = deletes
            .iter()
            .filter(|record| record.ended.is_none())
            .count();
        let ended = deletes.len() - open;
        open == AT_ONCE.min(keys - ended)
    };
    drive(&server, full, environment.close()).await.unwrap();
    assert_eq!(left(&server), []);
    let requests = server.requests().split_off(before);
    assert!(requests.len() >= keys);
    let most = keys.div_ceil(AT_ONCE) + 1;
    let waves = waves(&requests);
    assert!(waves <= most, "{keys} keys: {waves} waves, at most {most}");
}

#[tokio::test]
async fn one_key() {
    closes_in_waves(1).await;
}

#[tokio::test]
async fn as_many_keys_as_fit_at_once_and_one() {
    closes_in_waves(AT_ONCE + 1).await;
}

#[tokio::test]
async fn a_hundred_and_thirty_keys() {
    closes_in_waves(130).await;
}

/// What became of each sandbox: gone before, deleted, refused; and of one that others may share.
#[tokio::test]
async fn a_report_tells_what_was_deleted_let_go_of_and_left() {
    let server = start(server()).await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let tenant = |name: &str| Vars::new().with("tenant", name);
    let first = environment.open(&tenant("acme")).await.unwrap();
    // Somebody else deletes it, and its next command tells.
    let api = daytona_api::Daytona::new(
        daytona_api::Config::new(server.token()).api_url(server.api_url()),
    )
    .unwrap();
    api.sandboxes().delete(first.id()).await.unwrap();
    server.settled().await;
    let _ = first.exec(["true"].into()).await;
    let second = environment.open(&tenant("acme")).await.unwrap();
    assert_eq!(second.info().generation(), 2);
    let refused = environment.open(&tenant("blue")).await.unwrap();
    let only = format!("/api/sandbox/{}", refused.id());
    let forbidden = r#"{"statusCode":403,"message":"Access denied"}"#;
    server.faults().inject(
        Fault::on(&DELETE_SANDBOX)
            .path(only)
            .answer(403, forbidden)
            .always(),
    );

    let report = environment.close_and_report().await;
    let [closed] = report.closed() else {
        panic!("{report:?}")
    };
    assert_eq!(
        (closed.id(), closed.name()),
        (Some(second.id()), second.name())
    );
    assert_eq!(
        (closed.generation(), closed.how()),
        (2, Destroyed::Accepted)
    );
    let [left] = report.left() else {
        panic!("{report:?}")
    };
    assert_eq!(
        (left.id(), left.name()),
        (Some(refused.id()), refused.name())
    );
    assert_eq!((left.generation(), left.is_stopped()), (Some(1), true));
    assert!(left.server_bound().is_some() && left.why().is_auth());
    assert_eq!(report.to_string(), "1 removed, 0 let go of, 1 left");
    assert_eq!(report.into_result().unwrap_err().leftovers().len(), 1);

    let shared = on(&server)
        .share("workers", Secret::new("a-fleet-key-of-the-tests"))
        .build()
        .unwrap();
    let sandbox = shared.open(&NoVars).await.unwrap();
    let report = shared.close_and_report().await;
    let [closed] = report.closed() else {
        panic!("{report:?}")
    };
    assert_eq!(closed.id(), Some(sandbox.id()));
    assert!(closed.is_released(), "{report}");
    report.into_result().unwrap();
}
