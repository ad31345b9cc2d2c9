//! What goes over the wire.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use std::sync::Arc;

use bytes::Bytes;
use daytona_api::api::{Context, Image};
use daytona_api::test_util::{Captured, Recording, Replaying, Scripted};
use daytona_api::transport::{Body, Phase, Transport, TransportError};
use daytona_api::{Config, Daytona, Error, ErrorKind};
use http_body::Body as _;
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{ACCESS, DATA, dockerfile, hashes, write};
use crate::support::{KEY, scripted, show};

/// The names, kinds, modes and links of the archive, and the contents of small files.
fn listed(request: &Captured) -> String {
    let mut archive = tar::Archive::new(request.body().as_ref());
    let mut text = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode().unwrap());
        let link = entry.link_name().unwrap();
        let link = link.map(|link| format!(" -> {}", link.display()));
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
        text.push_str(&format!(
            "{kind:?} {mode:o} {name}{} {content:?}\n",
            link.unwrap_or_default()
        ));
    }
    text
}

/// Without what depends on the time.
fn steady(request: &Captured) -> String {
    let text = show(request);
    let head = text.split("\n\n").next().unwrap();
    let parts =
        head.split_inclusive(['&', '\n', '?'])
            .map(|part| match part.strip_prefix("X-Amz-Date=") {
                Some(rest) => format!("X-Amz-Date=DATE{}", &rest[16..]),
                None => part.to_owned(),
            });
    parts.collect()
}

