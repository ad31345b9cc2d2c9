//! States, names, refusals, faults.

use daytona_api::ErrorKind;
use daytona_api::models::VolumeState;
use daytona_api::routes::control_plane as routes;
use daytona_local::Fault;

use super::{Duration, made, plain, shown, start, with};

#[tokio::test]
async fn it_goes_through_its_states_by_the_servers_clock() {
    let slow = plain().manual_clock().create_delay(Duration::from_secs(60));
    let (server, api) = start(slow).await;
    let volumes = api.volumes();
    let volume = made(&api, "data").await;
    assert_eq!(volume.state, VolumeState::PendingCreate);
    let here = || vec![shown("data", "/home/daytona/data", None)];
    let state = async || volumes.get(&volume.id).await.unwrap().state;
    let step = || server.advance(Duration::from_secs(30)).unwrap();

    let early = with(&api, here()).await.unwrap_err();
    assert_eq!(early.status(), Some(400));
    assert!(
        early.to_string().contains("its state is pending_create"),
        "{early}"
    );
    assert_eq!(
        volumes.delete(&volume.id).await.unwrap_err().status(),
        Some(400)
    );
    step();
    assert_eq!(state().await, VolumeState::Creating);
    step();
    assert_eq!(state().await, VolumeState::Ready);
    assert_eq!(volumes.get(&volume.id).await.unwrap().last_used_at, None);

    let sandbox = with(&api, here()).await.unwrap();
    assert!(
        volumes
            .get(&volume.id)
            .await
            .unwrap()
            .last_used_at
            .is_some()
    );
    let used = volumes.delete(&volume.id).await.unwrap_err();
    assert_eq!(used.status(), Some(409), "{used}");
    server.advance(Duration::from_secs(60)).unwrap();
    api.sandboxes().delete(&sandbox.id).await.unwrap();

    volumes.delete(&volume.id).await.unwrap();
    assert_eq!(state().await, VolumeState::PendingDelete);
    assert!(with(&api, here()).await.is_err());
    assert_eq!(
        made_error(&api, "data").await,
        Some(400),
        "the name is not free yet"
    );
    step();
    assert_eq!(state().await, VolumeState::Deleting);
    step();
    assert_eq!(state().await, VolumeState::Deleted);
    assert!(
        volumes
            .get_by_name("data")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(volumes.list(false).await.unwrap().is_empty());
    assert_eq!(volumes.list(true).await.unwrap().len(), 1);
    let minute = Duration::from_secs(60);
    let waited = volumes
        .wait_until_ready(&volume.id, minute)
        .await
        .unwrap_err();
    assert_eq!(waited.kind(), ErrorKind::Failed);
    assert!(with(&api, here()).await.unwrap_err().is_not_found());
    made(&api, "data").await;
    assert_eq!(volumes.list(true).await.unwrap().len(), 2);
    server.advance(Duration::from_secs(25 * 60 * 60)).unwrap();
    let kept = volumes.list(true).await.unwrap();
    assert_eq!(kept.len(), 1, "a deleted one is forgotten after a day");
    server.shutdown().await;
}

async fn made_error(api: &daytona_api::Daytona, name: &str) -> Option<u16> {
    api.volumes().create(name).await.unwrap_err().status()
}

#[tokio::test]
async fn names_are_unique_and_their_number_is_bounded() {
    let (server, api) = start(plain()).await;
    let volumes = api.volumes();
    for number in 0..100 {
        made(&api, &format!("v{number}")).await;
    }
    let full = volumes.create("one more").await.unwrap_err();
    assert!(full.to_string().contains("Maximum allowed: 100"), "{full}");
    let found = volumes.get_by_name("v7").await.unwrap();
    assert_eq!(volumes.get(&found.id).await.unwrap(), found);
    volumes.delete(&found.id).await.unwrap();
    assert!(volumes.get_by_name("v7").await.unwrap_err().is_not_found());
    assert_eq!(
        volumes.delete(&found.id).await.unwrap_err().status(),
        Some(400)
    );
    let taken = volumes.create("v8").await.unwrap_err();
    assert_eq!(taken.status(), Some(400));
    insta::assert_snapshot!(taken.to_string());
    made(&api, "v7").await;
    assert!(volumes.get("none").await.unwrap_err().is_not_found());
    assert_eq!(made_error(&api, &"x".repeat(256)).await, Some(400));
    server.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_mounted_is_refused_before_anything_is_made() {
    let (server, api) = start(super::isolated()).await;
    made(&api, "data").await;
    let long = format!("/{}", "x".repeat(1100));
    let mut told = Vec::new();
    for (path, part) in [
        ("data", None),
        ("/", None),
        ("/etc/x", None),
        ("/lib64", None),
        ("/usr/local", None),
        ("/a/../etc", None),
        ("/a/./b", None),
        ("/a//b", None),
        ("/a\nb", None),
        (long.as_str(), None),
        ("/a", Some("/abs")),
        ("/a", Some("x/../../y")),
        ("/a", Some("x//y")),
    ] {
        let error = with(&api, vec![shown("data", path, part)])
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(400), "{path} {part:?}");
        told.push(error.to_string());
    }
    let twice = vec![shown("data", "/a", None), shown("data", "/a/", Some("x"))];
    told.push(with(&api, twice).await.unwrap_err().to_string());
    let missing = with(&api, vec![shown("none", "/a", None)])
        .await
        .unwrap_err();
    assert!(missing.is_not_found());
    told.push(missing.to_string());
    insta::assert_snapshot!(told.join("\n"));
    assert!(server.sandboxes().is_empty());
    // names of the system are no prefixes of others
    with(&api, vec![shown("data", "/library", None)])
        .await
        .unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn folders_of_the_machine_are_not_mounted_over() {
    let machines = tempfile::tempdir().unwrap();
    let folder = machines.path().to_str().unwrap();
    let (server, api) = start(super::isolated().bind_ro(folder)).await;
    made(&api, "data").await;
    let above = machines.path().parent().unwrap().to_str().unwrap();
    for path in [folder, &format!("{folder}/x"), above] {
        let refused = with(&api, vec![shown("data", path, None)]).await;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("is the machine's own"), "{path}: {error}");
    }
    with(&api, vec![shown("data", &format!("{folder}s"), None)])
        .await
        .unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn without_isolation_paths_that_programs_would_not_see_are_refused() {
    let (server, api) = start(plain()).await;
    made(&api, "data").await;
    let mut told = Vec::new();
    for path in ["/data", "/home/daytona", "/home/daytonas/x"] {
        let error = with(&api, vec![shown("data", path, None)])
            .await
            .unwrap_err();
        told.push(error.to_string());
    }
    let nested = ["/home/daytona/a", "/home/daytona/a/b"].map(|at| shown("data", at, None));
    told.push(with(&api, nested.to_vec()).await.unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"));
    server.shutdown().await;
}

#[tokio::test]
async fn faults_and_the_log_know_of_volumes() {
    let (server, api) = start(plain()).await;
    let volumes = api.volumes();
    let lost = Fault::on(&routes::CREATE_VOLUME).reset_after_commit();
    let lost = server.faults().inject(lost);
    assert!(volumes.create("data").await.is_err());
    assert_eq!(lost.hits(), 1);
    let made = volumes.get_by_name("data").await.unwrap();
    let limited = server
        .faults()
        .inject(Fault::on(&routes::DELETE_VOLUME).answer(503, "{}"));
    volumes.delete(&made.id).await.unwrap();
    assert_eq!(limited.hits(), 1, "a delete is tried again");
    let seen = server.requests_to(&routes::DELETE_VOLUME);
    let seen: Vec<_> = seen.iter().map(|request| request.status).collect();
    assert_eq!(seen, [Some(503), Some(200)]);
    server.shutdown().await;
}
