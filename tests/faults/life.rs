//! Faults 53 to 64: what happens to a sandbox while it is held.

use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::world::{Mortal, NEVER, at, heals, in_place, left, mortal};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn runs(sandbox: &dyn Sandbox) -> ExecStatus {
    let request = ExecRequest::argv(["true"]);
    match timeout(NEVER * 10, sandbox.exec(request)).await.unwrap() {
        Ok(outcome) => outcome.status(),
        // a handle that is known to be stale is refused at once
        Err(error) if error.is_lost() => ExecStatus::Lost,
        Err(error) => panic!("{error}"),
    }
}

/// 53. What ends here by stopping is lost or started again; the next open has one that works, and says what was lost.
#[tokio::test(start_paused = true)]
async fn stopped_behind_our_back() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    assert!(server.force_stop(first.id()).await);
    let status = runs(&*first).await;
    assert!(
        matches!(status, ExecStatus::Lost | ExecStatus::NotStarted),
        "{status:?}"
    );
    let second = environment.open(&NoVars).await.unwrap();
    assert_eq!(runs(&*second).await, ExecStatus::Exited(0));
    if second.id() != first.id() {
        assert_eq!(
            (second.generation(), second.state_lost()),
            (first.generation() + 1, true)
        );
    }
    assert_eq!(left(&server).len(), 1);
    heals(&server, &environment).await;
}

/// 54. States that we do not wait for, for a while and for ever: an answer in time, and nothing left.
#[tokio::test(start_paused = true)]
async fn states_on_the_way_and_elsewhere() {
    for state in [
        "archived",
        "archiving",
        "paused",
        "pausing",
        "resizing",
        "snapshotting",
        "forking",
        "hibernating",
    ] {
        for times in [2, 100_000] {
            let server = in_place(|builder| builder);
            server
                .faults()
                .inject(Fault::on(&CREATE_SANDBOX).reset_after_commit());
            let odd = Fault::on(&GET_SANDBOX).set_fields([("state", json!(state))]);
            let struck = server.faults().inject(odd.times(times));
            let environment = at(&server)
                .create_timeout(Duration::from_secs(60))
                .build()
                .unwrap();
            let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
            assert!(struck.hits() > 0);
            if let Ok(sandbox) = &opened {
                assert_eq!(runs(&**sandbox).await, ExecStatus::Exited(0), "{state}");
            }
            assert!(server.sandboxes().len() <= 2, "{state}");
            heals(&server, &environment).await;
        }
    }
}

/// 55. Five openers of one that is gone: one create, the next generation, and the old handle says so.
#[tokio::test(start_paused = true)]
async fn destroyed_behind_our_back() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    assert!(server.vanish(first.id()).await);
    assert_eq!(runs(&*first).await, ExecStatus::Lost);
    let opens = (0..5).map(|_| environment.open(&NoVars));
    for opened in futures_util::future::join_all(opens).await {
        let sandbox = opened.unwrap();
        assert_eq!(
            (sandbox.generation(), sandbox.state_lost()),
            (first.generation() + 1, true)
        );
        assert_eq!(runs(&*sandbox).await, ExecStatus::Exited(0));
    }
    assert_eq!(runs(&*first).await, ExecStatus::Lost);
    assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), 2);
    heals(&server, &environment).await;
}

/// 56. The proxy does not know it, the API does: it is not lost.
#[tokio::test(start_paused = true)]
async fn a_404_of_the_proxy_alone() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    for body in [
        "<html>404</html>",
        r#"{"statusCode":404,"message":"not found: sandbox not found"}"#,
    ] {
        server
            .faults()
            .inject(Fault::on(&EXECUTE_COMMAND).answer(404, body));
        let status = runs(&*first).await;
        assert!(
            matches!(status, ExecStatus::NotStarted | ExecStatus::Unknown),
            "{status:?}"
        );
        let again = environment.open(&NoVars).await.unwrap();
        assert_eq!(
            (again.id(), again.generation()),
            (first.id(), first.generation())
        );
        assert_eq!(runs(&*again).await, ExecStatus::Exited(0));
    }
    assert_eq!(left(&server).len(), 1);
    heals(&server, &environment).await;
}

/// 57. A command of three hours, on a lease of five minutes.
#[tokio::test(start_paused = true)]
async fn a_long_command() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&EXECUTE_COMMAND).delay(3 * HOUR));
    let request = ExecRequest::argv(["true"]).timeout(4 * HOUR);
    let outcome = sandbox.exec(request).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(0), "{outcome:?}");
    heals(&server, &environment).await;
}

