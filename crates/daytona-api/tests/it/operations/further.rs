//! What is no operation of its own: settings of a call, calls that make several requests, and streams.

use std::future::ready;
use std::time::Duration;

use bytes::Bytes;
use daytona_api::api::{Image, Upload};
use daytona_api::models::{CreateBuildInfo, SandboxListItem, SandboxState};
use futures_util::TryStreamExt;

use super::{Group, Lab};

/// As [`OPERATIONS`](super::OPERATIONS).
pub(super) const GROUPS: &[(&str, Group)] = &[
    ("create", |lab| Box::pin(create(lab))),
    ("lists", |lab| Box::pin(lists(lab))),
    ("programs", |lab| Box::pin(programs(lab))),
    ("files", |lab| Box::pin(files(lab))),
    ("waits", |lab| Box::pin(waits(lab))),
    ("logs", |lab| Box::pin(logs(lab))),
    #[cfg(feature = "archive")]
    ("folders", |lab| Box::pin(folders(lab))),
    #[cfg(feature = "context")]
    ("contexts", |lab| Box::pin(contexts(lab))),
];

async fn create(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    ask!(
        lab,
        "{}",
        sandboxes
            .create()
            .name("n")
            .snapshot("snap:1")
            .user("u")
            .env("A", "1")
            .envs([("B", "2")])
            .label("l", "1")
            .labels([("m", "2")])
            .target("us")
            .auto_stop_interval(5)
            .auto_archive_interval(6)
            .auto_delete_interval(-1)
            .ttl_minutes(15)
            .public(true)
            .network_block_all(true)
            .with(|body| body.spot = Some(true))
            .send()
    );
    ask!(
        lab,
        "{}",
        sandboxes
            .create()
            .image(Image::base("debian:12").run_commands(["true"]))
            .cpu(1)
            .memory(2)
            .disk(3)
            .send()
    );
    let mut info = CreateBuildInfo::default();
    info.dockerfile_content = "FROM debian:12\n".to_owned();
    ask!(lab, "{}", sandboxes.create().build_info(info).send());
    let snapshots = lab.api.snapshots();
    let image = Image::base("debian:12").env("A", "1");
    ask!(
        lab,
        r#"{"id":"s-1"}"#,
        snapshots.create_from_image("snap:2", &image, |new| new.cpu = Some(2))
    );
}

async fn lists(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let page = r#"{"items":[{"id":"a"}],"nextCursor":"c/1="}"#;
    let last = r#"{"items":[{"id":"b"}],"nextCursor":""}"#;
    lab.first(200, page);
    let pages: Vec<Vec<SandboxListItem>> = ask!(
        lab,
        last,
        sandboxes
            .list()
            .id_prefix("i")
            .name_prefix("n")
            .label("a", "b c")
            .state(&SandboxState::Started)
            .snapshot("s")
            .region("r")
            .include_errored_deleted(true)
            .created_after("2026-01-01T00:00:00Z")
            .created_before("2026-02-01T00:00:00Z")
            .last_event_before("2026-03-01T00:00:00Z")
            .page_size(2)
            .pages()
            .try_collect()
    );
    assert_eq!(pages.len(), 2);
    lab.first(200, page);
    let rows: Vec<_> = ask!(lab, last, sandboxes.list().stream().try_collect());
    assert_eq!(rows[1].id, "b");
    let snapshots = lab.api.snapshots();
    let all = r#"{"items":[{"id":"s-1"}],"page":1,"totalPages":1,"total":1}"#;
    let rows: Vec<_> = ask!(lab, all, snapshots.list().stream().try_collect());
    assert_eq!(rows[0].id, "s-1");
}

async fn programs(lab: &Lab) {
    let process = lab.toolbox().process();
    let second = Duration::from_secs(1);
    let ran = r#"{"exitCode":0,"result":"x"}"#;
    ask!(
        lab,
        ran,
        process
            .execute("ls")
            .cwd("/srv")
            .env("A", "1")
            .timeout(second)
            .output_limit(100)
            .send()
    );
    ask!(
        lab,
        ran,
        process
            .code_run("print(1)", "python")
            .arg("x")
            .env("A", "1")
            .timeout(second)
            .send()
    );
    // this server does not switch to WebSocket
    let interpreter = lab.toolbox().interpreter();
    refuse!(
        lab,
        "{}",
        interpreter
            .run("1")
            .context("c-1")
            .env("A", "1")
            .timeout(second)
            .send()
    );
    let pty = lab.toolbox().pty();
    refuse!(
        lab,
        "{}",
        pty.open("main")
            .size(120, 40)
            .cwd("/srv/a b")
            .env("A", "1")
            .send()
    );
    // the answer has no date
    let server = lab.api.server();
    refuse!(lab, "{}", server.time());
}

