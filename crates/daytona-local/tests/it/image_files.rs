//! Images that copy files of this machine, through the client of this project: from the files to what a program in the
//! sandbox sees.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use daytona_api::api::{Image, Toolbox};
use daytona_api::models::CreateBuildInfo;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_PUSH_ACCESS};
use daytona_api::routes::{HEAD_OBJECT, PUT_OBJECT};
use daytona_api::{Config, Daytona, ErrorKind};
use daytona_local::{Fault, Isolation, Server, ServerBuilder};
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::support::Client;

const SOON: Duration = Duration::from_secs(20);

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.isolation(Isolation::None).start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder with a Dockerfile and what it copies.
fn project() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "src/main.sh", "#!/bin/sh\necho $GREETING from $PWD\n");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.join("src/main.sh"), mode).unwrap();
    write(root, "src/deep/data.txt", "data\n");
    symlink("deep/data.txt", root.join("src/link")).unwrap();
    write(root, "one.cfg", "1");
    write(root, "two.cfg", "2");
    write(
        root,
        "Dockerfile",
        "ARG BASE=debian:12\nFROM $BASE AS early\nCOPY one.cfg /early/\nFROM debian:12\n\
         ARG WHOM=you\nENV GREETING=\"hello $WHOM\" DIR=/srv/app\nWORKDIR $DIR\nRUN make\n\
         COPY src ./\nCOPY --chmod=600 *.cfg conf/\nCOPY one.cfg ../../../climbed\n\
         COPY --from=early /early /early\nADD https://example.org/x /x\nCOPY one.cfg /usr/share/one\n\
         CMD [\"sh\"]\n",
    );
    folder
}

async fn made(api: &Daytona, image: &Image) -> Toolbox {
    let sandbox = api.sandboxes().create().image(image).send().await.unwrap();
    let sandbox = api.sandboxes().wait_until_started(&sandbox.id, SOON).await;
    api.toolbox(&sandbox.unwrap()).unwrap()
}

async fn run(toolbox: &Toolbox, command: &str) -> String {
    let ran = toolbox.process().execute(command).send().await.unwrap();
    assert_eq!(ran.exit_code, Some(0), "{command}: {}", ran.result);
    ran.result
}