/// 58. Nothing is asked of it for a day: whoever holds a handle keeps it alive.
#[tokio::test(start_paused = true)]
async fn a_day_without_a_call() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    sleep(24 * HOUR).await;
    let again = environment.open(&NoVars).await.unwrap();
    assert_eq!(
        (again.id(), again.generation()),
        (first.id(), first.generation())
    );
    assert_eq!(runs(&*first).await, ExecStatus::Exited(0));
    heals(&server, &environment).await;
}

/// 59. Renewals fail for most of a lease, and then they work: nothing is lost.
#[tokio::test(start_paused = true)]
async fn renewals_that_fail_for_a_while() {
    for status in [429, 500, 503] {
        let server = in_place(|builder| builder);
        let environment = at(&server).build().unwrap();
        let first = environment.open(&NoVars).await.unwrap();
        let failing = Fault::on(&UPDATE_LAST_ACTIVITY)
            .answer(status, "{}")
            .always();
        let failing = server.faults().inject(failing);
        sleep(Duration::from_secs(200)).await;
        assert!(failing.hits() > 0);
        failing.remove();
        sleep(HOUR).await;
        let again = environment.open(&NoVars).await.unwrap();
        assert_eq!(again.id(), first.id(), "{status}");
        assert_eq!(runs(&*again).await, ExecStatus::Exited(0));
        heals(&server, &environment).await;
    }
}

/// 59. Renewals are answered and lost: the sandbox goes, loudly.
#[tokio::test(start_paused = true)]
async fn renewals_that_are_lost() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&UPDATE_LAST_ACTIVITY).swallow().always());
    sleep(Duration::from_secs(400)).await;
    assert_eq!(runs(&*first).await, ExecStatus::Lost);
    let second = environment.open(&NoVars).await.unwrap();
    assert_eq!(
        (second.generation(), second.state_lost()),
        (first.generation() + 1, true)
    );
    heals(&server, &environment).await;
}

/// 61 and 62. A request that stays open keeps the sandbox awake after its client's death: the lifetime ends it.
#[tokio::test(start_paused = true)]
async fn an_open_request_of_a_dead_client() {
    open_request_of_a_dead_client(true, 16 * 60).await;
}

/// The same where the server counts no time to live: the command's own timeout, and then the lease.
#[tokio::test(start_paused = true)]
async fn an_open_request_of_a_dead_client_without_a_time_to_live() {
    open_request_of_a_dead_client(false, 10 * 60 * 60 + 6 * 60).await;
}

async fn open_request_of_a_dead_client(time_to_live: bool, most: u64) {
    let server = in_place(|builder| builder.time_to_live(time_to_live));
    let process = Mortal::default();
    let environment = mortal(&server, &process).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&EXECUTE_COMMAND).delay(10 * HOUR));
    let request = ExecRequest::argv(["true"]).timeout(20 * HOUR);
    let mut leaked = std::pin::pin!(sandbox.exec(request));
    assert!(timeout(Duration::from_secs(1), &mut leaked).await.is_err());
    let row = left(&server).pop().unwrap();
    assert_eq!(row.auto_destroy_at.is_some(), time_to_live);
    process.kill();
    assert!(
        timeout(Duration::from_secs(most), &mut leaked)
            .await
            .is_err()
            || left(&server).is_empty()
    );
    assert_eq!(left(&server), []);
}

/// 64. A server that answers about another sandbox: it is not taken for ours, and not deleted.
#[tokio::test(start_paused = true)]
async fn an_answer_about_another_sandbox() {
    let server = in_place(|builder| builder);
    let others = at(&server).build().unwrap();
    let theirs = others.open(&NoVars).await.unwrap();
    for route in [&CREATE_SANDBOX, &GET_SANDBOX] {
        let other = Fault::on(route)
            .set_fields([("id", json!(theirs.id())), ("name", json!(theirs.name()))]);
        server.faults().inject(other.times(3));
        let environment = at(&server).build().unwrap();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        if let Ok(sandbox) = &opened {
            assert_ne!(sandbox.id(), theirs.id());
        }
        server.faults().clear();
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        let ours = left(&server)
            .into_iter()
            .filter(|row| row.id != theirs.id())
            .count();
        assert!(closed.is_err() || ours == 0, "{closed:?}");
        assert!(
            left(&server).iter().any(|row| row.id == theirs.id()),
            "theirs was deleted"
        );
        sleep(Duration::from_secs(10 * 60)).await;
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(
            alive,
            [theirs.id()],
            "ours went, at the latest with its lease"
        );
    }
    heals(&server, &others).await;
}
