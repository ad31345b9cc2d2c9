//! One sandbox per key, whatever the answers are.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_env::{DaytonaResources, Image};
use futures_util::future::join_all;
use sandbox_core::{ErrorKind, Sandbox};
use serde_json::json;

use crate::fake::{Fake, Fault};

#[tokio::test(start_paused = true)]
async fn what_is_asked_for() {
    let fake = Fake::default();
    let environment = fake
        .builder()
        .image("python:3.12")
        .resources(DaytonaResources::default().with_cpu(2))
        .target("eu")
        .env_var("TENANT", "acme")
        .label("team", "x")
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let asked = fake.state().rows[0].body["asked"].clone();
    let name = asked["name"].as_str().unwrap();
    assert!(name.starts_with("denv-") && name.len() == 31, "{name}");
    assert_eq!(
        asked["buildInfo"]["dockerfileContent"]
            .as_str()
            .map(str::trim_end),
        Some("FROM python:3.12")
    );
    assert_eq!(asked["env"], json!({"TENANT": "acme"}));
    assert_eq!((&asked["cpu"], asked.get("memory")), (&json!(2), None));
    assert_eq!(asked["target"], json!("eu"));
    assert_eq!(asked["autoStopInterval"], json!(5));
    assert_eq!(asked["autoDeleteInterval"], json!(0));
    assert_eq!(asked["autoPauseInterval"], json!(0));
    assert_eq!(asked["ttlMinutes"], json!(15));
    let labels = asked["labels"].as_object().unwrap();
    assert_eq!(labels["team"], "x");
    assert_eq!(labels["daytona-env.managed"], "1");
    assert_eq!(labels["daytona-env.v"], "1");
    assert_eq!(labels["daytona-env.ns"], "default");
    assert_eq!(labels["daytona-env.generation"], "1");
    assert_eq!(labels["daytona-env.key"].as_str().unwrap().len(), 24);
    assert_eq!(labels["daytona-env.instance"].as_str().unwrap().len(), 36);
    assert!(!serde_json::to_string(labels).unwrap().contains("canary"));
    assert_eq!((sandbox.id(), sandbox.workdir()), ("sb-1", "/workspace"));
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_default_snapshot_when_neither_is_given() {
    let fake = Fake::default();
    let environment = fake.builder().build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let asked = fake.state().rows[0].body["asked"].clone();
    assert_eq!(
        (asked.get("snapshot"), asked.get("buildInfo")),
        (None, None)
    );
    environment.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_opens_make_one_sandbox() {
    let fake = Fake::default();
    fake.state().delay = Duration::from_millis(200);
    let environment = fake.builder().build().unwrap();
    let opened = join_all((0..1000).map(|_| environment.open(&NoVars))).await;
    let first = opened[0].as_ref().unwrap();
    assert!(
        opened
            .iter()
            .all(|sandbox| Arc::ptr_eq(sandbox.as_ref().unwrap(), first))
    );
    assert_eq!(fake.count("create"), 1);
    environment.close().await.unwrap();
    assert_eq!((fake.left(), fake.count("delete")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn two_scopes_never_share() {
    let fake = Fake::default();
    let environment = fake
        .builder()
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let acme = environment
        .open(&Vars::new().with("tenant", "acme"))
        .await
        .unwrap();
    let blue = environment
        .open(&Vars::new().with("tenant", "blue"))
        .await
        .unwrap();
    let again = environment
        .open(&Vars::new().with("tenant", "acme"))
        .await
        .unwrap();
    assert_ne!(acme.id(), blue.id());
    assert_eq!(acme.id(), again.id());
    let keys: Vec<_> = fake
        .state()
        .rows
        .iter()
        .map(|row| row.body["labels"]["daytona-env.key"].clone())
        .collect();
    assert_ne!(keys[0], keys[1]);
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_start_is_noticed_soon_and_cheaply() {
    let fake = Fake::default();
    fake.state().delay = Duration::from_secs(5);
    let environment = fake.builder().build().unwrap();
    let began = tokio::time::Instant::now();
    environment.open(&NoVars).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(5300),
        "{:?}",
        began.elapsed()
    );
    assert!(fake.count("get") <= 100, "{}", fake.count("get"));
    environment.close().await.unwrap();
}

/// One sandbox while open, none after close.
async fn adopted(fault: Fault) {
    let fake = Fake::default();
    let shown = format!("{fault:?}");
    fake.fault("create", [fault]);
    let environment = fake.builder().build().unwrap();
    let sandbox = environment
        .open(&NoVars)
        .await
        .unwrap_or_else(|error| panic!("{shown}: {error:?}"));
    assert_eq!((sandbox.id(), fake.left()), ("sb-1", 1), "{shown}");
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0, "{shown}");
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_adopted_whatever_the_answer() {
    adopted(Fault::Lost).await;
    adopted(Fault::Done(502, "bad gateway")).await;
    adopted(Fault::Done(504, "gateway timeout")).await;
    adopted(Fault::Done(400, "Sandbox failed to start: no")).await;
    adopted(Fault::Done(403, "no")).await;
    adopted(Fault::Done(
        409,
        "Sandbox was modified by another operation",
    ))
    .await;
    adopted(Fault::Done(429, "slow down")).await;
    adopted(Fault::NoEcho).await;
    adopted(Fault::Cut).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_never_sent_is_tried_again_or_reported_and_leaves_nothing() {
    let fake = Fake::default();
    fake.fault("create", std::iter::repeat_n(Fault::Unsent, 20));
    let environment = fake.builder().build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(fake.count("create"), 0);
    environment.close().await.unwrap();
}

/// The open fails with this error, and close finds nothing to do.
async fn fails(fault: Fault) -> sandbox_core::Error {
    let fake = Fake::default();
    fake.fault("create", [fault]);
    let environment = fake.builder().build().unwrap();
    let error = environment.open(&NoVars).await.expect_err("must fail");
    assert_eq!(fake.left(), 0, "{error:?}");
    environment.close().await.unwrap();
    // nothing is cached beyond the attempt
    environment.open(&NoVars).await.unwrap();
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
    assert!(!format!("{error:?} {error}").contains("canary"));
    error
}

#[tokio::test(start_paused = true)]
async fn refusals_end_the_open_with_the_reason() {
    for (fault, kind, text) in [
        (
            Fault::Refused(400, "Snapshot x not found"),
            ErrorKind::InvalidInput,
            "Snapshot x not found",
        ),
        (
            Fault::Refused(400, "Total CPU limit exceeded."),
            ErrorKind::Quota,
            "Total CPU limit exceeded",
        ),
        (
            Fault::Refused(401, "Invalid credentials"),
            ErrorKind::Auth,
            "Invalid credentials",
        ),
        (
            Fault::Refused(403, "Access denied"),
            ErrorKind::Auth,
            "Access denied",
        ),
        (
            Fault::Refused(404, "Region not found"),
            ErrorKind::NotFound,
            "Region not found",
        ),
        (
            Fault::ErrorRow("no space left"),
            ErrorKind::Provider,
            "no space left",
        ),
        (
            Fault::Ends("error", "out of memory"),
            ErrorKind::Provider,
            "out of memory",
        ),
        (
            Fault::Ends("build_failed", "no such image"),
            ErrorKind::Provider,
            "no such image",
        ),
        (
            Fault::NoLease,
            ErrorKind::Provider,
            "did not take the lease",
        ),
    ] {
        let error = fails(fault).await;
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_being_refused_ends_with_its_reason() {
    let mut table = String::new();
    for (status, text) in [
        (409, "Sandbox was modified by another operation"),
        (429, "ThrottlerException: Too Many Requests"),
        (500, "Internal server error"),
        (502, "bad gateway"),
        (503, "no healthy upstream"),
    ] {
        let fake = Fake::default();
        fake.fault(
            "create",
            std::iter::repeat_n(Fault::Refused(status, text), 1000),
        );
        let environment = fake.builder().build().unwrap();
        let error = environment.open(&NoVars).await.expect_err("must fail");
        assert!(fake.count("create") < 100, "{}", fake.count("create"));
        assert_eq!(fake.left(), 0);
        // after a 5xx nobody knows what was done: it is watched, and named until the watch is over
        let named = environment.close().await.is_err();
        table.push_str(&format!(
            "{:?}: {error}; named by close: {named}\n",
            error.kind()
        ));
        tokio::time::sleep(Duration::from_secs(180)).await;
        environment.close().await.unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_sandbox_of_the_name_is_left_alone() {
    let fake = Fake::default();
    fake.fault("create", [Fault::Foreign]);
    let environment = fake.builder().build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    environment.close().await.unwrap();
    assert_eq!((fake.left(), fake.count("delete")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_daytona_api_is_told_at_once() {
    for fault in [
        Fault::Body("<!DOCTYPE html><title>canary"),
        Fault::Refused(307, "elsewhere"),
    ] {
        let shown = format!("{fault:?}");
        let began = tokio::time::Instant::now();
        let fake = Fake::default();
        fake.fault("create", [fault]);
        let environment = fake.builder().build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{shown}: {error:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{shown}");
        assert_eq!(fake.count("create"), 1, "{shown}");
        environment.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_nobody_knows_is_waited_for_up_to_the_deadline() {
    let fake = Fake::default();
    fake.fault("create", [Fault::Ends("hibernating", "")]);
    let environment = fake
        .builder()
        .create_timeout(Duration::from_secs(30))
        .build()
        .unwrap();
    let began = tokio::time::Instant::now();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(
        (30..45).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    environment.close().await.unwrap();
    assert_eq!(fake.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn at_capacity_an_open_is_an_error() {
    let fake = Fake::default();
    let environment = fake
        .builder()
        .scope(Variable::new("tenant"))
        .max_sandboxes(1)
        .build()
        .unwrap();
    environment
        .open(&Vars::new().with("tenant", "a"))
        .await
        .unwrap();
    let error = environment
        .open(&Vars::new().with("tenant", "b"))
        .await
        .unwrap_err();
    assert!(error.is_capacity(), "{error:?}");
    environment.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_toolbox_on_a_foreign_host_never_gets_the_credential() {
    let fake = Fake::default();
    fake.state().toolbox = Some("https://evil.test/toolbox");
    let environment = fake.builder().build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(
        (error.kind(), fake.count("folder")),
        (ErrorKind::InvalidInput, 0),
        "{error:?}"
    );
    assert_eq!(fake.left(), 0);
    let allowed = fake
        .builder()
        .allow_toolbox_origin("https://evil.test")
        .build()
        .unwrap();
    allowed.open(&NoVars).await.unwrap();
    allowed.close().await.unwrap();
    environment.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn workdirs() {
    let fake = Fake::default();
    fake.state().refused = vec!["path=/workspace", "path=/srv"];
    let environment = fake.builder().build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert_eq!(sandbox.workdir(), "/home/daytona/workspace");
    environment.close().await.unwrap();

    let asked = fake.builder().workdir("/srv/app").build().unwrap();
    let error = asked.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    insta::assert_snapshot!(
        error.message(),
        @r#"the sandbox refuses the workdir "/srv/app"; "/home/daytona/workspace" can be used here"#
    );
    assert_eq!(fake.left(), 0);
    asked.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_described_image_is_built_line_for_line_and_equal_ones_share() {
    let fake = Fake::default();
    let image = || Image::base("debian:12").run_commands(["apt-get install -y jq"]);
    let builder = fake.builder().image(image().env("STAGE", "canary"));
    assert!(!format!("{builder:?}").contains("canary"), "{builder:?}");
    let environment = builder.build().unwrap();
    assert!(!format!("{environment:?}").contains("canary"));
    let (one, other) = (environment.open(&NoVars), environment.open(&NoVars));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!(one.id(), other.id());
    let rows = fake.state().rows.clone();
    assert_eq!(rows.len(), 1);
    insta::assert_snapshot!(
        rows[0].body["asked"]["buildInfo"]["dockerfileContent"].as_str().unwrap(),
        @r"
    FROM debian:12
    RUN apt-get install -y jq
    ENV STAGE=canary
    "
    );
    environment.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_image_of_a_base_alone_is_its_name() {
    let fake = Fake::default();
    let environment = fake.builder().image(Image::base("python:3.12"));
    let environment = environment.build().unwrap();
    environment.open(&NoVars).await.unwrap();
    let asked = fake.state().rows[0].body["asked"].clone();
    assert_eq!(
        asked["buildInfo"]["dockerfileContent"],
        "FROM python:3.12\n"
    );
    environment.close().await.unwrap();
}
