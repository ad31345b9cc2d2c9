//! Volumes, through the client of this project.

mod rules;

use std::time::Duration;

use daytona_api::api::Toolbox;
use daytona_api::models::{Sandbox, SandboxVolume, VolumeDto};
use daytona_api::{Config, Daytona, Error};
use daytona_local::{Isolation, Server, ServerBuilder};

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

fn isolated() -> ServerBuilder {
    Server::builder().isolation(Isolation::Required)
}

fn plain() -> ServerBuilder {
    Server::builder().isolation(Isolation::None)
}

fn shown(volume: &str, at: &str, part: Option<&str>) -> SandboxVolume {
    let mut shown = SandboxVolume::default();
    shown.volume_id = volume.to_owned();
    shown.mount_path = at.to_owned();
    shown.subpath = part.map(str::to_owned);
    shown
}

async fn with(api: &Daytona, volumes: Vec<SandboxVolume>) -> Result<Sandbox, Error> {
    let create = api.sandboxes().create();
    create
        .with(|body| body.volumes = Some(volumes))
        .send()
        .await
}

async fn run(toolbox: &Toolbox, command: &str) -> String {
    let done = toolbox.process().execute(command).send().await.unwrap();
    assert_eq!(done.exit_code, Some(0), "{command}: {}", done.result);
    done.result
}

