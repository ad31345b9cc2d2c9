//! Files, there and back.

use bytes::Bytes;
use sandbox_core::{ErrorKind, ExecRequest, ExecStatus, Sandbox as _, SandboxExt as _};

use super::server::Server;

#[tokio::test]
async fn files_go_there_and_back() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    sandbox
        .put("a/b/ü 'c'.bin", content.clone().into())
        .await
        .unwrap();
    assert_eq!(sandbox.get("a/./b/ü 'c'.bin").await.unwrap(), content);
    sandbox.put_text("a/b/ü 'c'.bin", "new").await.unwrap();
    assert_eq!(sandbox.get_text("a/b/ü 'c'.bin").await.unwrap(), "new");
    sandbox.put("empty", Bytes::new()).await.unwrap();
    assert_eq!(sandbox.get("empty").await.unwrap().len(), 0);
    assert!(server.workdir.path().join("a/b/ü 'c'.bin").is_file());

    sandbox.make_dir("x/y").await.unwrap();
    sandbox.make_dir("x/y").await.unwrap();
    let rows = sandbox.list("").await.unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.path.as_str(), row.is_dir, row.size))
        .collect();
    assert_eq!(seen[0].0, "a");
    assert_eq!(seen[1], ("empty", false, 0));
    assert_eq!((seen[2].0, seen[2].1), ("x", true));
    let rows = sandbox.list("a/b").await.unwrap();
    assert_eq!((rows[0].path.as_str(), rows[0].size), ("a/b/ü 'c'.bin", 3));
    assert_eq!(rows[0].mode, Some(0o644));

    sandbox.remove("a").await.unwrap();
    sandbox.remove("a").await.unwrap();
    assert!(!server.workdir.path().join("a").exists());
    let error = sandbox.get("a/b/ü 'c'.bin").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        sandbox.list("a").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn commands_and_files_meet_in_the_workdir() {
    let server = Server::new();
    let sandbox = server.sandbox();
    sandbox.put_text("src/in.txt", "hello").await.unwrap();
    let outcome = sandbox
        .shell("cat in.txt > ../out.txt")
        .cwd("src")
        .await
        .unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(0));
    assert_eq!(sandbox.get_text("out.txt").await.unwrap(), "hello");
}

#[tokio::test]
async fn a_spill_file_is_read_in_pieces() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let request = ExecRequest::shell("seq 1 50000").output_limit(5, 5);
    let outcome = sandbox.exec(request).await.unwrap();
    let path = outcome.stdout().spill_path().unwrap();
    let total = outcome.stdout().total();
    let mut all = Vec::new();
    loop {
        let at = all.len() as u64;
        let piece = sandbox.read_spill(path, at..at + 100_000).await.unwrap();
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= 100_000);
        all.extend_from_slice(&piece);
    }
    let wanted: String = (1..=50_000).map(|n| format!("{n}\n")).collect();
    assert_eq!((all.len() as u64, all == wanted.as_bytes()), (total, true));
    std::fs::remove_file(path).unwrap();
    assert!(
        sandbox
            .read_spill(path, 0..1)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn large_input_goes_through_a_file_that_is_removed() {
    let server = Server::new();
    let sandbox = server.sandbox();
    let input: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let request = ExecRequest::argv(["sha256sum"]).stdin(input.clone());
    let outcome = sandbox.exec(request).await.unwrap();
    assert_eq!(outcome.status(), ExecStatus::Exited(0), "{outcome:?}");
    sandbox.put("input", input.into()).await.unwrap();
    let plain = sandbox.shell("sha256sum < input").await.unwrap();
    assert_eq!(outcome.stdout().to_bytes(), plain.stdout().to_bytes());
    let script = server.state().executed["command"].as_str().unwrap().len();
    assert!(script < 10_000, "{script}");
    let log = server.state().log.clone();
    assert_eq!(
        log[..2],
        [
            "POST /toolbox/sb-1/files/bulk-upload",
            "POST /toolbox/sb-1/process/execute"
        ]
    );
    for _ in 0..200_000 {
        if !input_left() {
            break;
        }
        std::thread::yield_now();
    }
    assert!(!input_left());
}

fn input_left() -> bool {
    let entries = std::fs::read_dir("/tmp").unwrap().flatten();
    entries.map(|entry| entry.file_name()).any(|name| {
        name.to_str()
            .is_some_and(|name| name.starts_with(".denv-in-"))
    })
}
