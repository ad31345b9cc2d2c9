//! The event socket: what it is worth, and that nothing depends on it.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::EVENT_SOCKET;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_SANDBOX};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Server};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{NEVER, at, closes, idle};

/// How late the start of a sandbox is noticed, and after how many looks.
async fn noticed(
    server: &Arc<Server>,
    environment: &DaytonaEnvironment,
    create: Duration,
) -> (Duration, usize) {
    let looks = || server.requests_to(&GET_SANDBOX).len();
    let (began, before) = (Instant::now(), looks());
    // one more: what is there keeps the client
    let tenant = Vars::new().with("tenant", before.to_string());
    let opened = timeout(NEVER, environment.open(&tenant)).await.unwrap();
    opened.unwrap();
    (began.elapsed().saturating_sub(create), looks() - before)
}

fn of_tenants(server: &Arc<Server>) -> DaytonaEnvironment {
    let builder = at(server).scope(Variable::new("tenant"));
    builder.build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_told_is_noticed_at_once_and_costs_few_looks() {
    let create = Duration::from_secs(5);
    let server = idle(|builder| builder.create_delay(create));
    let environment = of_tenants(&server);
    for _ in 0..3 {
        let (late, looks) = noticed(&server, &environment, create).await;
        assert!(late <= Duration::from_millis(5), "{late:?}");
        assert!(looks <= 12, "{looks}");
    }
    let sockets = server.requests_to(&EVENT_SOCKET).len();
    assert_eq!(sockets, 1, "one for all creates of a client");
    closes(&server, &environment).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_it_where_a_create_is_answered_with_what_is_started() {
    let server = idle(|builder| builder);
    let environment = of_tenants(&server);
    let (late, looks) = noticed(&server, &environment, Duration::ZERO).await;
    assert!(
        late <= Duration::from_millis(5) && looks <= 1,
        "{late:?} {looks}"
    );
    assert!(server.requests_to(&EVENT_SOCKET).is_empty());
    closes(&server, &environment).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_it_is_asked_as_fast_as_ever() {
    for (millis, at_most) in [(90, 14), (700, 64), (5000, 104)] {
        let create = Duration::from_millis(millis);
        let server = idle(|builder| builder.create_delay(create).events(false));
        let environment = of_tenants(&server);
        for _ in 0..2 {
            let (late, looks) = noticed(&server, &environment, create).await;
            assert!(
                late <= Duration::from_millis(30).max(create / 24),
                "{late:?}"
            );
            assert!(looks <= at_most, "{looks}");
        }
        assert_eq!(server.requests_to(&EVENT_SOCKET).len(), 1);
        closes(&server, &environment).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_it_a_start_is_noticed() {
    let socket = || Fault::on(&EVENT_SOCKET).always();
    let faults: [(&str, Fault); 13] = [
        ("reset", socket().reset_before_commit()),
        ("refused", socket().answer(403, "{}")),
        ("busy", socket().answer(503, "{}")),
        (
            "limited",
            socket().answer(429, "{}").header("Retry-After", "60"),
        ),
        ("page", socket().answer(200, "<html>")),
        ("cut", socket().cut_answer(40)),
        ("hang", socket().hang()),
        ("dropped at once", socket().drop_events_after(0)),
        ("dropped", socket().drop_events_after(1)),
        ("silent", socket().silent_events()),
        ("doubled", socket().duplicate_events()),
        ("swapped", socket().reorder_events()),
        ("late", socket().late_events(Duration::from_secs(3))),
    ];
    for (name, fault) in faults {
        for millis in [90, 700, 5000] {
            let create = Duration::from_millis(millis);
            let server = idle(|builder| builder.create_delay(create));
            server.faults().inject(fault.clone());
            let environment = of_tenants(&server);
            for round in 0..3 {
                let (late, looks) = noticed(&server, &environment, create).await;
                // a socket that seems well is believed up to the next look of the safety net
                let bound = Duration::from_millis(520).max(create / 4);
                assert!(late <= bound, "{name} {create:?} {round}: {late:?}");
                assert!(looks <= 104, "{name} {create:?} {round}: {looks}");
            }
            // silence is found out by the first start, and not believed again
            if name == "silent" && millis == 700 {
                let (late, _) = noticed(&server, &environment, create).await;
                assert!(late <= Duration::from_millis(30), "{late:?}");
            }
            closes(&server, &environment).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_ends_the_wait_at_once_with_its_reason() {
    for image in [false, true] {
        let create = Duration::from_secs(40);
        let server = idle(|builder| builder.create_delay(create));
        let failing = Fault::on(&CREATE_SANDBOX).error_state_later("no room left");
        server.faults().inject(failing);
        let mut builder = at(&server);
        if image {
            builder = builder.image("python:3.12");
        }
        let environment = builder.build().unwrap();
        let began = Instant::now();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        let error = opened.unwrap_err();
        let passed = began.elapsed();
        assert!(passed <= create + Duration::from_millis(20), "{passed:?}");
        assert!(error.to_string().contains("no room left"), "{error}");
        closes(&server, &environment).await;
    }
    let server = idle(|builder| builder.create_delay(Duration::from_secs(50)));
    let environment = at(&server).build().unwrap();
    let opening = environment.open(&NoVars);
    let removing = async {
        sleep(Duration::from_secs(20)).await;
        let id = server.sandboxes()[0].id.clone();
        assert!(server.vanish(&id).await);
        Instant::now()
    };
    let (opened, removed) = tokio::join!(opening, removing);
    let late = removed.elapsed();
    opened.unwrap_err();
    assert!(late <= Duration::from_millis(20), "{late:?}");
    closes(&server, &environment).await;
}

#[tokio::test(start_paused = true)]
async fn it_goes_with_the_environment() {
    let server = idle(|builder| builder.create_delay(Duration::from_millis(100)));
    let environment = of_tenants(&server);
    noticed(&server, &environment, Duration::from_millis(100)).await;
    closes(&server, &environment).await;
    drop(environment);
    // the transport holds the server, and every task of the client the transport
    timeout(Duration::from_secs(10), async {
        while Arc::strong_count(&server) > 1 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}
