//! Snapshots that are taken of sandboxes.

use daytona_api::api::Toolbox;
use daytona_api::models::{SandboxState, SandboxVolume, SnapshotState};

use super::{Daytona, Duration, Isolation, Server, ServerBuilder, plain, start};

async fn run(toolbox: &Toolbox, command: &str) -> String {
    let done = toolbox.process().execute(command).send().await.unwrap();
    assert_eq!(done.exit_code, Some(0), "{command}: {}", done.result);
    done.result
}

async fn from(api: &Daytona, snapshot: &str) -> Toolbox {
    let create = api.sandboxes().create().snapshot(snapshot);
    let sandbox = create.send().await.unwrap();
    api.toolbox(&sandbox).unwrap()
}

async fn carries_files(options: ServerBuilder) {
    let (server, api) = start(options).await;
    let sandboxes = api.sandboxes();
    let sandbox = sandboxes.create().send().await.unwrap();
    let first = api.toolbox(&sandbox).unwrap();
    run(
        &first,
        "mkdir -p ~/project/bin && cd ~/project && printf 'echo ran' > bin/tool && chmod 750 bin/tool && \
         ln -s bin/tool link && ln -s /nowhere dangling && touch -d '2020-02-02 02:02:02 UTC' bin/tool && \
         mkfifo pipe && mkdir private && echo x > private/f && chmod 500 private",
    )
    .await;
    let during = sandboxes
        .create_snapshot(&sandbox.id, "with-project", false)
        .await
        .unwrap();
    assert_eq!(during.state, Some(SandboxState::Snapshotting));
    server.settled().await;
    let after = sandboxes.get(&sandbox.id).await.unwrap();
    assert_eq!(after.state, Some(SandboxState::Started));
    let taken = api.snapshots().get("with-project").await.unwrap();
    assert_eq!(
        taken.state,
        SnapshotState::Active,
        "{:?}",
        taken.error_reason
    );
    assert_eq!(
        taken.source_sandbox_id.as_deref(),
        Some(sandbox.id.as_str())
    );
    let of_it = api.snapshots().list().source_sandbox(&sandbox.id);
    assert_eq!(of_it.collect().await.unwrap().len(), 1);

    // what happens later is not in it
    run(&first, "echo later > ~/project/bin/tool").await;
    sandboxes.delete(&sandbox.id).await.unwrap();
    server.settled().await;
    let second = from(&api, "with-project").await;
    let look = "cd ~/project && sh link && readlink dangling && stat -c '%a %Y' bin/tool && \
                stat -c %a private && cat private/f && test ! -e pipe";
    assert_eq!(
        run(&second, look).await,
        "ran\n/nowhere\n750 1580608922\n500\nx\n"
    );
    // each has its own
    run(&second, "echo mine > ~/project/bin/tool").await;
    let third = from(&api, "with-project").await;
    assert_eq!(run(&third, "sh ~/project/link").await, "ran\n");

    // one that nothing ran in yet is as its snapshot
    let create = sandboxes.create().snapshot("with-project");
    let idle = create.send().await.unwrap();
    sandboxes
        .create_snapshot(&idle.id, "again", false)
        .await
        .unwrap();
    server.settled().await;
    api.snapshots().delete(&taken.id).await.unwrap();
    let fourth = from(&api, "again").await;
    assert_eq!(run(&fourth, "sh ~/project/link").await, "ran\n");
    server.shutdown().await;
}

#[tokio::test]
async fn its_files_are_carried_over() {
    Box::pin(carries_files(
        Server::builder().isolation(Isolation::Required),
    ))
    .await;
}

#[tokio::test]
async fn its_files_are_carried_over_without_isolation() {
    Box::pin(carries_files(plain())).await;
}

#[tokio::test]
async fn a_stopped_one_stays_stopped_and_others_are_refused() {
    let (server, api) = start(plain()).await;
    let sandboxes = api.sandboxes();
    let sandbox = sandboxes.create().send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    toolbox.files().upload("f", "kept").await.unwrap();
    sandboxes.stop(&sandbox.id, false).await.unwrap();
    server.settled().await;
    let memory = sandboxes
        .create_snapshot(&sandbox.id, "m", true)
        .await
        .unwrap_err();
    assert_eq!(memory.status(), Some(400));
    sandboxes
        .create_snapshot(&sandbox.id, "s", false)
        .await
        .unwrap();
    server.settled().await;
    let state = sandboxes.get(&sandbox.id).await.unwrap().state;
    assert_eq!(state, Some(SandboxState::Stopped));
    let taken = sandboxes
        .create_snapshot(&sandbox.id, "s", false)
        .await
        .unwrap_err();
    assert_eq!(taken.status(), Some(409));
    let other = from(&api, "s").await;
    assert_eq!(
        &other.files().download("f").bytes().await.unwrap()[..],
        b"kept"
    );
    sandboxes.archive(&sandbox.id).await.unwrap();
    let archived = sandboxes
        .create_snapshot(&sandbox.id, "t", false)
        .await
        .unwrap_err();
    assert_eq!(archived.status(), Some(400));
    let none = sandboxes
        .create_snapshot("none", "t", false)
        .await
        .unwrap_err();
    assert!(none.is_not_found());
    server.shutdown().await;
}