#[tokio::test]
async fn files_go_up_before_the_sandbox_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "tree/sub/run.sh", "#!/bin/sh\n");
    fs::set_permissions(
        root.join("tree/sub/run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    fs::set_permissions(root.join("tree"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("tree/sub"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("sub/run.sh", root.join("tree/link")).unwrap();
    write(root, "there", "x");
    fs::set_permissions(root.join("there"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(404, &[], "")
        .answer(200, &[("etag", "\"e\"")], "")
        .answer(200, &[], "")
        .json(200, r#"{"id":"sb-1"}"#);
    let api = scripted(&server);
    let image = dockerfile(root, "COPY tree /srv/\nCOPY there there /srv/");
    let wanted = hashes(&image).await;
    api.sandboxes().create().image(&image).send().await.unwrap();
    let sent = server.requests();
    let mut text: Vec<String> = sent.iter().map(steady).collect();
    text.push(listed(&sent[2]));
    text.push(String::from_utf8(sent[4].body().to_vec()).unwrap());
    let mut text = text.join("\n---\n");
    for (number, hash) in wanted.iter().enumerate() {
        text = text.replace(hash, &format!("HASH{number}"));
    }
    insta::assert_snapshot!(text);
    // of what comes twice, one is asked for
    assert_eq!(sent.len(), 5);
    assert_eq!(wanted[1], wanted[2]);
}

#[tokio::test]
async fn so_do_those_of_a_snapshot() {
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(200, &[], "")
        .json(200, r#"{"id":"sn-1","name":"n"}"#);
    let image = Image::base("a").add_local_file(format!("{DATA}/app/main.py"), "/m");
    let snapshots = scripted(&server).snapshots();
    let made = snapshots.create_from_image("n", &image, |new| new.cpu = Some(2));
    assert_eq!(made.await.unwrap().id, "sn-1");
    let sent = server.requests();
    insta::assert_snapshot!(show(sent.last().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_off_is_made_again() {
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(404, &[], "")
        .fail(Phase::Exchange)
        .answer(500, &[], "")
        .answer(200, &[], "")
        .json(200, r#"{"id":"sb-1"}"#);
    let image = Image::base("a").add_local_file(format!("{DATA}/app/main.py"), "/m");
    let create = scripted(&server).sandboxes().create().image(&image);
    create.send().await.unwrap();
    let sent = server.requests();
    let puts: Vec<_> = sent.iter().filter(|one| one.method() == "PUT").collect();
    assert_eq!(puts.len(), 3);
    assert!(puts.iter().all(|put| put.body() == puts[0].body()));
    assert!(
        listed(puts[0]).ends_with("tests/it/data/context/app/main.py \"print(\\\"hi\\\")\\n\"\n")
    );
}

/// Takes of a body what was announced and asks for no more, as HTTP does; or less, and answers all the same.
#[derive(Debug)]
struct Takes {
    most: u64,
    server: Scripted,
}

#[async_trait::async_trait]
impl Transport for Takes {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let (head, mut body) = request.into_parts();
        let announced = body.size_hint().exact().unwrap();
        let mut taken = Vec::new();
        while (taken.len() as u64) < announced.min(self.most) {
            let frame = body.frame().await.unwrap()?;
            taken.extend_from_slice(&frame.into_data().unwrap());
        }
        let request = http::Request::from_parts(head, Body::from(Bytes::from(taken)));
        self.server.share().send(request).await
    }
}

async fn upload(context: &Context, server: &Scripted, most: u64) -> Result<(), Error> {
    let server = server.clone();
    let api = Daytona::builder(Config::new(KEY)).transport(Arc::new(Takes { most, server }));
    context.upload(&api.build().unwrap()).await
}

#[tokio::test]
async fn a_file_that_changes_before_it_is_sent_does_not_become_an_object() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    // with the heads of three entries and its end, the archive is as long as what goes over the wire at once
    let one = "1".repeat((64 << 10) - 3 * 512 - 512 - 1024);
    write(root, "d/a", &one);
    write(root, "d/b", "x");
    let image = Image::base("a").add_local_dir(root.join("d"), "/d");
    let context = image.context().await.unwrap();
    for change in ["content", "length", "gone", "more"] {
        match change {
            "content" => write(root, "d/a", &one.replace('1', "2")),
            "length" => write(root, "d/a", "longer"),
            "gone" => fs::remove_file(root.join("d/b")).unwrap(),
            _ => write(root, "d/c", "more"),
        }
        let server = Scripted::new().json(200, ACCESS).answer(404, &[], "");
        let error = upload(&context, &server, u64::MAX).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local, "{change}: {error}");
        assert!(
            error.to_string().contains("changed while it was read"),
            "{error}"
        );
        // the body broke off, so the request never came to its end
        assert_eq!(server.requests().len(), 2, "{change}");
        // and is not believed where it comes to its end without the files
        let hasty = server.json(200, ACCESS).answer(404, &[], "");
        let hasty = hasty.answer(200, &[], "");
        let error = upload(&context, &hasty, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local, "{change}: {error}");
        assert_eq!(hasty.requests().len(), 5, "{change}");
        fs::remove_dir_all(root.join("d")).unwrap();
        write(root, "d/a", &one);
        write(root, "d/b", "x");
    }
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(404, &[], "")
        .answer(200, &[], "");
    upload(&context, &server, u64::MAX).await.unwrap();
    assert_eq!(server.requests()[2].body().len(), 64 << 10);
}

#[tokio::test]
async fn what_was_recorded_goes_up_again() {
    let image = Image::base("a").add_local_file(format!("{DATA}/app/main.py"), "/m");
    let create = async |transport| {
        let api = Daytona::builder(Config::new(KEY)).transport(transport);
        let sandboxes = api.build().unwrap().sandboxes();
        sandboxes.create().image(&image).send().await
    };
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(404, &[], "")
        .answer(200, &[], "")
        .json(200, r#"{"id":"sb-1"}"#);
    let recording = Recording::new(server.share());
    create(recording.share()).await.unwrap();
    let cassette = recording.cassette();
    let operations: Vec<_> = cassette.operations().collect();
    let wanted = ["getPushAccess", "headObject", "putObject", "createSandbox"];
    assert_eq!(operations, wanted);
    let text = cassette.to_json();
    for canary in ["CANARYKEY", "canary-secret", "canary-token"] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
    // at another time, which is part of what is signed
    assert_eq!(text.matches("X-Amz-Date=").count(), 2);
    assert_eq!(text.matches("X-Amz-Date=DATE&").count(), 2);
    let replaying = Replaying::new(&cassette);
    create(replaying.share()).await.unwrap();
    assert!(replaying.unused().is_empty(), "{:?}", replaying.unused());
}

#[tokio::test]
async fn without_files_no_storage_is_asked() {
    let server = Scripted::new().json(200, r#"{"id":"sb-1"}"#);
    let create = scripted(&server).sandboxes().create();
    create.image(Image::base("a")).send().await.unwrap();
    let context = Image::base("a").context().await.unwrap();
    assert_eq!(context.hashes().count(), 0);
    context.upload(&scripted(&server)).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

/// Answers on loopback, and resets the first `broken` uploads in the middle; what the others brought.
async fn storage(broken: usize) -> (u16, mpsc::UnboundedReceiver<usize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, sizes) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut left = broken;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let (status, answer) = match head.split_once(' ').unwrap().0 {
                "get" => (
                    200,
                    ACCESS.replace(
                        "https://storage.test:9000",
                        &format!("http://127.0.0.1:{port}"),
                    ),
                ),
                "head" => (404, String::new()),
                _ if left > 0 => {
                    left -= 1;
                    let mut half = vec![0; length / 2];
                    stream.read_exact(&mut half).await.unwrap();
                    stream.set_zero_linger().unwrap();
                    continue;
                }
                _ => {
                    let mut whole = vec![0; length];
                    stream.read_exact(&mut whole).await.unwrap();
                    sender.send(length).unwrap();
                    (200, String::new())
                }
            };
            let answer = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, sizes, tasks)
}

#[tokio::test]
async fn an_upload_that_fails_half_way_is_made_again_from_its_beginning_or_told() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "large", &"x".repeat(1 << 20));
    let image = Image::base("a").add_local_file(folder.path().join("large"), "/l");
    let context = image.context().await.unwrap();
    for broken in [1, 2, 3] {
        let (port, mut sizes, _tasks) = storage(broken).await;
        let config = Config::new(KEY).api_url(format!("http://127.0.0.1:{port}/api"));
        let uploaded = context.upload(&Daytona::new(config).unwrap()).await;
        if broken < 3 {
            uploaded.unwrap();
            // its head, the file and the end of the archive
            assert!(sizes.try_recv().unwrap() > 1 << 20);
        } else {
            let error = uploaded.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
            assert_eq!(error.operation(), Some("putObject"));
        }
        assert!(sizes.try_recv().is_err());
    }
}
