//! Against Daytona itself: `DAYTONA_API_KEY=.. cargo test -p workspace-tests --test live -- --ignored`.
//!
//! Each test makes at most two sandboxes, with the shortest lease, and deletes them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of tests may fail them"
)]

use std::time::Duration;

use context_vars::{Secret, Variable, Vars};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, Lease};
use sandbox_core::{ExecRequest, ExecStatus, Sandbox as _};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a live account comes from"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn key() -> String {
    setting("DAYTONA_API_KEY").expect("DAYTONA_API_KEY is not set")
}

fn builder() -> DaytonaEnvironmentBuilder {
    let mut builder = DaytonaEnvironment::builder()
        .api_key(Variable::new("daytona_key"))
        .lease(Lease::Ephemeral {
            idle: Duration::from_secs(180),
        })
        .scope(Variable::new("tenant"));
    if let Some(url) = setting("DAYTONA_API_URL") {
        builder = builder.api_url(url.as_str()).allow_origin(url);
    }
    if let Some(target) = setting("DAYTONA_TARGET") {
        builder = builder.target(target.as_str());
    }
    builder
}

fn context(tenant: &str) -> Vars {
    Vars::new()
        .with("daytona_key", Secret::new(key()))
        .with("tenant", tenant)
}

fn api() -> Daytona {
    let config = Config::new(key());
    let config = match setting("DAYTONA_API_URL") {
        Some(url) => config.api_url(url),
        None => config,
    };
    Daytona::new(config).unwrap()
}

#[tokio::test]
#[ignore = "needs DAYTONA_API_KEY, and makes paid sandboxes"]
async fn two_tenants_open_run_reuse_and_close() {
    let environment = builder()
        .env_var("TENANT", Variable::new("tenant"))
        .build()
        .unwrap();
    let (acme, blue) = (context("acme"), context("blue"));
    let (first, other) = tokio::join!(environment.open(&acme), environment.open(&blue));
    let (first, other) = (first.unwrap(), other.unwrap());
    assert_ne!(first.id(), other.id());
    assert_eq!(environment.open(&acme).await.unwrap().id(), first.id());

    first.put("note", "kept".into()).await.unwrap();
    let outcome = first
        .exec(ExecRequest::shell(
            "cat note; printf ' %s' \"$TENANT\"; printf e >&2; exit 3",
        ))
        .await
        .unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(3));
    assert_eq!(outcome.stdout().text_lossy(), "kept acme");
    assert_eq!(outcome.stderr().text_lossy(), "e");

    let slow = ExecRequest::shell("echo begun; sleep 30").timeout(Duration::from_secs(2));
    let outcome = other.exec(slow).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::TimedOut);
    assert_eq!(outcome.stdout().text_lossy(), "begun\n");

    environment.close().await.unwrap();
    for id in [first.id(), other.id()] {
        let row = api().sandboxes().get(id).await;
        let gone = match row {
            Ok(row) => row
                .desired_state
                .is_some_and(|state| state.as_str() == "destroyed"),
            Err(error) => error.is_not_found(),
        };
        assert!(gone, "{id} is still wanted");
    }
}

#[tokio::test]
#[ignore = "needs DAYTONA_API_KEY, and makes a paid sandbox"]
async fn an_image_is_built_and_its_lease_is_echoed() {
    let environment = builder().image("python:3.12-slim").build().unwrap();
    let sandbox = environment.open(&context("image")).await.unwrap();
    let row = api().sandboxes().get(sandbox.id()).await.unwrap();
    assert_eq!(row.auto_stop_interval, Some(3));
    assert_eq!(row.auto_delete_interval, Some(0));
    let outcome = sandbox
        .exec(ExecRequest::argv(["python3", "-c", "print(6*7)"]))
        .await
        .unwrap();
    assert_eq!(outcome.stdout().text_lossy(), "42\n");
    environment.close().await.unwrap();
}