#[tokio::test]
async fn volumes_are_not_in_it_and_too_much_is_told() {
    let (server, api) = start(plain().create_delay(Duration::from_millis(1))).await;
    let volume = api.volumes().create("data").await.unwrap();
    let minute = Duration::from_secs(60);
    api.volumes()
        .wait_until_ready(&volume.id, minute)
        .await
        .unwrap();
    let mut shown = SandboxVolume::default();
    shown.volume_id = volume.id;
    shown.mount_path = "/home/daytona/data".to_owned();
    let sandboxes = api.sandboxes();
    let create = sandboxes
        .create()
        .with(|new| new.volumes = Some(vec![shown]));
    let sandbox = create.send().await.unwrap();
    sandboxes
        .wait_until_started(&sandbox.id, minute)
        .await
        .unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    run(&toolbox, "echo secret > data/f; echo own > own").await;
    sandboxes
        .create_snapshot(&sandbox.id, "s", false)
        .await
        .unwrap();
    server.settled().await;
    api.snapshots()
        .wait_until_active("s", minute)
        .await
        .unwrap();
    let create = sandboxes.create().snapshot("s");
    let other = create.send().await.unwrap();
    sandboxes
        .wait_until_started(&other.id, minute)
        .await
        .unwrap();
    let other = api.toolbox(&other).unwrap();
    assert_eq!(run(&other, "ls -A; cat own").await, "own\nown\n");

    // 4 GiB of nothing take no room, but are more than its disk of 3 GiB
    run(&toolbox, "truncate -s 4G large").await;
    sandboxes
        .create_snapshot(&sandbox.id, "l", false)
        .await
        .unwrap();
    server.settled().await;
    let failed = api
        .snapshots()
        .wait_until_active("l", minute)
        .await
        .unwrap_err();
    insta::assert_snapshot!(failed.to_string());
    let state = sandboxes.get(&sandbox.id).await.unwrap().state;
    assert_eq!(state, Some(SandboxState::Started));
    server.shutdown().await;
}

#[tokio::test]
async fn the_largest_disk_bounds_nothing() {
    let (server, api) = start(plain()).await;
    let sandboxes = api.sandboxes();
    let image = daytona_api::api::Image::base("debian:12");
    let create = sandboxes.create().image(image);
    let create = create.with(|new| new.disk = Some(1 << 34));
    let sandbox = create.send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    toolbox.files().upload("f", "kept").await.unwrap();
    let taken = sandboxes.create_snapshot(&sandbox.id, "s", false);
    taken.await.unwrap();
    server.settled().await;
    let taken = api.snapshots().get("s").await.unwrap();
    assert_eq!(
        taken.state,
        SnapshotState::Active,
        "{:?}",
        taken.error_reason
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_sandbox_that_is_gone_meanwhile_leaves_no_half_of_one() {
    let (server, api) = start(plain()).await;
    let sandboxes = api.sandboxes();
    let sandbox = sandboxes.create().send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    // enough that copying it takes longer than the next request
    run(
        &toolbox,
        "for d in $(seq 10); do mkdir d$d; (cd d$d && touch $(seq 500)); done",
    )
    .await;
    sandboxes
        .create_snapshot(&sandbox.id, "s", false)
        .await
        .unwrap();
    server.vanish(&sandbox.id).await;
    server.settled().await;
    let taken = api.snapshots().get("s").await.unwrap();
    if taken.state == SnapshotState::Active {
        // the copy was faster
        let other = from(&api, "s").await;
        assert_eq!(run(&other, "find . -type f | wc -l").await, "5000\n");
    } else {
        assert_eq!(taken.state, SnapshotState::Error);
        let reason = taken.error_reason.unwrap();
        assert!(reason.contains("destroyed meanwhile"), "{reason}");
    }
    server.shutdown().await;
}
