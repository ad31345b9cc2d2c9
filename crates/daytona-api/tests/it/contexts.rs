//! Images that copy files of this machine: what is hashed, what goes over the wire, and what is refused.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use daytona_api::api::{Image, PipOptions};
use daytona_api::test_util::{Captured, Scripted};
use daytona_api::{Error, ErrorKind};
use serde_json::Value;
use tempfile::TempDir;

use super::support::{scripted, show};

/// What the official Python client, release 0.226.1, writes and hashes for the same steps.
const OFFICIAL: &str = include_str!("data/official.json");
const DATA: &str = "tests/it/data/context";
const ACCESS: &str = r#"{"accessKey":"CANARYKEY","secret":"canary-secret","sessionToken":"canary-token",
    "storageUrl":"https://storage.test:9000/s3","organizationId":"org-1","bucket":"builds","region":"eu-1"}"#;

async fn hashes(image: &Image) -> Vec<String> {
    let context = image.context().await.unwrap();
    context.hashes().map(str::to_owned).collect()
}

async fn compare(cases: Vec<(&str, Image)>) {
    let official: BTreeMap<String, Value> = serde_json::from_str(OFFICIAL).unwrap();
    for (name, image) in cases {
        let wanted = &official[name];
        assert_eq!(image.dockerfile().unwrap(), wanted["dockerfile"], "{name}");
        let wanted: Vec<&str> = wanted["hashes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(hashes(&image).await, wanted, "{name}");
    }
}

#[tokio::test]
async fn lines_and_hashes_are_those_of_the_official_client() {
    let base = || Image::base("debian:12");
    let at = |path: &str| format!("{DATA}/{path}");
    let requirements = PipOptions::new()
        .find_links("/a b")
        .find_links("https://x/")
        .index_url("https://i/simple")
        .extra_index_url("https://e/1")
        .extra_index_url("https://e/2")
        .pre(true)
        .extra_options(" --no-cache-dir  --quiet ");
    let project = PipOptions::new()
        .find_links("https://f/")
        .index_url("https://i/")
        .extra_index_url("https://e/")
        .pre(true)
        .extra_options("--quiet");
    let simple = PipOptions::new().index_url("https://u:p@i/simple");
    compare(vec![
        (
            "a file",
            base().add_local_file(at("app/main.py"), "/srv/main.py"),
        ),
        (
            "a file into a folder",
            base().add_local_file(format!("./{DATA}/app/../app//main.py"), "/srv/"),
        ),
        (
            "a file with a name of more than ascii",
            base().add_local_file(at("café/menu le jour.txt"), "/srv/menü \"1\".txt"),
        ),
        ("a folder", base().add_local_dir(at("app/"), "/srv/app")),
        (
            "requirements",
            base().pip_install_from_requirements(at("requirements.txt"), &requirements),
        ),
        (
            "pyproject",
            base()
                .pip_install_from_pyproject(at("pyproject.toml"), ["dev"], &project)
                .unwrap(),
        ),
        ("pip", base().pip_install_with(["b>=1", "a[x]"], &simple)),
        (
            "a dockerfile",
            Image::from_dockerfile(at("Dockerfile")).unwrap(),
        ),
        (
            "lines in a folder",
            base().dockerfile_commands_in(
                [
                    "COPY app/pkg/inner /x",
                    "copy requirements.txt app/main.py /y/",
                ],
                DATA,
            ),
        ),
        (
            "lines in a folder with a slash",
            base().dockerfile_commands_in(["COPY app/pkg/inner /x"], format!("{DATA}/")),
        ),
        (
            "all of a folder",
            base().dockerfile_commands_in(["COPY . /x"], at("app/pkg/inner/")),
        ),
    ])
    .await;
    assert!(!format!("{simple:?}").contains("u:p"), "{simple:?}");
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn dockerfile(root: &Path, line: &str) -> Image {
    write(root, "Dockerfile", &format!("FROM a\n{line}\n"));
    Image::from_dockerfile(root.join("Dockerfile")).unwrap()
}

#[tokio::test]
async fn empty_folders_and_links_are_hashed_as_by_the_official_client() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "tree/sub/a.txt", "a");
    fs::create_dir(root.join("tree/sub/empty")).unwrap();
    write(root, "m/n/a.txt", "a");
    symlink("n/a.txt", root.join("m/to-file")).unwrap();
    write(root, "o/n/a.txt", "a");
    symlink("n", root.join("o/to-folder")).unwrap();
    compare(vec![("an empty folder", dockerfile(root, "COPY tree /x"))]).await;
    compare(vec![("a link to a file", dockerfile(root, "COPY m /x"))]).await;
    compare(vec![("a link to a folder", dockerfile(root, "COPY o /x"))]).await;
}

