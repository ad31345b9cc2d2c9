//! Faults 54, 57 and 58 of a sandbox that is held: states that pass, and what counts as use.

use std::sync::Arc;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::EVENT_SOCKET;
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, GET_SANDBOX, SET_TTL, START_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_api::routes::toolbox::{EXECUTE_COMMAND, UPLOAD_FILES};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox, Lease};
use daytona_local::{Fault, FaultHandle, Server};
use sandbox_core::{ErrorKind, ExecRequest, ExecStatus, Observed, Sandbox};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Mortal, NEVER, at, closes, in_place, left, mortal, wire};

const MINUTE: Duration = Duration::from_secs(60);
/// What the proxy says of a sandbox that does not run.
const NOT_RUNNING: &str =
    r#"{"statusCode":400,"message":"bad request: no IP address found. Is the Sandbox started?"}"#;

/// They pass by themselves, and then it runs.
const PASSING: [&str; 7] = [
    "resizing",
    "snapshotting",
    "forking",
    "starting",
    "resuming",
    "restoring",
    "pulling_snapshot",
];
/// It stops, or has.
const STOPPING: [&str; 6] = [
    "stopping",
    "stopped",
    "pausing",
    "paused",
    "archiving",
    "archived",
];

/// A sandbox that is held, and does not run any more; its holder was told so.
async fn held(
    server: &Arc<Server>,
    lease: Lease,
    (state, desired): (&str, &str),
    looks: u64,
) -> (DaytonaEnvironment, Arc<DaytonaSandbox>, FaultHandle) {
    let environment = at(server)
        .lease(lease)
        .create_timeout(MINUTE)
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let row = [("state", json!(state)), ("desiredState", json!(desired))];
    let faults = server.faults();
    let odd = faults.inject(Fault::on(&GET_SANDBOX).set_fields(row).times(looks));
    let refused = [&EXECUTE_COMMAND, &UPLOAD_FILES].map(|route| {
        let refused = Fault::on(route).answer(400, NOT_RUNNING).always();
        faults.inject(refused)
    });
    // what changes cannot be started, as the server says
    if !["stopped", "paused", "archived"].contains(&state) {
        let body = r#"{"statusCode":400,"message":"Sandbox is not in valid state"}"#;
        faults.inject(Fault::on(&START_SANDBOX).answer(400, body).times(2));
    }
    let ran = server.requests_to(&EXECUTE_COMMAND).len();
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{state}");
    let cause = outcome.cause().unwrap();
    assert_eq!(
        (cause.kind(), cause.message()),
        (
            ErrorKind::Unavailable,
            format!("the sandbox is not running, it is {state}").as_str()
        )
    );
    let error = sandbox.put("note", "text".into()).await.unwrap_err();
    assert!(!error.is_lost(), "{state}: {error}");
    assert_eq!(
        server.requests_to(&EXECUTE_COMMAND).len(),
        ran + 1,
        "nothing is sent again"
    );
    for fault in refused {
        fault.remove();
    }
    (environment, sandbox, odd)
}

fn leases() -> [Lease; 2] {
    [Lease::default(), Lease::persist(15 * MINUTE)]
}

async fn opens(environment: &DaytonaEnvironment) -> Arc<DaytonaSandbox> {
    let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
    opened.unwrap()
}

async fn runs(sandbox: &DaytonaSandbox) {
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert!(outcome.success(), "{outcome:?}");
}

/// 54. The next open has the same sandbox once it runs again, with its state.
#[tokio::test(start_paused = true)]
async fn what_passes_is_waited_for() {
    for state in PASSING {
        for lease in leases() {
            let server = in_place(|builder| builder);
            let (environment, first, odd) = held(&server, lease, (state, "started"), 9).await;
            let again = opens(&environment).await;
            assert_eq!((again.id(), again.generation()), (first.id(), 1), "{state}");
            assert_eq!(odd.hits(), 9, "{state}: it was waited for");
            assert!(!again.state_lost());
            runs(&first).await;
            assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), 1);
            closes(&server, &environment).await;
        }
    }
}

