//! The environment on the embedded server, over loopback.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_api::{Config, Daytona};
use daytona_env::Lease;
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::conformance::{Suite, TENANT, TOKEN};
use sandbox_core::{ExecRequest, Sandbox};

use crate::support::{left, on, until};

async fn start() -> Arc<Server> {
    Arc::new(
        Server::builder()
            .isolation(Isolation::Auto)
            .manual_clock()
            .start()
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn a_tenant_finds_its_own_state_and_nobody_elses() {
    let server = start().await;
    let environment = on(&server)
        .env_var("TENANT", Variable::new("tenant"))
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let acme = Vars::new().with("tenant", "acme");
    let blue = Vars::new().with("tenant", "blue");
    let sandbox = environment.open(&acme).await.unwrap();
    sandbox
        .exec(ExecRequest::shell("echo $TENANT > note"))
        .await
        .unwrap();
    let again = environment.open(&acme).await.unwrap();
    assert_eq!(again.get("note").await.unwrap(), "acme\n");
    let other = environment.open(&blue).await.unwrap();
    assert!(other.get("note").await.unwrap_err().is_not_found());
    assert_eq!(left(&server), 2);
    environment.close().await.unwrap();
    assert_eq!(left(&server), 0);
}

#[tokio::test]
async fn a_reply_lost_on_the_wire_is_adopted() {
    let server = start().await;
    let fault = server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).reset_after_commit());
    let environment = on(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    assert_eq!((fault.hits(), left(&server)), (1, 1));
    environment.close().await.unwrap();
    assert_eq!(left(&server), 0);
}

#[tokio::test]
async fn an_error_row_is_deleted_and_its_reason_told() {
    let server = start().await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state("no space left on the runner"));
    let environment = on(&server).build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(
        error.to_string().contains("no space left on the runner"),
        "{error}"
    );
    // deleted in the background by now, and surely after close
    environment.close().await.unwrap();
    assert_eq!(left(&server), 0);
}

#[tokio::test]
async fn the_server_deletes_what_nobody_renews_and_keeps_what_is_renewed() {
    let server = start().await;
    let environment = on(&server)
        .lease(Lease::ephemeral(Duration::from_secs(180)))
        .renew_interval(Duration::from_millis(20))
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let api = Daytona::new(Config::new(server.token()).api_url(server.api_url())).unwrap();
    let silent = api
        .sandboxes()
        .create()
        .auto_stop_interval(3)
        .auto_delete_interval(0)
        .send()
        .await
        .unwrap();
    let renewals = || {
        server
            .requests()
            .iter()
            .filter(|seen| seen.route == Some(UPDATE_LAST_ACTIVITY.id))
            .count()
    };
    for _ in 0..6 {
        server.advance(Duration::from_secs(60)).unwrap();
        // two more, so that one began after the clock moved
        let wanted = renewals() + 2;
        until("it is renewed", || renewals() >= wanted).await;
    }
    let alive: Vec<_> = server
        .sandboxes()
        .into_iter()
        .filter(|row| row.desired_state != "destroyed")
        .map(|row| row.id)
        .collect();
    assert_eq!(alive, [sandbox.id()], "and {} is gone", silent.id);
    environment.close().await.unwrap();
    assert_eq!(left(&server), 0);
}

#[test]
fn opens_from_several_runtimes_make_one_sandbox_that_outlives_them() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let main = runtime();
    let server = main.block_on(start());
    let environment = on(&server).build().unwrap();
    let ids: Vec<_> = (0..4)
        .map(|_| {
            let environment = environment.clone();
            std::thread::spawn(move || {
                runtime().block_on(async move {
                    environment.open(&NoVars).await.unwrap().id().to_owned()
                })
            })
        })
        .collect();
    let ids: Vec<_> = ids
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    main.block_on(async {
        let sandbox = environment.open(&NoVars).await.unwrap();
        assert!(
            sandbox
                .exec(ExecRequest::argv(["true"]))
                .await
                .unwrap()
                .success()
        );
        environment.close().await.unwrap();
    });
    assert_eq!(left(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_rules_of_every_factory() {
    let server = Arc::new(
        Server::builder()
            .isolation(Isolation::Auto)
            .start()
            .await
            .unwrap(),
    );
    let make = {
        let server = Arc::clone(&server);
        move || {
            on(&server)
                .env_var("TOKEN", Variable::new(TOKEN))
                .scope(Variable::new(TENANT))
                .build()
                .unwrap()
        }
    };
    // a command runs under a shell in the sandbox, whose status for "ended by signal n" is that of `exit 128+n`
    let why = "the shell in between reports both as 128 + n, which is documented as Signaled";
    Suite::new(make)
        .skip("signals-are-not-codes", why)
        .run()
        .await
        .assert_all();
    assert_eq!(left(&server), 0);
}

#[tokio::test]
async fn a_wrong_key_and_an_unreachable_server_are_told_apart() {
    let server = start().await;
    let environment = on(&server).api_key("canary-wrong").build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(
        error.is_auth() && !format!("{error:?}").contains("canary"),
        "{error:?}"
    );
    environment.close().await.unwrap();

    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let environment = on(&server)
        .api_url(format!("http://{nobody}/api"))
        .build()
        .unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(
        error.kind(),
        sandbox_core::ErrorKind::Unavailable,
        "{error:?}"
    );
    environment.close().await.unwrap();
}

#[tokio::test]
async fn a_kept_sandbox_is_asked_for_in_the_servers_terms() {
    let server = start().await;
    let environment = on(&server)
        .lease(Lease::persist(Duration::from_secs(15 * 60)))
        .build()
        .unwrap();
    environment.open(&NoVars).await.unwrap();
    let row = server.sandboxes().remove(0);
    assert_eq!(
        (row.auto_stop_interval, row.auto_delete_interval),
        (15, 24 * 60)
    );
    assert!(
        row.auto_destroy_at.is_none(),
        "no time to live for what is to be kept"
    );
    environment.close().await.unwrap();
    assert_eq!(left(&server), 0);
}
