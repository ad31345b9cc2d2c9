//! Whole folders to and from a sandbox, through a real `tar`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use daytona_api::api::{Files, Toolbox};
use daytona_api::{Config, Daytona, ErrorKind};
use daytona_local::{Isolation, Server};

pub(crate) async fn toolbox(server: &Server) -> Toolbox {
    let config = Config::new(server.token()).api_url(server.api_url());
    let api = Daytona::new(config).unwrap();
    let row = api.sandboxes().create().send().await.unwrap();
    api.toolbox(&row).unwrap()
}

pub(crate) async fn start() -> Server {
    let server = Server::builder().isolation(Isolation::None);
    server.start().await.unwrap()
}

/// Every entry below `root`, with what it is.
fn tree(root: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let about = fs::symlink_metadata(&path).unwrap();
            all.push(if about.is_dir() {
                folders.push(path.clone());
                format!("{name}/")
            } else if about.is_symlink() {
                format!("{name} -> {}", fs::read_link(&path).unwrap().display())
            } else {
                let bytes = fs::read(&path).unwrap();
                let sum = bytes.iter().fold(0u64, |sum, byte| {
                    sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
                });
                let run = about.permissions().mode() & 0o100 != 0;
                format!("{name} {} {sum:x} {run}", bytes.len())
            });
        }
    }
    all.sort();
    all
}

/// What lies in the sandbox's work-dir.
async fn lying_about(files: &Files) -> Vec<String> {
    let found = files.list(".").await.unwrap();
    let names = found.into_iter().map(|file| file.name);
    names.filter(|name| name.starts_with(".daytona-")).collect()
}

#[tokio::test]
async fn a_folder_goes_up_and_comes_down_the_same() {
    let server = start().await;
    let files = toolbox(&server).await.files();
    let local = tempfile::tempdir().unwrap();
    let from = local.path().join("from");
    let at = |name: &str| from.join(name);
    fs::create_dir_all(at("empty/inner")).unwrap();
    fs::create_dir_all(at("a b/ä\n'x'")).unwrap();
    fs::write(at("a b/ä\n'x'/file"), "text").unwrap();
    fs::write(at("-rf"), "").unwrap();
    let long = format!("{}/{}", "d".repeat(120), "e".repeat(200));
    fs::create_dir_all(at(&long)).unwrap();
    let big: Vec<u8> = (0..3_000_000u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    fs::write(at(&format!("{long}/big")), &big).unwrap();
    fs::write(at("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink(format!("../{long}/big"), at("empty/link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let sent = files
        .upload_folder(&from, "deep/er/to")
        .on_progress(move |progress| notes.lock().unwrap().push(progress))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.bytes, 3_000_000 + 4 + 10);
    let last = *seen.lock().unwrap().last().unwrap();
    assert_eq!(Some(last.bytes), last.total);
    assert!(lying_about(&files).await.is_empty());

    let into = local.path().join("into");
    let came = files
        .download_folder("deep/er/to/", &into)
        .send()
        .await
        .unwrap();
    assert_eq!(came, sent);
    assert_eq!(tree(&into), tree(&from));
    assert!(lying_about(&files).await.is_empty());
    let beside = fs::read_dir(local.path()).unwrap().count();
    assert_eq!(beside, 2, "nothing lies beside it");

    // what is there stays
    let error = files
        .upload_folder(&from, "deep/er/to")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
}

#[tokio::test]
async fn the_work_dir_itself_comes_without_its_archive() {
    let server = start().await;
    let toolbox = toolbox(&server).await;
    let files = toolbox.files();
    files.upload("a", "one").await.unwrap();
    // a file with two names is two files here
    let ran = toolbox.process().execute("ln a b").send().await.unwrap();
    assert_eq!(ran.exit_code, Some(0), "{ran:?}");
    let local = tempfile::tempdir().unwrap();
    let into = local.path().join("into");
    files.download_folder(".", &into).send().await.unwrap();
    for name in ["a", "b"] {
        assert_eq!(fs::read(into.join(name)).unwrap(), b"one");
    }
    assert!(!tree(&into).iter().any(|name| name.contains(".daytona-")));
}

#[tokio::test]
async fn a_hostile_sandbox_gets_nothing_out() {
    let server = start().await;
    let toolbox = toolbox(&server).await;
    let files = toolbox.files();
    let local = tempfile::tempdir().unwrap();
    for make in ["ln -s /etc/passwd d/x", "ln -s ../.. d/x", "mkfifo d/x"] {
        let script = format!("rm -rf d; mkdir d; {make}");
        let ran = toolbox.process().execute(script).send().await.unwrap();
        assert_eq!(ran.exit_code, Some(0), "{ran:?}");
        let into = local.path().join("into");
        let error = files.download_folder("d", &into).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{make}: {error:?}");
        assert_eq!(fs::read_dir(local.path()).unwrap().count(), 0, "{make}");
        assert!(lying_about(&files).await.is_empty());
    }
    let into = local.path().join("into");
    let error = files
        .download_folder("none", into)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error:?}");
    assert!(lying_about(&files).await.is_empty());
}

/// A transfer that is dropped half-way leaves nothing.
#[tokio::test]
async fn a_dropped_transfer_is_tidied() {
    let server = start().await;
    let files = toolbox(&server).await.files();
    let local = tempfile::tempdir().unwrap();
    let from = local.path().join("from");
    fs::create_dir(&from).unwrap();
    fs::write(from.join("big"), vec![7; 8 << 20]).unwrap();
    files.upload_folder(&from, "d").send().await.unwrap();

    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let into = local.path().join("into");
    let transfer = files
        .download_folder("d", &into)
        .on_progress(move |_| tell.send(()).unwrap_or_default())
        .send();
    tokio::select! {
        biased;
        _ = told.recv() => {}
        came = transfer => panic!("it was over before its first piece: {came:?}"),
    }
    // removed in the background
    for _ in 0..500 {
        let left = lying_about(&files).await.len();
        let beside = fs::read_dir(local.path()).unwrap().count();
        if left == 0 && beside == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("something stays behind");
}
