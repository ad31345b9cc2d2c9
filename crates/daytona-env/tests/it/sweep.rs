//! The sweeper, against the embedded server with a clock that tests move.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::NoVars;
use daytona_api::models::CreateSandbox;
use daytona_api::routes::control_plane::{DELETE_SANDBOX, LIST_SANDBOXES};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, SweepOutcome, SweepReport, Sweeper, SweeperBuilder};
use daytona_local::{CannedExec, Fault, Isolation, Server};
use jiff::SignedDuration;

/// A server on which ten seconds pass in the blink of an eye.
async fn server() -> Server {
    Server::builder()
        .isolation(Isolation::None)
        .canned_exec(CannedExec::new(0, ""))
        .speed(200.0)
        .start()
        .await
        .unwrap()
}

fn api(server: &Server) -> Daytona {
    Daytona::new(Config::new(server.token()).api_url(server.api_url())).unwrap()
}

fn sweeper(server: &Server) -> SweeperBuilder {
    Sweeper::builder()
        .api_url(server.api_url())
        .api_key(server.token())
}

/// A row as a process of ours that is no more has left it; the id.
async fn row(server: &Server, name: &str, change: impl FnOnce(&mut CreateSandbox)) -> String {
    let labels = [
        ("managed", "1"),
        ("ns", "default"),
        ("instance", "a-dead-one"),
        ("key", "k"),
        ("v", "1"),
    ];
    let created = api(server)
        .sandboxes()
        .create()
        .name(name)
        .labels(labels.map(|(key, value)| (format!("daytona-env.{key}"), value.to_owned())))
        .auto_stop_interval(5)
        .auto_delete_interval(0)
        .with(change)
        .send()
        .await;
    match created {
        Ok(row) => row.id,
        // as it answers where the start fails
        Err(_) => server.sandbox(name).unwrap().id,
    }
}

/// A row that nothing on the server removes.
async fn broken(server: &Server, name: &str, change: impl FnOnce(&mut CreateSandbox)) -> String {
    let fault = server.faults().inject(
        Fault::on(&daytona_api::routes::control_plane::CREATE_SANDBOX).error_state("no disk"),
    );
    let id = row(server, name, change).await;
    fault.remove();
    id
}

fn outcomes(report: &SweepReport) -> Vec<(&str, String)> {
    let outcome = |outcome: &SweepOutcome| match outcome {
        SweepOutcome::Failed(error) => format!("failed: {error}"),
        SweepOutcome::Spared(why) => format!("spared: {why}"),
        other => format!("{other:?}"),
    };
    report
        .swept()
        .iter()
        .map(|swept| (swept.name.as_str(), outcome(&swept.outcome)))
        .collect()
}

#[tokio::test]
async fn what_nobody_renews_goes_and_nothing_else() {
    let server = server().await;
    let broken_one = broken(&server, "denv-broken", |_| ()).await;
    // meant to be kept, as long as it can be of use
    let keep = |body: &mut CreateSandbox| body.auto_delete_interval = Some(1440);
    row(&server, "denv-kept", |body| {
        keep(body);
        body.auto_stop_interval = Some(0);
    })
    .await;
    broken(&server, "denv-kept-broken", keep).await;
    broken(&server, "denv-other-namespace", |body| {
        body.labels
            .as_mut()
            .unwrap()
            .insert("daytona-env.ns".to_owned(), "other".to_owned());
    })
    .await;
    broken(&server, "somebody-elses", |body| body.labels = None).await;
    broken(&server, "not-our-name", |_| ()).await;
    server.jump_clock(SignedDuration::from_mins(16));
    let fresh = broken(&server, "denv-fresh", |_| ()).await;

    let would = sweeper(&server)
        .dry_run(true)
        .build()
        .unwrap()
        .sweep()
        .await
        .unwrap();
    let kept = (
        "denv-kept",
        "spared: it is meant to be kept when stopped".to_owned(),
    );
    assert_eq!(
        outcomes(&would),
        [
            ("denv-broken", "WouldRemove".to_owned()),
            kept.clone(),
            ("denv-kept-broken", "WouldRemove".to_owned())
        ]
    );
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
    assert!(would.swept()[0].idle.unwrap() >= Duration::from_secs(16 * 60));

    let report = sweeper(&server).build().unwrap().sweep().await.unwrap();
    assert_eq!(
        outcomes(&report),
        [
            ("denv-broken", "Removed".to_owned()),
            kept,
            ("denv-kept-broken", "Removed".to_owned())
        ]
    );
    assert_eq!((report.removed(), report.failed()), (2, 0));
    let deleted = server.requests_to(&DELETE_SANDBOX);
    assert_eq!(deleted.len(), 2);
    assert!(
        deleted.iter().any(|call| call.path.ends_with(&broken_one)),
        "by its id: {deleted:?}"
    );
    for name in [
        "denv-kept",
        "denv-other-namespace",
        "somebody-elses",
        "not-our-name",
        &fresh,
    ] {
        assert!(server.sandbox(name).is_some(), "{name}");
    }

    let again = sweeper(&server)
        .persistent(true)
        .build()
        .unwrap()
        .sweep()
        .await
        .unwrap();
    assert_eq!(outcomes(&again), [("denv-kept", "Removed".to_owned())]);
    server.shutdown().await;
}

