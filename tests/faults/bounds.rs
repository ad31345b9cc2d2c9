//! How long what a dead process leaves behind lives: the bounds of docs/leak-proofing.md, measured by the server's clock.

use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX};
use daytona_api::{Config, Daytona};
use daytona_env::Lease;
use daytona_local::{Fault, Server};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Mortal, in_place, left, mortal, wire};

const MINUTE: Duration = Duration::from_secs(60);
/// How finely lives are measured: the server's own timers strike every ten seconds.
const TICK: Duration = Duration::from_secs(5);

/// Waits, in no time of the server's, until every answer has left it: one that is on its way counts as activity.
async fn answered(server: &Server) {
    while left(server).iter().any(|row| row.open_requests > 0) {
        tokio::task::yield_now().await;
    }
}

/// How long from now until the server means to destroy everything; fails if that takes longer than `most`.
async fn life(server: &Server, most: Duration) -> Duration {
    let began = Instant::now();
    while !left(server).is_empty() {
        assert!(
            began.elapsed() <= most,
            "beyond {most:?}: {:?}",
            left(server)
        );
        sleep(TICK).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn killed_while_it_runs() {
    for minutes in [3, 5, 30, 60] {
        let lease = minutes * MINUTE;
        // at instants all over a round of renewals
        for instant in [0, 17, 61, 95, 3600] {
            let server = in_place(|builder| builder);
            let process = Mortal::default();
            let builder = mortal(&server, &process).lease(Lease::ephemeral(lease));
            let environment = builder.build().unwrap();
            environment.open(&NoVars).await.unwrap();
            sleep(Duration::from_secs(instant)).await;
            assert_eq!(left(&server).len(), 1, "renewed while its process lived");
            answered(&server).await;
            process.kill();
            let lived = life(&server, lease + MINUTE).await;
            // it went by its lease: the last renewal was at most 66 s before the end
            assert!(
                lived + Duration::from_secs(66) >= lease,
                "{lived:?} of {lease:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_while_it_is_created() {
    for seconds in [20, 40, 400] {
        let start = Duration::from_secs(seconds);
        let server = in_place(|builder| builder.create_delay(start));
        let process = Mortal::default();
        let environment = mortal(&server, &process)
            .create_timeout(10 * MINUTE)
            .build()
            .unwrap();
        let opened = timeout(start / 2, environment.open(&NoVars)).await;
        assert!(opened.is_err(), "killed half-way");
        process.kill();
        assert_eq!(left(&server).len(), 1, "the server goes on creating it");
        let lived = life(&server, start + 6 * MINUTE).await;
        assert!(lived > 4 * MINUTE, "not by its lease: {lived:?}");
    }
}

/// Nothing stops what never ran, so the lease does not end it: the time to live does.
#[tokio::test(start_paused = true)]
async fn killed_over_a_broken_row() {
    let server = in_place(|builder| builder);
    let process = Mortal::default();
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state("no space left"));
    let deletes = server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(500, "{}").always());
    let environment = mortal(&server, &process).build().unwrap();
    environment.open(&NoVars).await.unwrap_err();
    sleep(TICK).await;
    process.kill();
    assert!(deletes.hits() > 0, "it was to be deleted");
    assert_eq!(left(&server)[0].state, "error");
    let lived = life(&server, 16 * MINUTE).await;
    assert!(lived > 6 * MINUTE, "not by its time to live: {lived:?}");
}

/// The server itself gives up a start after a quarter of an hour, an image after an hour. What that leaves goes by its
/// time to live, or, where the server counts none, stays for a sweep.
#[tokio::test(start_paused = true)]
async fn killed_over_a_create_that_never_ends() {
    for (image, start) in [(None, 15 * MINUTE), (Some("python:3.12"), 60 * MINUTE)] {
        for time_to_live in [true, false] {
            let server = in_place(|builder| builder.time_to_live(time_to_live));
            let process = Mortal::default();
            server.faults().inject(Fault::on(&CREATE_SANDBOX).stuck());
            let mut builder = mortal(&server, &process).create_timeout(10 * MINUTE);
            if let Some(image) = image {
                builder = builder.image(image);
            }
            let environment = builder.build().unwrap();
            let opened = timeout(MINUTE, environment.open(&NoVars)).await;
            assert!(opened.is_err(), "killed half-way");
            process.kill();
            if time_to_live {
                let lived = life(&server, 16 * MINUTE).await;
                assert!(lived > 10 * MINUTE, "not by its time to live: {lived:?}");
            } else {
                sleep(start + MINUTE).await;
                let rows = left(&server);
                assert!(
                    matches!(rows[0].state.as_str(), "error" | "build_failed"),
                    "{rows:?}"
                );
                sleep(24 * 60 * MINUTE).await;
                assert_eq!(left(&server).len(), 1, "nothing of the server's takes it");
            }
        }
    }
}

/// Whoever else uses it, through a preview or a terminal, is activity too: the time to live ends it all the same, and
/// where there is none, their last request and the lease.
#[tokio::test(start_paused = true)]
async fn killed_while_others_use_it() {
    for time_to_live in [true, false] {
        let server = in_place(|builder| builder.time_to_live(time_to_live));
        let process = Mortal::default();
        let environment = mortal(&server, &process).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        let id = sandbox.id().to_owned();
        answered(&server).await;
        process.kill();
        let config = Config::new(server.token()).api_url(server.api_url());
        let others = Daytona::builder(config).transport(wire(&server)).build();
        let others = others.unwrap();
        let traffic = async {
            for _ in 0..30 {
                let _ = others.sandboxes().update_last_activity(&id).await;
                sleep(MINUTE).await;
            }
        };
        if time_to_live {
            let (lived, ()) = tokio::join!(life(&server, 16 * MINUTE), traffic);
            assert!(lived > 10 * MINUTE, "{lived:?}");
        } else {
            traffic.await;
            assert_eq!(left(&server).len(), 1, "used until now");
            life(&server, 6 * MINUTE).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_with_a_lease_that_keeps() {
    let server = in_place(|builder| builder);
    let process = Mortal::default();
    let lease = Lease::Persist {
        stop: 15 * MINUTE,
        archive: None,
        delete: Some(30 * MINUTE),
    };
    let environment = mortal(&server, &process).lease(lease).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    sleep(2 * MINUTE).await;
    process.kill();
    sleep(16 * MINUTE).await;
    let rows = left(&server);
    assert_eq!(rows[0].state, "stopped", "stopped, not deleted");
    let lived = life(&server, 30 * MINUTE).await;
    assert!(lived > 25 * MINUTE, "{lived:?}");
}

/// Without `delete` nothing ever ends it: the one lease with no bound, by the user's own word.
#[tokio::test(start_paused = true)]
async fn killed_with_a_lease_that_keeps_for_ever() {
    let server = in_place(|builder| builder);
    let process = Mortal::default();
    let lease = Lease::Persist {
        stop: 15 * MINUTE,
        archive: None,
        delete: None,
    };
    let environment = mortal(&server, &process).lease(lease).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    process.kill();
    sleep(7 * 24 * 60 * MINUTE).await;
    assert_eq!(left(&server)[0].state, "stopped");
}

/// What a close says about a leftover holds: from then on nothing renews it, and it is gone within the time told.
#[tokio::test(start_paused = true)]
async fn a_bound_that_is_told_holds() {
    let persist = |delete| Lease::Persist {
        stop: 15 * MINUTE,
        archive: None,
        delete,
    };
    let broken = || Some(Fault::on(&CREATE_SANDBOX).error_state("no space left"));
    let refused = || Fault::on(&DELETE_SANDBOX).answer(500, "{}");
    let forked = || Fault::on(&DELETE_SANDBOX).answer(400, r#"{"message":"has fork children"}"#);
    let lost = || Some(Fault::on(&CREATE_SANDBOX).commit_late(10 * MINUTE).always());
    let half_an_hour = Some(30 * MINUTE);
    for (lease, create, delete, bound) in [
        (Lease::default(), None, refused(), Some(6 * MINUTE)),
        (Lease::default(), broken(), refused(), Some(16 * MINUTE)),
        (Lease::default(), None, forked(), None),
        (Lease::default(), lost(), refused(), None),
        (persist(half_an_hour), None, refused(), Some(46 * MINUTE)),
        (persist(half_an_hour), broken(), refused(), None),
        (persist(None), None, refused(), None),
    ] {
        let server = in_place(|builder| builder);
        let process = Mortal::default();
        server.faults().inject(delete.always());
        if let Some(create) = create {
            server.faults().inject(create);
        }
        let environment = mortal(&server, &process)
            .lease(lease)
            .create_timeout(MINUTE)
            .close_timeout(MINUTE)
            .build()
            .unwrap();
        let _ = environment.open(&NoVars).await;
        let error = environment.close().await.unwrap_err();
        let [one] = error.leftovers() else {
            panic!("{lease:?}: {error}")
        };
        assert_eq!(one.server_bound(), bound, "{lease:?}: {error}");
        process.kill();
        if let Some(bound) = bound {
            life(&server, bound).await;
        }
    }
}