async fn files(lab: &Lab) {
    let files = lab.toolbox().files();
    lab.first(200, "{}");
    ask!(lab, "{}", files.upload_new("d/f", "text"));
    let content = Upload::from("text").on_progress(|_| {});
    let sent = ask!(
        lab,
        r#"{"files":[{"path":"a","bytes":4}]}"#,
        files.upload_many([("a", content)])
    );
    assert!(sent.is_complete());
    let download = ask!(
        lab,
        "0123456789",
        files
            .download("f")
            .range(2..6)
            .limit(10)
            .resumes(1)
            .on_progress(|_| {})
            .send()
    );
    let pieces: Vec<Bytes> = download.into_stream().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"2345");
}

async fn waits(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let second = Duration::from_secs(1);
    let started = r#"{"id":"sb","state":"started"}"#;
    ask!(lab, started, sandboxes.wait_until_started("sb", second));
    let stopped = r#"{"id":"sb","state":"stopped"}"#;
    ask!(lab, stopped, sandboxes.wait_until_stopped("sb", second));
    let gone = r#"{"id":"sb","state":"destroyed"}"#;
    ask!(lab, gone, sandboxes.wait_until_deleted("sb", second));
    let snapshots = lab.api.snapshots();
    let active = r#"{"id":"s-1","state":"active"}"#;
    lab.first(200, r#"{"id":"s-1","state":"building"}"#);
    ask!(lab, active, snapshots.wait_until_active("snap:1", second));
    let volumes = lab.api.volumes();
    let ready = r#"{"id":"v-1","state":"ready"}"#;
    ask!(lab, ready, volumes.wait_until_ready("v-1", second));
}

async fn logs(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let url = r#"{"url":"https://proxy.app.daytona.io/sandboxes/sb/build-logs"}"#;
    lab.first(200, url);
    let pieces: Vec<Bytes> = ask!(
        lab,
        "so far\n",
        sandboxes
            .build_log("sb")
            .no_follow()
            .into_stream()
            .try_collect()
    );
    assert_eq!(pieces.concat(), b"so far\n");
    lab.first(200, url);
    let mut log = made!(lab, sandboxes.build_log("sb"));
    lab.note(&log, "next");
    lab.ask("one\n", log.next()).await;
    let snapshots = lab.api.snapshots();
    lab.first(
        200,
        r#"{"url":"https://proxy.app.daytona.io/snapshots/s-1/build-logs"}"#,
    );
    let pieces: Vec<Bytes> = ask!(
        lab,
        "so far\n",
        snapshots
            .build_log("s-1")
            .no_follow()
            .into_stream()
            .try_collect()
    );
    assert_eq!(pieces.concat(), b"so far\n");
    // this server does not switch to WebSocket
    let sessions = lab.toolbox().sessions();
    refuse!(
        lab,
        "{}",
        sessions
            .follow_logs("build", "c-1")
            .into_stream()
            .try_for_each(|_| ready(Ok(())))
    );
    let mut log = made!(lab, sessions.follow_entrypoint_logs());
    lab.note(&log, "next");
    lab.refuse("{}", log.next()).await;
}

#[cfg(feature = "archive")]
async fn folders(lab: &Lab) {
    use daytona_api::api::FolderLimits;

    let local = tempfile::tempdir().unwrap();
    let from = local.path().join("from");
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("a"), "text").unwrap();
    let files = lab.toolbox().files();
    let ran = r#"{"exitCode":0,"result":""}"#;
    lab.first(404, "{}");
    lab.first(200, "{}");
    lab.first(200, ran);
    let sent = ask!(
        lab,
        "{}",
        files
            .upload_folder(&from, "to")
            .limits(FolderLimits::default())
            .on_progress(|_| {})
            .send()
    );
    assert_eq!(sent.bytes, 4);
    lab.first(200, ran);
    // an archive with nothing in it
    lab.first(200, &"\0".repeat(1024));
    let into = local.path().join("into");
    let came = ask!(
        lab,
        ran,
        files
            .download_folder("from", &into)
            .limits(FolderLimits::default())
            .on_progress(|_| {})
            .send()
    );
    assert_eq!(came.bytes, 0);
}

#[cfg(feature = "context")]
async fn contexts(lab: &Lab) {
    let image = Image::base("a").add_local_file("tests/it/data/context/app/main.py", "/m");
    let context = image.context().await.unwrap();
    let access = r#"{"accessKey":"K","secret":"s","sessionToken":"t",
        "storageUrl":"https://storage.test:9000/s3","organizationId":"org-1","bucket":"builds","region":"eu-1"}"#;
    lab.first(200, access);
    lab.first(404, "");
    ask!(lab, "", context.upload(&lab.api));
}