#[tokio::test]
async fn what_a_living_process_renews_is_spared() {
    let server = server().await;
    let environment = DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
        // a minute of the server's
        .renew_interval(Duration::from_millis(200))
        .build()
        .unwrap();
    environment.open(&NoVars).await.unwrap();
    let left = row(&server, "denv-left", |body| {
        body.auto_stop_interval = Some(0)
    })
    .await;
    let living = row(&server, "denv-living", |body| {
        body.auto_stop_interval = Some(0)
    })
    .await;
    server.jump_clock(SignedDuration::from_mins(16));
    // a sibling on another host, which just renewed
    api(&server)
        .sandboxes()
        .update_last_activity(&living)
        .await
        .unwrap();
    let report = sweeper(&server).build().unwrap().sweep().await.unwrap();
    let removed: Vec<_> = report
        .swept()
        .iter()
        .filter(|swept| matches!(swept.outcome, SweepOutcome::Removed))
        .collect();
    assert_eq!(
        removed.iter().map(|swept| &swept.id).collect::<Vec<_>>(),
        [&left],
        "{report:?}"
    );
    assert!(server.sandbox(&living).is_some());
    server.shutdown().await;
}

#[tokio::test]
async fn a_row_that_comes_back_to_life_before_the_second_look_is_spared() {
    let server = server().await;
    let id = row(&server, "denv-sleeper", |body| {
        body.auto_stop_interval = Some(0)
    })
    .await;
    server.jump_clock(SignedDuration::from_mins(16));
    // renewed after it was listed: the list is that of a moment ago
    let listed = Fault::on(&LIST_SANDBOXES).stale_list(Duration::from_secs(10));
    server.faults().inject(listed);
    let api = api(&server);
    api.sandboxes().update_last_activity(&id).await.unwrap();
    assert_eq!(
        outcomes(&swept(&server).await),
        [(
            "denv-sleeper",
            "spared: it was active not long ago".to_owned()
        )]
    );
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn all_pages_are_read_and_a_refused_delete_is_told() {
    let server = server().await;
    for n in 0..205 {
        broken(&server, &format!("denv-{n:03}"), |_| ()).await;
    }
    server.jump_clock(SignedDuration::from_mins(16));
    server.faults().inject(
        Fault::on(&DELETE_SANDBOX)
            .answer(403, r#"{"message":"not allowed"}"#)
            .times(2),
    );
    let report = sweeper(&server).build().unwrap().sweep().await.unwrap();
    assert_eq!(
        (report.removed(), report.failed(), report.swept().len()),
        (203, 2, 205)
    );
    assert!(
        outcomes(&report)
            .iter()
            .any(|(_, outcome)| outcome.starts_with("failed: ") && outcome.contains("not allowed"))
    );
    server.shutdown().await;
}

/// A row that goes by nobody's timer.
async fn idle(server: &Server, name: &str) -> String {
    row(server, name, |body| body.auto_stop_interval = Some(0)).await
}

async fn swept(server: &Server) -> SweepReport {
    sweeper(server).build().unwrap().sweep().await.unwrap()
}

/// A list of twenty minutes ago names what was renewed since, what was removed since, and not what there is since.
#[tokio::test]
async fn a_stale_list_names_candidates_and_nothing_more() {
    let server = server().await;
    let lag = Duration::from_secs(20 * 60);
    let (living, dead) = (
        idle(&server, "denv-living").await,
        idle(&server, "denv-dead").await,
    );
    let gone = idle(&server, "denv-gone").await;
    server.jump_clock(SignedDuration::from_mins(40));
    let late = idle(&server, "denv-late").await;
    let api = api(&server);
    let renew = async || api.sandboxes().update_last_activity(&living).await.unwrap();
    renew().await;
    api.sandboxes().delete(&gone).await.unwrap();
    let stale = Fault::on(&LIST_SANDBOXES).stale_list(lag).always();
    let stale = server.faults().inject(stale);

    let report = swept(&server).await;
    let spared = "spared: it was active not long ago".to_owned();
    assert_eq!(
        outcomes(&report),
        [
            ("denv-dead", "Removed".to_owned()),
            ("denv-gone", "Gone".to_owned()),
            ("denv-living", spared.clone())
        ]
    );
    assert_eq!(report.removed(), 1, "what was gone is not counted");
    // the same list, in which everything is still there
    let report = swept(&server).await;
    let gone = |name| (name, "Gone".to_owned());
    assert_eq!(
        outcomes(&report),
        [
            gone("denv-dead"),
            gone("denv-gone"),
            ("denv-living", spared)
        ]
    );
    assert_eq!((report.removed(), report.failed()), (0, 0));
    let deleted = server.requests_to(&DELETE_SANDBOX);
    assert_eq!(deleted.len(), 2, "ours and the sweeper's: {deleted:?}");
    assert!(deleted[1].path.ends_with(&dead), "{deleted:?}");

    // in the end it is listed
    server.jump_clock(SignedDuration::from_mins(36));
    renew().await;
    let report = swept(&server).await;
    assert!(
        outcomes(&report).contains(&("denv-late", "Removed".to_owned())),
        "{report:?}"
    );
    assert!(
        server
            .sandbox(&late)
            .is_none_or(|row| row.desired_state == "destroyed")
    );
    assert!(
        server
            .sandbox(&living)
            .is_some_and(|row| row.state == "started")
    );
    assert_eq!(stale.hits(), 3);
    server.shutdown().await;
}

/// Rows come and go in the list: each that is stale is removed by some pass, once. What lives is never listed here: the
/// test above shows what becomes of one that is.
#[tokio::test]
async fn a_list_that_flaps_hides_nothing_for_ever() {
    let server = server().await;
    let mut living = Vec::new();
    for n in 0..10 {
        idle(&server, &format!("denv-dead-{n}")).await;
    }
    for n in 0..5 {
        living.push(idle(&server, &format!("denv-living-{n}")).await);
    }
    server.jump_clock(SignedDuration::from_mins(16));
    let api = api(&server);
    let flaps = Fault::on(&LIST_SANDBOXES).flapping_list(50, 7).always();
    server.faults().inject(flaps);
    let mut removed = Vec::new();
    while removed.iter().sum::<usize>() < 10 {
        for id in &living {
            api.sandboxes().update_last_activity(id).await.unwrap();
        }
        let report = swept(&server).await;
        assert_eq!(report.failed(), 0, "{report:?}");
        removed.push(report.removed());
        assert!(removed.len() < 40, "some are never found: {removed:?}");
    }
    assert!(removed.len() > 1, "it did not flap: {removed:?}");
    assert_eq!(removed.iter().sum::<usize>(), 10, "each is counted once");
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 10);
    for id in &living {
        assert!(server.sandbox(id).is_some_and(|row| row.state == "started"));
    }
    server.shutdown().await;
}

#[tokio::test]
async fn bad_settings_and_a_bad_key() {
    let refused = |builder: SweeperBuilder| builder.build().unwrap_err().to_string();
    insta::assert_snapshot!(refused(Sweeper::builder()));
    insta::assert_snapshot!(refused(Sweeper::builder().api_key(" ")));
    insta::assert_snapshot!(refused(
        Sweeper::builder()
            .api_key("k")
            .idle(Duration::from_secs(60))
    ));
    insta::assert_snapshot!(refused(Sweeper::builder().api_key("k").api_url("ftp://x")));
    insta::assert_snapshot!(refused(Sweeper::builder().api_key("k").namespace("a\nb")));
    let server = server().await;
    let wrong = Sweeper::builder()
        .api_url(server.api_url())
        .api_key("canary-key")
        .build()
        .unwrap();
    assert!(!format!("{wrong:?}").contains("canary"));
    let error = wrong.sweep().await.unwrap_err();
    assert!(error.is_auth(), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("canary"));
    server.shutdown().await;
}
