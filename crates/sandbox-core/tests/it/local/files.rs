//! Files of this host, below the folder.

use std::os::unix::fs::symlink;
use std::path::Path;

use bytes::Bytes;
use sandbox_core::{ErrorKind, LocalEnvironment, NoVars, Sandbox, SandboxExt};

use super::{close, open};

#[tokio::test]
async fn links_do_not_lead_out() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let (environment, sandbox) = open().await;
    let workdir = Path::new(sandbox.workdir());
    symlink(outside.path(), workdir.join("out")).unwrap();
    symlink(outside.path().join("secret"), workdir.join("file")).unwrap();
    symlink("/", workdir.join("root")).unwrap();
    symlink("../..", workdir.join("up")).unwrap();
    for path in ["out/secret", "file", "root/etc/passwd", "up/x"] {
        let error = sandbox.get(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PathEscape, "get {path}");
        let error = sandbox
            .put(path, Bytes::from_static(b"x"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PathEscape, "put {path}");
    }
    let kind = |error: sandbox_core::Error| error.kind();
    assert_eq!(
        sandbox.list("out").await.map_err(kind),
        Err(ErrorKind::PathEscape)
    );
    assert_eq!(
        sandbox.remove("out/secret").await.map_err(kind),
        Err(ErrorKind::PathEscape)
    );
    assert_eq!(
        sandbox.make_dir("out/new").await.map_err(kind),
        Err(ErrorKind::PathEscape)
    );
    // The links themselves may go.
    for link in ["out", "file", "root", "up"] {
        sandbox.remove(link).await.unwrap();
    }
    assert_eq!(sandbox.list("").await.unwrap(), []);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    close(environment, sandbox).await;
}

#[tokio::test]
async fn links_within_are_followed() {
    let (environment, sandbox) = open().await;
    sandbox.put_text("a/b", "one").await.unwrap();
    assert!(
        sandbox
            .shell("ln -s a here; ln -s ../a/b a/link")
            .await
            .unwrap()
            .success()
    );
    assert_eq!(sandbox.get_text("here/b").await.unwrap(), "one");
    sandbox.put_text("here/link", "two").await.unwrap();
    assert_eq!(sandbox.get_text("a/b").await.unwrap(), "two");
    close(environment, sandbox).await;
}

#[tokio::test]
async fn what_is_no_file_does_not_block() {
    let (environment, sandbox) = open().await;
    assert!(sandbox.shell("mkfifo pipe").await.unwrap().success());
    assert!(sandbox.get("pipe").await.is_err());
    assert!(sandbox.put_text("pipe", "x").await.is_err());
    sandbox.make_dir("dir").await.unwrap();
    assert_eq!(
        sandbox.get("dir").await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    sandbox.remove("pipe").await.unwrap();
    close(environment, sandbox).await;
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let environment = LocalEnvironment::builder()
        .max_file_size(10)
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    sandbox.put_text("ten", "0123456789").await.unwrap();
    assert_eq!(sandbox.get_text("ten").await.unwrap(), "0123456789");
    assert!(
        sandbox
            .shell("truncate -s 100G huge")
            .await
            .unwrap()
            .success()
    );
    assert_eq!(
        sandbox.get("huge").await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    close(environment, sandbox).await;
}
