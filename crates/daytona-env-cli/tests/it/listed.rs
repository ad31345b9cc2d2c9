//! What `ls` says of sandboxes that a process with the library holds.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::process::Output;
use std::time::Duration;

use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::{ExecRequest, NoVars, Sandbox};
use serde_json::Value;

use crate::support::{cli, code, shown};

fn listed(server: &Server) -> Output {
    let mut command = cli(["ls", "--json"]);
    command
        .env("DAYTONA_API_URL", server.api_url())
        .env("DAYTONA_API_KEY", server.token());
    command.output().unwrap()
}

fn rows(server: &Server) -> Vec<Value> {
    let output = listed(server);
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn of<'r>(rows: &'r [Value], id: &str) -> &'r Value {
    rows.iter().find(|row| row["id"] == id).unwrap()
}

/// The generation after a loss, the age by the server's clock, and why one failed, without what it was given.
#[tokio::test(flavor = "multi_thread")]
async fn generation_age_and_reason_are_shown() {
    let builder = Server::builder().isolation(Isolation::None).manual_clock();
    let server = builder.start().await.unwrap();
    let environment = || {
        DaytonaEnvironment::builder()
            .api_url(server.api_url())
            .api_key(server.token())
            .env_var("TOKEN", "canary-value")
    };
    let held = environment().build().unwrap();
    let first = held.open(&NoVars).await.unwrap();
    let row = of(&rows(&server), first.id()).clone();
    assert_eq!(
        (&row["generation"], &row["error"]),
        (&1.into(), &Value::Null)
    );
    assert!(row["age_seconds"].as_u64().unwrap() < 60, "{row}");
    server.advance(Duration::from_secs(150)).unwrap();
    let row = of(&rows(&server), first.id()).clone();
    let age = row["age_seconds"].as_u64().unwrap();
    assert!((150..210).contains(&age), "{row}");

    assert!(server.vanish(first.id()).await);
    drop(first.exec(ExecRequest::argv(["true"])).await);
    let second = held.open(&NoVars).await.unwrap();
    let row = of(&rows(&server), second.id()).clone();
    assert_eq!(row["generation"], 2, "{row}");
    assert!(row["age_seconds"].as_u64().unwrap() < 60, "{row}");
    held.close().await.unwrap();

    // one that failed and that nobody can delete
    let reason = "no disk left for TOKEN=canary-value";
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state(reason));
    let failing = environment().close_timeout(Duration::from_millis(100));
    let kept = server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(403, "{}").always());
    let failing = failing.build().unwrap();
    failing.open(&NoVars).await.unwrap_err();
    let all = rows(&server);
    let broken = all.iter().find(|row| row["state"] == "error").unwrap();
    assert_eq!(broken["error"], "no disk left for TOKEN=[redacted]");
    // what it was given is not known: neither is the reason shown
    let unknown = server
        .faults()
        .inject(Fault::on(&GET_SANDBOX).answer(403, "{}").always());
    let all = rows(&server);
    let broken = all.iter().find(|row| row["state"] == "error").unwrap();
    assert!(
        broken["error"].as_str().unwrap().starts_with("not shown: "),
        "{broken}"
    );
    unknown.remove();
    kept.remove();
    // it says that it was refused, until the next try
    drop(failing.close().await);
    server.shutdown().await;
}
