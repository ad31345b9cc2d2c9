//! Faults 65 to 76: deletes and closes.

use std::collections::BTreeSet;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_env::Lease;
use daytona_local::Fault;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{NEVER, at, closes, heals, in_place, left};

fn message(status: u16, text: &str) -> String {
    json!({ "statusCode": status, "message": text }).to_string()
}

/// 65 and 66. Refused a few times, then done.
#[tokio::test(start_paused = true)]
async fn a_delete_that_is_refused_for_a_while() {
    for status in [409, 429, 500, 502, 503] {
        for times in [1, 2, 5] {
            let server = in_place(|builder| builder);
            let environment = at(&server).build().unwrap();
            environment.open(&NoVars).await.unwrap();
            let refused = Fault::on(&DELETE_SANDBOX).answer(status, message(status, "busy"));
            let refused = server.faults().inject(refused.times(times));
            closes(&server, &environment).await;
            assert_eq!(refused.hits(), times, "{status}");
            heals(&server, &environment).await;
        }
    }
}

/// 67 and 68. Done, although the answer is lost; and gone before anybody asked.
#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_or_that_comes_too_late() {
    for fault in [
        Fault::on(&DELETE_SANDBOX).reset_after_commit(),
        Fault::on(&DELETE_SANDBOX).close_after_commit(),
        Fault::on(&DELETE_SANDBOX).cut_body(5),
        Fault::on(&DELETE_SANDBOX).vanish(),
    ] {
        let server = in_place(|builder| builder);
        let environment = at(&server).build().unwrap();
        environment.open(&NoVars).await.unwrap();
        let struck = server.faults().inject(fault);
        closes(&server, &environment).await;
        assert_eq!(struck.hits(), 1);
        heals(&server, &environment).await;
    }
}

/// 69. It never works: the close says so at its deadline, names what is left and its bound, and a later one succeeds.
#[tokio::test(start_paused = true)]
async fn a_delete_that_never_works() {
    let server = in_place(|builder| builder);
    let environment = at(&server)
        .close_timeout(Duration::from_secs(30))
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(500, "{}").always());
    for _ in 0..2 {
        let begun = Instant::now();
        let error = timeout(NEVER, environment.close())
            .await
            .unwrap()
            .unwrap_err();
        assert!(
            begun.elapsed() <= Duration::from_secs(31),
            "{:?}",
            begun.elapsed()
        );
        let [left] = error.leftovers() else {
            panic!("{error}")
        };
        assert_eq!(
            (left.id(), left.name()),
            (Some(sandbox.id()), sandbox.name())
        );
        assert!(
            left.server_bound()
                .is_some_and(|bound| bound <= Duration::from_secs(6 * 60))
        );
    }
    server.faults().clear();
    closes(&server, &environment).await;
    heals(&server, &environment).await;
}

/// A server that says a delete was done and did nothing: only what it shows is believed, so a close that could not
/// show it gone says so.
#[tokio::test(start_paused = true)]
async fn a_delete_that_is_swallowed_is_not_believed() {
    for lease in [
        Lease::default(),
        Lease::Persist {
            stop: Duration::from_secs(300),
            archive: None,
            delete: None,
        },
    ] {
        let server = in_place(|builder| builder);
        let environment = at(&server)
            .lease(lease)
            .close_timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        let swallowed = Fault::on(&DELETE_SANDBOX).swallow().always();
        let swallowed = server.faults().inject(swallowed);
        let error = timeout(NEVER, environment.close())
            .await
            .unwrap()
            .unwrap_err();
        assert!(swallowed.hits() > 1, "asked again");
        let [one] = error.leftovers() else {
            panic!("{error}")
        };
        assert_eq!(one.id(), Some(sandbox.id()));
        assert!(one.why().to_string().contains("not about to go"), "{error}");
        assert_eq!(left(&server).len(), 1);
        swallowed.remove();
        closes(&server, &environment).await;
        heals(&server, &environment).await;
    }
}