#[tokio::test]
async fn the_digest_sees_what_the_hash_does_not() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "d/a", "bc");
    let image = Image::base("a").add_local_dir(root.join("d"), "/d");
    let first = image.context().await.unwrap();
    assert_eq!((first.entries(), first.bytes()), (1, 2));
    // a name and a content that are the same bytes in a row
    fs::remove_file(root.join("d/a")).unwrap();
    write(root, "d/ab", "c");
    let moved = image.context().await.unwrap();
    assert!(first.hashes().eq(moved.hashes()));
    assert_ne!(first.digest(), moved.digest());
    // the mode
    fs::set_permissions(root.join("d/ab"), fs::Permissions::from_mode(0o755)).unwrap();
    let runnable = image.context().await.unwrap();
    assert!(runnable.hashes().eq(moved.hashes()));
    assert_ne!(runnable.digest(), moved.digest());
    // and not the order in which a folder lists, nor when it was written
    fs::remove_dir_all(root.join("d")).unwrap();
    let names = ["a", "b", "c", "d/e"];
    for name in names {
        write(root, &format!("d/{name}"), name);
    }
    let one = image.context().await.unwrap();
    fs::remove_dir_all(root.join("d")).unwrap();
    for name in names.iter().rev() {
        write(root, &format!("d/{name}"), name);
    }
    let other = image.context().await.unwrap();
    assert_eq!(one.digest(), other.digest());
    let shown = format!("{image:?} {one:?}");
    assert!(!shown.contains(root.to_str().unwrap()), "{shown}");
}

#[tokio::test]
async fn what_looks_as_it_did_is_not_read_again() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a", "one");
    let image = Image::base("a").add_local_file(folder.path().join("a"), "/a");
    let young = image.context().await.unwrap();
    // of the same size, and within the grain of the file's time
    write(folder.path(), "a", "two");
    let after = young.refreshed().await.unwrap();
    assert_ne!(young.digest(), after.digest());
    let same = after.refreshed().await.unwrap();
    assert_eq!(after.digest(), same.digest());
}

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

async fn failed(server: &Scripted) -> Error {
    let api = scripted(server);
    let image = Image::base("a").add_local_file(format!("{DATA}/app/main.py"), "/m");
    let error = api
        .sandboxes()
        .create()
        .image(image)
        .send()
        .await
        .unwrap_err();
    assert!(!error.may_have_reached_server(), "{error:?}");
    let asked = server.requests();
    assert!(asked.iter().all(|request| request.path() != "/api/sandbox"));
    let text = format!("{error} {error:?} {asked:?}");
    for canary in ["CANARYKEY", "canary-secret", "canary-token", "%2Fs3%2Faws4"] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
    error
}

