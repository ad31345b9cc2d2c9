//! How long a close takes, counted in requests, and what it leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_api::routes::control_plane::DELETE_SANDBOX;
use daytona_local::{Fault, waves};
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
