//! What bad input and bad answers come to, word for word, from the environment to the wire and back.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_SANDBOX};
use daytona_env::DaytonaEnvironment;
use daytona_local::Fault;
use sandbox_core::{Error, ErrorKind, ExecRequest, ExecStatus, Sandbox};

use crate::support::{left, on, seen, server, start, until};

/// Kind and text of an error and of all below it.
fn words(error: &Error) -> String {
    let mut text = format!("{:?}: {error}", error.kind());
    let mut next = error.source();
    while let Some(error) = next {
        let _ = write!(text, "\n    <- {error}");
        next = error.source();
    }
    text
}

#[tokio::test]
async fn answers_to_a_create() {
    let message =
        |status: u16, text: &str| format!(r#"{{"statusCode":{status},"message":"{text}"}}"#);
    let mut table = String::new();
    for (case, fault) in [
        (
            "400",
            Fault::on(&CREATE_SANDBOX).answer(400, message(400, "cpu must be a number")),
        ),
        (
            "401",
            Fault::on(&CREATE_SANDBOX).answer(401, message(401, "Unauthorized")),
        ),
        (
            "403",
            Fault::on(&CREATE_SANDBOX).answer(403, message(403, "Access denied")),
        ),
        (
            "404",
            Fault::on(&CREATE_SANDBOX).answer(404, message(404, "Region eu9 not found")),
        ),
        (
            "400, quota",
            Fault::on(&CREATE_SANDBOX).answer(
                400,
                message(400, "Total memory limit exceeded. Maximum: 10"),
            ),
        ),
        (
            "a page",
            Fault::on(&CREATE_SANDBOX).answer(404, "<html><title>Welcome</title></html>"),
        ),
        (
            "a redirect",
            Fault::on(&CREATE_SANDBOX)
                .answer(302, "")
                .header("Location", "http://elsewhere.test/"),
        ),
    ] {
        let server = start(server()).await;
        server.faults().inject(fault);
        let environment = on(&server).build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        let _ = writeln!(table, "{case}: {}", words(&error));
        assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1, "{case}");
        environment.close().await.unwrap();
        assert_eq!(left(&server), []);
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_wrong_key() {
    let server = start(server()).await;
    let environment = on(&server).api_key("dtn_of_somebody_else").build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    insta::assert_snapshot!(words(&error));
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    // a port that was free a moment ago
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let environment = DaytonaEnvironment::builder()
        .api_url(format!("http://{address}/api"))
        .api_key("dtn_any")
        .create_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = words(&error).replace(&address.to_string(), "[address]");
    insta::assert_snapshot!(text);
    // nothing was sent, so nothing can be left
    environment.close().await.unwrap();
}

/// Answers that are cut, or say less than they should, cost a look but not the sandbox.
#[tokio::test]
async fn answers_that_can_be_lived_with() {
    let optional = [
        "target",
        "cpu",
        "gpu",
        "memory",
        "disk",
        "user",
        "createdAt",
    ];
    for fault in [
        Fault::on(&CREATE_SANDBOX).answer_after_commit(200, r#"{"id":"4"#),
        Fault::on(&CREATE_SANDBOX).drop_fields(optional),
        Fault::on(&GET_SANDBOX).drop_fields(optional).always(),
    ] {
        let shown = format!("{fault:?}");
        let server = start(server()).await;
        server.faults().inject(fault);
        let environment = on(&server).build().unwrap();
        environment.open(&NoVars).await.unwrap();
        assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1, "{shown}");
        assert_eq!(left(&server).len(), 1, "{shown}");
        environment.close().await.unwrap();
        assert_eq!(left(&server), [], "{shown}");
    }
}

/// Something in between answers for the server, which did what was asked.
#[tokio::test]
async fn a_page_in_place_of_the_answer() {
    let server = start(server()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).answer_after_commit(200, "<html>ok</html>"));
    let environment = on(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn commands() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();

    let missing = sandbox.exec(ExecRequest::argv(["no-such-program"])).await;
    let missing = missing.unwrap();
    assert_eq!(missing.status(), ExecStatus::Exited(127));
    assert!(missing.stderr().text_lossy().contains("no-such-program"));

    let bytes = sandbox
        .exec(ExecRequest::argv(["printf", r"a\377\376b\000c"]))
        .await
        .unwrap();
    assert_eq!(&bytes.stdout().to_bytes()[..], b"a\xff\xfeb\0c");

    let mut table = String::new();
    for (case, request) in [
        ("no words", ExecRequest::argv(Vec::<String>::new())),
        ("a NUL", ExecRequest::argv(["echo", "a\0b"])),
        ("a bad name", ExecRequest::argv(["true"]).env("A-B", "1")),
        (
            "a NUL in a value",
            ExecRequest::argv(["true"]).env("A", "1\0"),
        ),
        (
            "no time",
            ExecRequest::argv(["true"]).timeout(Duration::ZERO),
        ),
    ] {
        let error = sandbox.exec(request).await.unwrap_err();
        let _ = writeln!(table, "{case}: {}", words(&error));
    }
    for path in ["../up", "/etc/passwd", "a/../../b", "a\0b", ""] {
        let error = sandbox.put(path, "x".into()).await.unwrap_err();
        let _ = writeln!(table, "put {path:?}: {}", words(&error));
    }
    for path in ["../up", "/etc/passwd", "a\0b", "nothing-here"] {
        let error = sandbox.get(path).await.unwrap_err();
        let _ = writeln!(table, "get {path:?}: {}", words(&error));
    }
    let table = table.replace(sandbox.workdir(), "[workdir]");
    insta::assert_snapshot!(table.replace(sandbox.id(), "[id]"));

    let nowhere = sandbox
        .exec(ExecRequest::shell("touch ran").cwd("no/such/dir"))
        .await;
    let ran = match nowhere {
        Ok(outcome) => outcome.success(),
        Err(error) => !error.is_invalid_input() && !error.is_not_found(),
    };
    assert!(!ran, "a command ran where there is no directory");
    assert!(sandbox.get("ran").await.unwrap_err().is_not_found());
    environment.close().await.unwrap();
}

#[tokio::test]
async fn a_hundred_mebibytes_of_output() {
    const MIB: u64 = 1024 * 1024;
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let outcome = sandbox
        .exec(ExecRequest::shell(
            "printf begin; head -c 104857589 /dev/zero; printf theend",
        ))
        .await
        .unwrap();
    let output = outcome.stdout();
    assert!(outcome.success() && output.truncated(), "{outcome:?}");
    assert_eq!(output.total(), 100 * MIB);
    assert!(output.to_bytes().len() < 4 * 1024 * 1024);
    let text = output.text_lossy();
    assert!(text.starts_with("begin") && text.ends_with("theend"));
    let spill = output.spill_path().unwrap();
    let last = sandbox
        .read_spill(spill, 100 * MIB - 6..100 * MIB)
        .await
        .unwrap();
    assert_eq!(last, "theend");
    // It stays until it is removed, or the sandbox ends; nothing runs isolated here, so the path is this machine's.
    let kept = || std::fs::metadata(spill).map(|file| file.len()).ok();
    assert_eq!(kept(), Some(100 * MIB));
    let again = sandbox.exec(ExecRequest::shell("head -c 1048576 /dev/zero"));
    let removed = again.await.unwrap();
    let removed = removed.stdout().spill_path().unwrap();
    sandbox.remove_spill(removed).await.unwrap();
    let error = sandbox.read_spill(removed, 0..1).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(kept(), Some(100 * MIB));
    environment.close().await.unwrap();
    until("the file is gone with its sandbox", || kept().is_none()).await;
}