fn xml(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><StringToSign>canary-secret</StringToSign></Error>"
    )
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_the_storage_is_told_apart() {
    let begun = || Scripted::new().json(200, ACCESS);
    let mut told = String::new();
    let mut tell = |name: &str, error: &Error| {
        told.push_str(&format!(
            "{name}: {:?} {:?} {:?}: {error}\n",
            error.kind(),
            error.status(),
            error.code()
        ));
    };
    let none = Scripted::new().json(503, r#"{"message":"Object storage is not configured"}"#);
    let none = none
        .json(503, r#"{"message":"Object storage is not configured"}"#)
        .json(503, r#"{"message":"Object storage is not configured"}"#);
    tell("no storage", &failed(&none).await);
    for (name, status, body) in [
        ("no right", 403, xml("AccessDenied", "Not for CANARYKEY")),
        (
            "expired",
            400,
            xml("ExpiredToken", "The provided token has expired."),
        ),
        ("no bucket", 404, xml("NoSuchBucket", "The bucket is gone")),
        (
            "moved",
            301,
            xml("PermanentRedirect", "Go to another region"),
        ),
        ("a page", 403, "<html>canary-token</html>".to_owned()),
        ("nothing", 400, String::new()),
    ] {
        let server = begun().answer(404, &[], "").answer(status, &[], body);
        tell(name, &failed(&server).await);
        assert_eq!(server.requests().len(), 3, "{name}");
    }
    // asked again: the object comes to be with the last byte, or not at all
    let busy = xml("SlowDown", "Reduce your request rate.");
    let server = begun()
        .answer(404, &[], "")
        .answer(503, &[], busy.clone())
        .answer(503, &[], busy.clone())
        .answer(503, &[], busy);
    tell("busy", &failed(&server).await);
    assert_eq!(server.requests().len(), 5);
    let server = begun()
        .answer(403, &[], "")
        .answer(403, &[], xml("AccessDenied", "No"));
    tell("no look", &failed(&server).await);
    let server = begun().answer(307, &[("location", "http://elsewhere/")], "");
    tell("a look that is sent elsewhere", &failed(&server).await);
    for access in [
        r#"{}"#.to_owned(),
        ACCESS.replace("https://storage.test:9000/s3", "ftp://u:canary-secret@x/"),
        ACCESS.replace("org-1", ".."),
    ] {
        let server = Scripted::new().json(200, access);
        tell("no use", &failed(&server).await);
        assert_eq!(server.requests().len(), 1);
    }
    let clear = Scripted::new().json(200, ACCESS.replace("https://storage", "http://storage"));
    tell("in the clear", &failed(&clear).await);
    assert_eq!(clear.requests().len(), 1);
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_off_is_made_again() {
    use daytona_api::transport::Phase;
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

#[tokio::test]
async fn what_must_not_be_copied_is_refused_and_nothing_is_asked() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "secret", "s");
    write(root, "ctx/a", "a");
    symlink("../secret", root.join("ctx/out")).unwrap();
    symlink("/etc/hostname", root.join("ctx/abs")).unwrap();
    let ctx = root.join("ctx");
    let lines = |line: &str| Image::base("a").dockerfile_commands_in([line], &ctx);
    let mut told = String::new();
    for (name, image) in [
        ("up", lines("COPY ../secret /x")),
        ("absolute", lines("COPY /etc/hostname /x")),
        ("by a link", lines("COPY out /x")),
        ("not there", lines("COPY nothing /x")),
        ("no match", lines("ADD *.py /x/")),
        ("a variable", lines("COPY ${A} /x")),
        ("one word", lines("COPY a")),
        (
            "no folder",
            Image::base("a").dockerfile_commands_in(["COPY a /x"], root.join("no")),
        ),
        (
            "a file for a folder",
            Image::base("a").dockerfile_commands_in(["COPY a /x"], ctx.join("a")),
        ),
        (
            "without a folder",
            Image::base("a").dockerfile_commands(["COPY a /x"]),
        ),
        (
            "an option",
            Image::base("a").pip_install_with(["x"], &PipOptions::new().extra_options("a\nRUN b")),
        ),
        (
            "no destination",
            Image::base("a").add_local_file(ctx.join("a"), ""),
        ),
        ("no name", Image::base("a").add_local_file("/", "/x")),
        ("the root", Image::base("a").add_local_dir("/", "/x")),
    ] {
        let error = image.dockerfile().unwrap_err();
        assert!(error.is_build(), "{name}");
        assert!(image.context().await.is_err());
        told.push_str(&format!("{name}: {error}\n"));
    }
    let place = root.to_str().unwrap();
    insta::assert_snapshot!(told.replace(place, "ROOT"));
}

#[tokio::test]
async fn what_cannot_be_taken_over_is_told_before_anything_is_sent() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for name in ["up", "abs", "pipe", "broken", "deep"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    write(root, "secret", "s");
    symlink("../secret", root.join("up/link")).unwrap();
    symlink(root.join("secret"), root.join("abs/link")).unwrap();
    symlink("nothing", root.join("broken/link")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("pipe/fifo"))
        .status();
    assert!(made.expect("mkfifo is needed").success());
    fs::create_dir_all(root.join("deep").join("d/".repeat(70))).unwrap();
    let dir = |name: &str| Image::base("a").add_local_dir(root.join(name), "/x");
    let file = |name: &str| Image::base("a").add_local_file(root.join(name), "/x");
    let mut told = String::new();
    for (name, image) in [
        ("a link up", dir("up")),
        ("an absolute link", dir("abs")),
        ("a pipe", dir("pipe")),
        ("a pipe for a file", file("pipe/fifo")),
        ("a broken link", dir("broken")),
        ("nested", dir("deep")),
        ("nothing", file("nothing")),
        ("a folder for a file", file("up")),
        ("a file for a folder", dir("secret")),
        (
            "a device",
            Image::base("a").add_local_file("/dev/null", "/x"),
        ),
    ] {
        let server = Scripted::new();
        let create = scripted(&server).sandboxes().create().image(image);
        let error = create.send().await.unwrap_err();
        assert!(!error.may_have_reached_server(), "{name}");
        assert_eq!(server.requests().len(), 0, "{name}");
        told.push_str(&format!("{name}: {:?}: {error}\n", error.kind()));
    }
    let place = root.to_str().unwrap();
    insta::assert_snapshot!(told.replace(place, "ROOT"));
}

#[tokio::test]
async fn a_file_that_changes_before_it_is_sent_does_not_become_an_object() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "d/a", "one");
    write(root, "d/b", "x");
    let image = Image::base("a").add_local_dir(root.join("d"), "/d");
    let context = image.context().await.unwrap();
    for change in ["content", "length", "gone", "more"] {
        match change {
            "content" => write(root, "d/a", "two"),
            "length" => write(root, "d/a", "longer"),
            "gone" => fs::remove_file(root.join("d/b")).unwrap(),
            _ => write(root, "d/c", "more"),
        }
        let server = Scripted::new().json(200, ACCESS).answer(404, &[], "");
        let error = context.upload(&scripted(&server)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local, "{change}: {error}");
        assert!(
            error.to_string().contains("changed while it was read"),
            "{error}"
        );
        // the body broke off, so the request never came to its end
        assert_eq!(server.requests().len(), 2, "{change}");
        fs::remove_dir_all(root.join("d")).unwrap();
        write(root, "d/a", "one");
        write(root, "d/b", "x");
    }
    let server = Scripted::new()
        .json(200, ACCESS)
        .answer(404, &[], "")
        .answer(200, &[], "");
    context.upload(&scripted(&server)).await.unwrap();
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

#[test]
fn equal_images_copy_from_the_same_places() {
    let one = Image::base("a").add_local_file("/x/a", "/a");
    assert_eq!(one, Image::base("a").add_local_file("/x/./a", "/a"));
    let other = Image::base("a").dockerfile_commands(["# COPY"]);
    assert_ne!(one, other);
    assert!(one.has_local_files() && !other.has_local_files());
}

#[test]
fn a_project_without_a_list_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pyproject.toml");
    let mut told = String::new();
    for text in [
        "[project\ncanary",
        "a = 1",
        "[project]\nname = 'a'",
        "[project]\ndependencies = [1]",
        "[project]\ndependencies = ['--canary']",
        "[project]\ndependencies = []",
    ] {
        fs::write(&path, text).unwrap();
        let groups: &[&str] = if text.ends_with("[]") { &["dev"] } else { &[] };
        let made = Image::base("a").pip_install_from_pyproject(&path, groups, &PipOptions::new());
        let error = made
            .and_then(|image| image.dockerfile().map(str::to_owned))
            .unwrap_err();
        assert!(error.is_build());
        told.push_str(&format!("{error}\n"));
    }
    assert!(!told.contains("canary"), "{told}");
    insta::assert_snapshot!(told);
}