/// The same for as long as anybody asks: the lease ends it, since nothing renews it any more.
#[tokio::test(start_paused = true)]
async fn a_delete_that_is_swallowed_ends_by_the_lease() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).swallow().always());
    let closed = timeout(NEVER, environment.close()).await.unwrap();
    assert!(closed.is_err() || left(&server).is_empty(), "{closed:?}");
    sleep(Duration::from_secs(6 * 60)).await;
    assert_eq!(left(&server), [], "nothing renews what was given up");
    timeout(NEVER, environment.close()).await.unwrap().unwrap();
}

/// 70. Forks of it are in the way: it is named, with the reason, and goes once they are gone.
#[tokio::test(start_paused = true)]
async fn a_delete_with_forks_in_the_way() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let text = "Cannot delete sandbox with active fork children";
    let forks = Fault::on(&DELETE_SANDBOX).answer(400, message(400, text));
    server.faults().inject(forks.always());
    let error = timeout(NEVER, environment.close())
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("fork"), "{error}");
    let renewals = || server.requests_to(&UPDATE_LAST_ACTIVITY).len();
    let before = renewals();
    sleep(Duration::from_secs(4 * 60)).await;
    assert_eq!(renewals(), before, "renewed no longer");
    server.faults().clear();
    closes(&server, &environment).await;
}

/// 71.
#[tokio::test(start_paused = true)]
async fn a_close_in_the_middle_of_a_create() {
    for millis in [0, 1, 500, 1999, 2000, 2001] {
        let server = in_place(|builder| builder.create_delay(Duration::from_secs(2)));
        let environment = at(&server).build().unwrap();
        let opening = environment.open(&NoVars);
        let closing = async {
            sleep(Duration::from_millis(millis)).await;
            environment.close().await
        };
        let (opened, closed) = tokio::join!(opening, closing);
        closed.unwrap();
        if let Err(error) = opened {
            assert!(error.is_closed(), "{error}");
        }
        // an open that began after the close is of the next epoch
        let _ = environment.close().await;
        assert_eq!(left(&server), [], "{millis} ms");
    }
}

/// 73. Twice at once and once more: each sandbox is deleted once, and all hear the same.
#[tokio::test(start_paused = true)]
async fn closes_at_once_and_again() {
    let server = in_place(|builder| builder);
    let environment = at(&server).scope(Variable::new("tenant")).build().unwrap();
    for tenant in ["a", "b", "c"] {
        environment
            .open(&Vars::new().with("tenant", tenant))
            .await
            .unwrap();
    }
    let (one, two) = tokio::join!(environment.close(), environment.close());
    one.unwrap();
    two.unwrap();
    environment.close().await.unwrap();
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 3);
    assert_eq!(left(&server), []);
}

/// 74. An open that began before the close and ends after it; and one that begins later.
#[tokio::test(start_paused = true)]
async fn an_open_across_a_close() {
    let server = in_place(|builder| builder.create_delay(Duration::from_secs(5)));
    let environment = at(&server).build().unwrap();
    let mut early = std::pin::pin!(environment.open(&NoVars));
    assert!(timeout(Duration::from_secs(1), &mut early).await.is_err());
    let (early, closed) = tokio::join!(early, environment.close());
    assert!(early.unwrap_err().is_closed());
    closed.unwrap();
    assert_eq!(left(&server), []);
    environment.open(&NoVars).await.unwrap();
    closes(&server, &environment).await;
}

/// 76. By id and never by name: a name may be another's by then.
#[tokio::test(start_paused = true)]
async fn deletes_go_by_id() {
    let server = in_place(|builder| builder);
    let lost = Fault::on(&CREATE_SANDBOX).reset_after_commit().times(1);
    server.faults().inject(lost);
    let environment = at(&server).scope(Variable::new("tenant")).build().unwrap();
    for tenant in ["a", "b", "c"] {
        environment
            .open(&Vars::new().with("tenant", tenant))
            .await
            .unwrap();
    }
    let ids: BTreeSet<_> = left(&server)
        .into_iter()
        .map(|row| format!("/api/sandbox/{}", row.id))
        .collect();
    closes(&server, &environment).await;
    let deleted: BTreeSet<_> = server
        .requests_to(&DELETE_SANDBOX)
        .into_iter()
        .map(|seen| seen.path)
        .collect();
    assert_eq!(deleted, ids);
}
