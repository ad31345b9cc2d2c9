//! What is refused, by the storage and before it is asked.

use std::fs;
use std::os::unix::fs::symlink;

use daytona_api::Error;
use daytona_api::api::{Image, PipOptions};
use daytona_api::test_util::Scripted;
use tempfile::TempDir;

use super::{ACCESS, DATA, write};
use crate::support::scripted;

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

#[test]
fn a_pattern_without_end_is_refused() {
    let folder = TempDir::new().unwrap();
    for name in ["a", "b", "c"] {
        write(folder.path(), &format!("{name}/file"), "");
    }
    let lines = |line: &str| Image::base("a").dockerfile_commands_in([line], folder.path());
    let deep = format!("COPY {}* /x", "*/../".repeat(11));
    let mut told = String::new();
    for line in [
        deep,
        format!("COPY {}* /x", "*/".repeat(100_000)),
        format!("COPY {}/x", "a ".repeat(100_001)),
    ] {
        let error = lines(&line).dockerfile().map(str::len).unwrap_err();
        assert!(error.is_build());
        told.push_str(&format!("{error}\n"));
    }
    insta::assert_snapshot!(told);
    assert!(lines("COPY */../*/file /x").dockerfile().is_ok());
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
