//! Fault 43 of a sandbox that several processes use: one that never gets anywhere is nobody's to remove.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Server};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{NEVER, at, in_place, left};

const MINUTE: Duration = Duration::from_secs(60);

fn sharer(server: &Arc<Server>) -> DaytonaEnvironment {
    at(server)
        .share("workers", "a-fleet-key-of-tests-0123456789")
        .create_timeout(MINUTE)
        .build()
        .unwrap()
}

async fn refused(environment: &DaytonaEnvironment) -> String {
    let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
    let error = opened.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    error.to_string()
}

/// Nobody can tell it from a slow one. Each opener is told what holds the name and until when; then the name is free.
#[tokio::test(start_paused = true)]
async fn a_shared_create_that_is_stuck() {
    for time_to_live in [true, false] {
        let server = in_place(|builder| builder.time_to_live(time_to_live));
        let stuck = Fault::on(&CREATE_SANDBOX).stuck();
        let stuck = server.faults().inject(stuck);
        let (first, second) = (sharer(&server), sharer(&server));
        let began = Instant::now();
        // the one that made it, and one that joins
        let said = refused(&first).await;
        assert_eq!(refused(&second).await, said);
        let name = format!("stuck_with_time_to_live_{time_to_live}");
        insta::assert_snapshot!(name, said);
        first.close().await.unwrap();
        assert_eq!(stuck.hits(), 1);
        assert_eq!(left(&server).len(), 1, "it is as it was");
        assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
        // a sharer goes on waiting; another gets a new one once the time that was told is over
        sleep(16 * MINUTE - began.elapsed()).await;
        let opened = timeout(NEVER, first.open(&NoVars)).await.unwrap();
        let sandbox = opened.unwrap();
        assert_eq!(
            second.open(&NoVars).await.unwrap().id(),
            sandbox.id(),
            "both have the new one"
        );
        assert_eq!(left(&server).len(), 1);
    }
}