async fn read(toolbox: &Toolbox, path: &str) -> String {
    let bytes = toolbox.files().download(path).bytes().await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn made(api: &Daytona, name: &str) -> VolumeDto {
    api.volumes().create(name).await.unwrap()
}

/// A volume that every test here uses in the same way, wherever programs reach it.
async fn outlives_and_is_shared(options: ServerBuilder, at: &str, reached: &str) {
    let (server, api) = start(options).await;
    let volume = made(&api, "data").await;
    let here = || vec![shown("data", at, None)];
    let first = with(&api, here()).await.unwrap();
    // resolved to the id
    let told = first.volumes.clone().unwrap();
    assert_eq!(
        (told[0].volume_id.as_str(), told[0].mount_path.as_str()),
        (volume.id.as_str(), at)
    );
    let toolbox = api.toolbox(&first).unwrap();
    // by the files routes before any program ran
    let file = format!("{reached}/deep/a.txt");
    toolbox.files().upload(&file, "by upload").await.unwrap();
    assert_eq!(
        run(
            &toolbox,
            &format!("cat {file}; echo by program > {reached}/b.txt")
        )
        .await,
        "by upload"
    );
    assert_eq!(
        read(&toolbox, &format!("{reached}/b.txt")).await,
        "by program\n"
    );

    let second = with(&api, here()).await.unwrap();
    let other = api.toolbox(&second).unwrap();
    assert_eq!(
        run(&other, &format!("cat {file} {reached}/b.txt")).await,
        "by uploadby program\n"
    );
    run(&other, &format!("echo more >> {reached}/b.txt")).await;
    assert_eq!(
        read(&toolbox, &format!("{reached}/b.txt")).await,
        "by program\nmore\n"
    );
    // stopped and started it is there again
    api.sandboxes().stop(&second.id, false).await.unwrap();
    server.settled().await;
    api.sandboxes().start(&second.id).await.unwrap();
    assert_eq!(
        run(&other, &format!("cat {reached}/b.txt")).await,
        "by program\nmore\n"
    );

    for sandbox in [&first, &second] {
        api.sandboxes().delete(&sandbox.id).await.unwrap();
    }
    server.settled().await;
    let third = with(&api, here()).await.unwrap();
    let toolbox = api.toolbox(&third).unwrap();
    assert_eq!(read(&toolbox, &file).await, "by upload");
    api.sandboxes().delete(&third.id).await.unwrap();

    // another of the same name has none of its files
    api.volumes().delete(&volume.id).await.unwrap();
    let again = made(&api, "data").await;
    assert_ne!(again.id, volume.id);
    let fourth = with(&api, here()).await.unwrap();
    let toolbox = api.toolbox(&fourth).unwrap();
    assert_eq!(run(&toolbox, &format!("ls -A {reached}/")).await, "");
    server.shutdown().await;
}

#[tokio::test]
async fn files_outlive_sandboxes_and_are_shared() {
    Box::pin(outlives_and_is_shared(isolated(), "/mnt/data", "/mnt/data")).await;
}

#[tokio::test]
async fn without_isolation_they_are_reached_from_the_home_folder() {
    Box::pin(outlives_and_is_shared(
        plain(),
        "/home/daytona/data",
        "data",
    ))
    .await;
}

#[tokio::test]
async fn a_part_of_a_volume_shows_nothing_else_of_it() {
    let (server, api) = start(isolated()).await;
    made(&api, "all").await;
    let whole = with(&api, vec![shown("all", "/all", None)]).await.unwrap();
    let whole = api.toolbox(&whole).unwrap();
    run(
        &whole,
        "mkdir -p /all/users/bob; echo of bob > /all/users/bob/f; echo top > /all/top",
    )
    .await;
    let parts = vec![
        shown("all", "/mine", Some("users/alice")),
        shown("all", "/mine/inner", Some("users/bob/")),
    ];
    let alice = with(&api, parts).await.unwrap();
    let alice = api.toolbox(&alice).unwrap();
    assert_eq!(
        run(&alice, "ls -A /mine; cat /mine/inner/f").await,
        "inner\nof bob\n"
    );
    run(&alice, "echo hers > /mine/f; echo climbs > /mine/../../top").await;
    assert_eq!(
        run(&whole, "cat /all/users/alice/f /all/top").await,
        "hers\ntop\n"
    );
    assert_eq!(run(&alice, "cat /top").await, "climbs\n");
    assert!(
        alice
            .files()
            .download("/mine/../users/bob/f")
            .bytes()
            .await
            .unwrap_err()
            .is_not_found()
    );

    // what is found from above is found in volumes too
    alice
        .files()
        .upload("/mine/inner/n.txt", "needle")
        .await
        .unwrap();
    let found = alice.files().find("/mine", "needle").await.unwrap();
    let found: Vec<_> = found.iter().map(|found| found.file.as_str()).collect();
    assert_eq!(found, ["/mine/inner/n.txt"]);
    let names = alice.files().search("/", "n.txt").await.unwrap();
    assert_eq!(names, ["/mine/inner/n.txt"]);
    server.shutdown().await;
}

/// Whoever may write in a volume must not decide what others see.
#[tokio::test]
async fn links_in_a_volume_lead_nowhere_else() {
    let (server, api) = start(isolated()).await;
    made(&api, "all").await;
    let planter = with(&api, vec![shown("all", "/all", None)]).await.unwrap();
    let planter = api.toolbox(&planter).unwrap();
    run(
        &planter,
        "ln -s / /all/whole; ln -s ../../../../.. /all/up; ln -s /etc/hostname /all/name",
    )
    .await;
    run(
        &planter,
        "mkdir /all/real; ln -s real /all/alias; ln -s /all/real/x /all/real/loop",
    )
    .await;
    for link in ["whole", "up", "alias", "whole/tmp", "name"] {
        let sandbox = with(&api, vec![shown("all", "/mine", Some(link))])
            .await
            .unwrap();
        let toolbox = api.toolbox(&sandbox).unwrap();
        let error = toolbox.files().list("/mine").await.unwrap_err();
        assert!(
            error.to_string().contains("is no folder"),
            "{link}: {error}"
        );
    }
    // a link is followed as programs of this sandbox would, by the files routes too
    let sandbox = with(&api, vec![shown("all", "/mine", None)]).await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    toolbox
        .files()
        .upload("/home/daytona/f", "own")
        .await
        .unwrap();
    assert_eq!(read(&toolbox, "/mine/whole/home/daytona/f").await, "own");
    assert_eq!(read(&toolbox, "/mine/name").await, "sandbox\n");
    assert_eq!(run(&toolbox, "cat /mine/whole/home/daytona/f").await, "own");
    // an own folder, swapped for a link while its volume is away, shows nothing of the host's
    let deep = with(&api, vec![shown("all", "/home/daytona/a/b", None)])
        .await
        .unwrap();
    let toolbox = api.toolbox(&deep).unwrap();
    let planted = tempfile::tempdir().unwrap();
    let aim = planted.path().to_string_lossy().into_owned();
    run(
        &toolbox,
        &format!("cd ~ && mv a c && ln -s {aim} a && ls c/b/real"),
    )
    .await;
    api.sandboxes().stop(&deep.id, false).await.unwrap();
    server.settled().await;
    api.sandboxes().start(&deep.id).await.unwrap();
    let _ = toolbox.process().execute("ls ~/a").send().await.unwrap();
    assert_eq!(std::fs::read_dir(planted.path()).unwrap().count(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn a_volume_ends_with_its_server() {
    let (server, api) = start(plain()).await;
    made(&api, "data").await;
    let here = vec![shown("data", "/home/daytona/data", None)];
    let sandbox = with(&api, here).await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    toolbox.files().upload("data/f", "x").await.unwrap();
    let folder = run(&toolbox, "cd data && pwd -P").await;
    let folder = std::path::PathBuf::from(folder.trim());
    assert!(folder.join("f").is_file());
    // the sandbox's end takes its link along and nothing else
    api.sandboxes().delete(&sandbox.id).await.unwrap();
    server.settled().await;
    assert!(folder.join("f").is_file());
    server.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_sandbox_whose_volume_could_not_be_shown_comes_up_once_it_can() {
    let (server, api) = start(plain()).await;
    made(&api, "all").await;
    let mender = with(&api, vec![shown("all", "/home/daytona/all", None)]);
    let mender = api.toolbox(&mender.await.unwrap()).unwrap();
    run(&mender, "echo file > all/part").await;
    // the first of them can be shown, and is there when the second cannot
    let (first, second) = ("/home/daytona/a", "/home/daytona/second");
    let both = vec![
        shown("all", first, None),
        shown("all", second, Some("part")),
    ];
    let toolbox = api.toolbox(&with(&api, both).await.unwrap()).unwrap();
    for _ in 0..2 {
        let error = toolbox.files().list(".").await.unwrap_err();
        assert!(error.to_string().contains("part is no folder"), "{error}");
    }
    run(
        &mender,
        "rm all/part && mkdir all/part && echo x > all/part/f",
    )
    .await;
    assert_eq!(run(&toolbox, "cat second/f a/part/f").await, "x\nx\n");
    server.shutdown().await;
}