/// 54. What is kept when stopped is started; what is not is gone, loudly, and replaced.
#[tokio::test(start_paused = true)]
async fn what_stops_is_started_or_lost() {
    let changes = ["resizing", "snapshotting"].map(|state| (state, "stopped"));
    let stops = STOPPING.map(|state| match state {
        "pausing" | "paused" => (state, "paused"),
        "archiving" | "archived" => (state, "archived"),
        _ => (state, "stopped"),
    });
    for row in stops.into_iter().chain(changes) {
        let server = in_place(|builder| builder);
        let (environment, first, _) = held(&server, Lease::persist(15 * MINUTE), row, 9).await;
        let again = opens(&environment).await;
        assert_eq!((again.id(), again.generation()), (first.id(), 1), "{row:?}");
        runs(&again).await;
        closes(&server, &environment).await;

        let server = in_place(|builder| builder);
        let (environment, first, _) = held(&server, Lease::default(), row, 9).await;
        let mut events = environment.events();
        let second = opens(&environment).await;
        assert_eq!((second.generation(), second.state_lost()), (2, true));
        let mut lost = Vec::new();
        while let Some(Observed::Event(event)) = events.try_next() {
            if let sandbox_core::EventKind::StateLost { reason } = event.kind() {
                lost.push(reason.clone());
            }
        }
        assert_eq!(
            lost,
            [format!(
                "it is {}, and under its lease what stops is deleted",
                row.0
            )]
        );
        let stale = first.exec(ExecRequest::argv(["true"])).await.unwrap_err();
        assert!(stale.is_lost(), "{stale}");
        runs(&second).await;
        sleep(MINUTE).await;
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(alive, [second.id()], "{row:?}");
        closes(&server, &environment).await;
    }
}

/// 54. A change without an end is an error in time; a state that nobody knows may be one that runs, so the handle is given
/// out and tells. Either way the sandbox is not given up: once it runs again it is there as it was.
#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_at_the_deadline() {
    for state in PASSING.into_iter().chain(["hibernating"]) {
        let server = in_place(|builder| builder);
        let lease = Lease::default();
        let (environment, first, _) = held(&server, lease, (state, "started"), 100_000).await;
        let began = Instant::now();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        assert!(began.elapsed() <= MINUTE, "{state}: {:?}", began.elapsed());
        match opened {
            Ok(handle) => assert_eq!((state, handle.id()), ("hibernating", first.id())),
            Err(error) => assert!(
                error.is_timeout() && state != "hibernating",
                "{state}: {error}"
            ),
        }
        server.faults().clear();
        let again = opens(&environment).await;
        assert_eq!((again.id(), again.generation()), (first.id(), 1), "{state}");
        runs(&again).await;
        closes(&server, &environment).await;
    }
}

/// 57. The control of a long command: with no renewal of ours, its own open request alone does not keep it.
#[tokio::test(start_paused = true)]
async fn a_long_command_that_nobody_renews() {
    let three_hours = 180 * MINUTE;
    for renewed in [true, false] {
        let server = in_place(|builder| builder);
        let environment = at(&server).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        let faults = server.faults();
        faults.inject(Fault::on(&EXECUTE_COMMAND).delay(three_hours));
        if !renewed {
            for route in [&UPDATE_LAST_ACTIVITY, &SET_TTL] {
                faults.inject(Fault::on(route).swallow().always());
            }
        }
        let request = ExecRequest::argv(["true"]).timeout(2 * three_hours);
        let look = async {
            sleep(17 * MINUTE).await;
            left(&server).len()
        };
        let (outcome, alive) = tokio::join!(sandbox.exec(request), look);
        assert_eq!(alive, usize::from(renewed), "renewed: {renewed}");
        let outcome = outcome.unwrap();
        match renewed {
            true => assert_eq!(outcome.status(), ExecStatus::Exited(0), "{outcome:?}"),
            false => assert_eq!(outcome.status(), ExecStatus::Lost, "{outcome:?}"),
        }
        server.faults().clear();
        closes(&server, &environment).await;
    }
}

/// 58. Lists, look-ups and the event socket, for whatever reason we ask, do not keep a sandbox that nobody renews. A
/// command does: the control.
#[tokio::test(start_paused = true)]
async fn looking_is_no_use() {
    for used in [false, true] {
        let server = in_place(|builder| builder.time_to_live(false));
        let process = Mortal::default();
        let environment = mortal(&server, &process).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        // from here on nothing is renewed
        process.kill();
        let began = Instant::now();
        while began.elapsed() < 6 * MINUTE + Duration::from_secs(10) {
            // a client of its own, so that the event socket is connected anew each time
            let config = Config::new(server.token()).api_url(server.api_url());
            let builder = Daytona::builder(config).transport(wire(&server));
            let api = builder.build().unwrap();
            let mut watch = api.sandboxes().watch(sandbox.id());
            api.sandboxes().list().collect().await.unwrap();
            drop(api.sandboxes().get(sandbox.id()).await);
            drop(timeout(Duration::from_secs(10), watch.changed()).await);
            if used {
                runs(&sandbox).await;
            }
            drop(watch);
            sleep(Duration::from_secs(1)).await;
        }
        let sockets = server.requests_to(&EVENT_SOCKET).len();
        assert!(sockets > 20, "{sockets}");
        assert!(server.requests_to(&GET_SANDBOX).len() > 20);
        assert_eq!(left(&server).len(), usize::from(used), "used: {used}");
    }
}
