//! Images that copy files of this machine, through the client of this project: from the files to what a program in the
//! sandbox sees.

mod trouble;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use daytona_api::api::{Image, Toolbox};
use daytona_api::models::CreateBuildInfo;
use daytona_api::routes::PUT_OBJECT;
use daytona_api::routes::control_plane::GET_PUSH_ACCESS;
use daytona_api::{Config, Daytona, ErrorKind};
use daytona_local::{Isolation, Server, ServerBuilder};
use tempfile::TempDir;

use crate::storage::S3;
use crate::support::plain;

const SOON: Duration = Duration::from_secs(20);

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.start().await.unwrap();
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

fn image(folder: &TempDir) -> Image {
    Image::from_dockerfile(folder.path().join("Dockerfile")).unwrap()
}

/// What is built of these lines with these contexts.
fn lines(dockerfile: &str, contexts: Vec<String>) -> CreateBuildInfo {
    let mut info = CreateBuildInfo::default();
    info.dockerfile_content = dockerfile.to_owned();
    info.context_hashes = Some(contexts);
    info
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
    let image = image(&folder);
    for isolation in [Isolation::None, Isolation::Required] {
        let (server, api) = start(Server::builder().isolation(isolation)).await;
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
    let (server, api) = start(plain()).await;
    let image = image(&folder);
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
    let (server, api) = start(plain()).await;
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
    let (server, api) = start(plain()).await;
    let image = image(&folder);
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
    let info = lines("FROM a\nCOPY x /x\n", vec!["0".repeat(32)]);
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

/// As clients pack them that find two names of one file.
#[tokio::test]
async fn a_file_with_two_names_is_there_under_both() {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o640);
    header.set_size(4);
    archive
        .append_data(&mut header, "d/one", &b"text"[..])
        .unwrap();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    archive.append_link(&mut header, "d/two", "d/one").unwrap();
    archive
        .append_link(&mut header, "d/none", "d/gone")
        .unwrap();
    let archive = archive.into_inner().unwrap();
    let (server, api) = start(plain()).await;
    let s3 = S3::of(&server).await;
    let put = s3
        .send("PUT", &s3.path("h/context.tar"), "", &archive)
        .await;
    assert_eq!(put.status, 200);
    let with = async |dockerfile: &str| {
        let info = lines(dockerfile, vec!["h".to_owned()]);
        let sandbox = api.sandboxes().create().build_info(info).send().await;
        api.toolbox(&sandbox.unwrap()).unwrap()
    };
    let both = with("FROM a\nWORKDIR /w\nCOPY d/one d/two ./\nCOPY d/two other\n").await;
    assert_eq!(run(&both, "cat one two other").await, "texttexttext");
    assert_eq!(run(&both, "stat -c %a other").await, "640\n");
    let error = with("FROM a\nCOPY d /w\n").await.info().work_dir().await;
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("a file that is not in it"),
        "{error}"
    );
    server.shutdown().await;
}