async fn log(api: &Daytona, id: &str) -> String {
    let mut log = api.sandboxes().build_log(id).no_follow();
    let mut all = Vec::new();
    while let Some(piece) = log.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn files_variables_and_folder_are_those_of_the_dockerfile() {
    let folder = project();
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    for isolation in [Isolation::None, Isolation::Required] {
        let server = Server::builder()
            .isolation(isolation)
            .start()
            .await
            .unwrap();
        let config = Config::new(server.token()).api_url(server.api_url());
        let api = Daytona::new(config).unwrap();
        let sandbox = api.sandboxes().create().image(&image).send().await.unwrap();
        let started = api.sandboxes().wait_until_started(&sandbox.id, SOON).await;
        let toolbox = api.toolbox(&started.unwrap()).unwrap();
        let greeted = run(&toolbox, "./main.sh").await;
        let (words, place) = greeted.trim().split_once(" from ").unwrap();
        assert_eq!(words, "hello you");
        assert!(place.ends_with("/srv/app"), "{place}");
        assert_eq!(
            run(&toolbox, "cat link deep/data.txt").await,
            "data\ndata\n"
        );
        assert_eq!(run(&toolbox, "readlink link").await, "deep/data.txt\n");
        assert_eq!(run(&toolbox, "cat conf/one.cfg conf/two.cfg").await, "12");
        assert_eq!(
            run(&toolbox, "stat -c %a conf/two.cfg main.sh").await,
            "600\n755\n"
        );
        // a destination above the root is below it
        assert_eq!(run(&toolbox, "cat ../../climbed").await, "1");
        let early = toolbox
            .process()
            .execute("ls ../../early")
            .send()
            .await
            .unwrap();
        assert_ne!(
            early.exit_code,
            Some(0),
            "an earlier stage is not the image"
        );
        assert!(
            toolbox
                .info()
                .work_dir()
                .await
                .unwrap()
                .ends_with("/srv/app")
        );
        assert!(
            toolbox
                .info()
                .home_dir()
                .await
                .unwrap()
                .ends_with("/home/daytona")
        );
        // relative paths of the files routes are the same
        let data = toolbox
            .files()
            .download("deep/data.txt")
            .bytes()
            .await
            .unwrap();
        assert_eq!(data, "data\n");
        let log = log(&api, &sandbox.id).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!("what_the_log_says", log);
        }
        server.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_there_is_not_uploaded_again() {
    let folder = project();
    let (server, api) = start(Server::builder()).await;
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    let puts = || server.requests_to(&PUT_OBJECT).len();
    made(&api, &image).await;
    let first = puts();
    assert_eq!(first, 3, "of what comes twice one is uploaded");
    made(&api, &image).await;
    assert_eq!(puts(), first);
    write(folder.path(), "src/deep/data.txt", "other\n");
    let changed = made(&api, &image).await;
    assert_eq!(puts(), first + 1);
    assert_eq!(run(&changed, "cat deep/data.txt").await, "other\n");
    assert_eq!(server.requests_to(&GET_PUSH_ACCESS).len(), 3);
    server.shutdown().await;
}

#[tokio::test]
async fn the_builder_s_own_steps_copy_too() {
    let folder = project();
    let root = folder.path();
    let (server, api) = start(Server::builder()).await;
    let image = Image::base("debian:12")
        .add_local_dir(root.join("src"), "/home/daytona/src")
        .add_local_file(root.join("one.cfg"), "/home/daytona/")
        .dockerfile_commands_in(["WORKDIR /home/daytona", "COPY . all"], root);
    let toolbox = made(&api, &image).await;
    assert_eq!(
        run(&toolbox, "cat src/deep/data.txt one.cfg all/two.cfg").await,
        "data\n12"
    );
    // of the environment of a sandbox and of its image, the sandbox's own is in force
    let image = image.env("A", "image").env("B", "image");
    let create = api.sandboxes().create().image(image).env("A", "own");
    let sandbox = create.send().await.unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    assert_eq!(run(&toolbox, "echo $A $B").await, "own image\n");
    server.shutdown().await;
}

#[tokio::test]
async fn a_snapshot_brings_them_to_its_sandboxes() {
    let folder = project();
    let (server, api) = start(Server::builder()).await;
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    let made = api
        .snapshots()
        .create_from_image("mine:1", &image, |_| {})
        .await
        .unwrap();
    api.snapshots()
        .wait_until_active(&made.name, SOON)
        .await
        .unwrap();
    let sandbox = api
        .sandboxes()
        .create()
        .snapshot("mine:1")
        .send()
        .await
        .unwrap();
    let toolbox = api.toolbox(&sandbox).unwrap();
    assert!(run(&toolbox, "./main.sh").await.starts_with("hello you"));
    // a context that is not there
    let mut info = CreateBuildInfo::default();
    info.dockerfile_content = "FROM a\nCOPY x /x\n".to_owned();
    info.context_hashes = Some(vec!["0".repeat(32)]);
    let snapshots = api.snapshots();
    let broken = snapshots.create("broken:1", |new| new.build_info = Some(info));
    broken.await.unwrap();
    let error = api
        .snapshots()
        .wait_until_active("broken:1", SOON)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    insta::assert_snapshot!(error);
    let error = api
        .sandboxes()
        .create()
        .snapshot("broken:1")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_build_that_cannot_be_made_says_why() {
    let folder = project();
    let (server, api) = start(Server::builder()).await;
    let context = Image::base("a").add_local_dir(folder.path().join("src"), "/x");
    let context = context.context().await.unwrap();
    context.upload(&api).await.unwrap();
    let there: Vec<String> = context.hashes().map(str::to_owned).collect();
    let mut told = String::new();
    for (dockerfile, hashes) in [
        ("FROM a\nCOPY x /x\n", vec!["0".repeat(32)]),
        ("FROM a\nCOPY x /x\n", Vec::new()),
        ("FROM a\nCOPY nothing /x\n", there.clone()),
        ("FROM a\nCOPY ../up /x\n", there.clone()),
        ("FROM a\nCOPY one\n", there.clone()),
        ("FROM a\nENV A\n", there.clone()),
        ("FROM a\nWORKDIR ''\n", there),
    ] {
        let mut info = CreateBuildInfo::default();
        info.dockerfile_content = dockerfile.to_owned();
        info.context_hashes = Some(hashes);
        let made = api
            .sandboxes()
            .create()
            .build_info(info)
            .send()
            .await
            .unwrap();
        let failed = api.sandboxes().wait_until_started(&made.id, SOON).await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        let state = api.sandboxes().get(&made.id).await.unwrap().state.unwrap();
        assert_eq!(state.as_str(), "build_failed");
        let log = log(&api, &made.id).await;
        let reason = error.message().unwrap();
        assert!(
            log.ends_with(&format!("state: build_failed ({reason})\n")),
            "{log}"
        );
        told.push_str(&format!("{reason}\n"));
    }
    insta::assert_snapshot!(told);
    server.shutdown().await;
}

#[tokio::test]
async fn faults_of_the_storage_leave_nothing_made() {
    let folder = project();
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    let (server, api) = start(Server::builder()).await;
    let faults = server.faults();
    let mut told = String::new();
    for (name, fault) in [
        (
            "no access",
            Fault::on(&GET_PUSH_ACCESS).answer(403, r#"{"message":"not for you"}"#),
        ),
        (
            "no storage",
            Fault::on(&GET_PUSH_ACCESS)
                .answer(503, r#"{"message":"none"}"#)
                .always(),
        ),
        (
            "refused",
            Fault::on(&PUT_OBJECT).answer(403, "<Error><Code>AccessDenied</Code></Error>"),
        ),
        (
            "broken off",
            Fault::on(&PUT_OBJECT).reset_before_commit().always(),
        ),
        (
            "out of order",
            Fault::on(&HEAD_OBJECT).answer(500, "").always(),
        ),
        ("a redirect", Fault::on(&PUT_OBJECT).answer(307, "")),
    ] {
        let handle = faults.inject(fault);
        let error = api
            .sandboxes()
            .create()
            .image(&image)
            .send()
            .await
            .unwrap_err();
        assert!(handle.hits() > 0, "{name}");
        assert!(!error.may_have_reached_server(), "{name}: {error:?}");
        assert!(!format!("{error:?}").contains(server.token()));
        told.push_str(&format!("{name}: {:?}: {error}\n", error.kind()));
        faults.clear();
    }
    insta::assert_snapshot!(told);
    assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), 0);
    // what broke once is repeated, what was stored stays one object, and then all is well
    faults.inject(Fault::on(&PUT_OBJECT).reset_before_commit());
    faults.inject(Fault::on(&PUT_OBJECT).nth(2).reset_after_commit());
    faults.inject(
        Fault::on(&PUT_OBJECT)
            .nth(4)
            .answer(503, "<Error><Code>SlowDown</Code></Error>"),
    );
    let toolbox = made(&api, &image).await;
    assert!(run(&toolbox, "./main.sh").await.starts_with("hello you"));
    server.shutdown().await;
}

#[tokio::test]
async fn credentials_that_have_expired_are_told_and_new_ones_work() {
    let folder = project();
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    let (server, api) = start(Server::builder().manual_clock()).await;
    let jump = Fault::on(&HEAD_OBJECT).clock_jump(SignedDuration::from_hours(1));
    server.faults().inject(jump);
    // the first look was signed in time; what follows it is not
    let error = api
        .sandboxes()
        .create()
        .image(&image)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ExpiredToken"), "{error}");
    assert_eq!(error.status(), Some(400));
    assert!(!error.may_have_reached_server());
    made(&api, &image).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_without_room_or_storage_says_so() {
    let folder = project();
    write(folder.path(), "one.cfg", &"x".repeat(100_000));
    let image = Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap();
    let (server, api) = start(Server::builder().object_storage(50_000)).await;
    let error = api
        .sandboxes()
        .create()
        .image(&image)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("EntityTooLarge"), "{error}");
    server.shutdown().await;
    let (server, api) = start(Server::builder().object_storage(0)).await;
    let error = api
        .sandboxes()
        .create()
        .image(&image)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.operation(), error.status()),
        (Some("getPushAccess"), Some(503))
    );
    let client = Client::of(&server);
    assert_eq!(client.get("/storage/daytona-local/x").await.status, 403);
    server.shutdown().await;
}
