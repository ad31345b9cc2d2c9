//! One fault against each operation in turn.

use std::sync::Arc;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_api::routes::toolbox::{DOWNLOAD_FILE, EXECUTE_COMMAND, UPLOAD_FILES};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, FaultHandle, Server};
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use tokio::time::timeout;

use crate::world::{NEVER, closes, heals, left, loopback, on};

/// The same fault for creates, look-ups, commands, uploads, downloads and deletes. In each case the invariants hold,
/// and the fault struck.
pub(super) async fn everywhere(fault: impl Fn(Fault) -> Fault + Sync) {
    everywhere_but_downloads(&fault).await;
    download(fault(Fault::on(&DOWNLOAD_FILE))).await;
}

/// The same but for downloads: where the server counts right and sends something else, there is nothing to tell by.
pub(super) async fn everywhere_but_downloads(fault: impl Fn(Fault) -> Fault + Sync) {
    create(fault(Fault::on(&CREATE_SANDBOX))).await;
    lookup(fault(Fault::on(&GET_SANDBOX))).await;
    command(fault(Fault::on(&EXECUTE_COMMAND))).await;
    upload(fault(Fault::on(&UPLOAD_FILES))).await;
    delete(fault(Fault::on(&DELETE_SANDBOX))).await;
}

fn inject(server: &Server, fault: Fault) -> FaultHandle {
    server.faults().inject(fault)
}

/// Whatever the open says, there is at most one sandbox, under at most one name, and none after close.
pub(super) async fn create(fault: Fault) {
    let server = loopback().await;
    let struck = inject(&server, fault);
    let environment = on(&server).build().unwrap();
    let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
    assert!(struck.hits() > 0, "the fault never struck");
    if let Ok(sandbox) = &opened {
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(alive, [sandbox.id()], "one sandbox, and it is this");
    }
    assert!(server.sandboxes().len() <= 1, "{:?}", server.sandboxes());
    heals(&server, &environment).await;
}

/// The create does not answer with a started sandbox, so that it has to be looked up.
async fn lookup(fault: Fault) {
    let server = loopback().await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).reset_after_commit());
    let struck = inject(&server, fault);
    let environment = on(&server).build().unwrap();
    let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
    assert!(struck.hits() > 0, "the fault never struck");
    drop(opened);
    assert!(server.sandboxes().len() <= 1, "{:?}", server.sandboxes());
    heals(&server, &environment).await;
}

async fn opened() -> (
    Arc<Server>,
    DaytonaEnvironment,
    Arc<daytona_env::DaytonaSandbox>,
) {
    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    (server, environment, sandbox)
}

/// A command ran at most once, and trouble on the way is no exit code.
pub(super) async fn command(fault: Fault) {
    let (server, environment, sandbox) = opened().await;
    let struck = inject(&server, fault);
    let request = ExecRequest::shell("echo ran >> log");
    let outcome = timeout(NEVER, sandbox.exec(request)).await.unwrap();
    assert!(struck.hits() > 0, "the fault never struck");
    server.faults().clear();
    let log = sandbox.exec(ExecRequest::shell("cat log 2>/dev/null || true"));
    let log = log.await.unwrap().stdout().text_lossy();
    assert!(
        log.is_empty() || log == "ran\n",
        "it ran more than once: {log:?}"
    );
    match outcome.unwrap().status() {
        ExecStatus::Exited(0) => assert_eq!(log, "ran\n"),
        ExecStatus::NotStarted => assert_eq!(log, ""),
        ExecStatus::Unknown => {}
        other => panic!("{other:?} is not what happened; the log: {log:?}"),
    }
    closes(&server, &environment).await;
}

/// A file is there, whole, if it was said to be.
async fn upload(fault: Fault) {
    let (server, environment, sandbox) = opened().await;
    let struck = inject(&server, fault);
    let text = Bytes::from("a line of text\n".repeat(500));
    let put = timeout(NEVER, sandbox.put("file", text.clone()))
        .await
        .unwrap();
    assert!(struck.hits() > 0, "the fault never struck");
    server.faults().clear();
    if put.is_ok() {
        assert_eq!(sandbox.get("file").await.unwrap(), text);
    }
    closes(&server, &environment).await;
}

/// What is downloaded is the file, or an error.
async fn download(fault: Fault) {
    let (server, environment, sandbox) = opened().await;
    let text = Bytes::from("a line of text\n".repeat(500));
    sandbox.put("file", text.clone()).await.unwrap();
    let struck = inject(&server, fault);
    let got = timeout(NEVER, sandbox.get("file")).await.unwrap();
    assert!(struck.hits() > 0, "the fault never struck");
    if let Ok(got) = got {
        assert!(got == text, "{} bytes that are not the file", got.len());
    }
    server.faults().clear();
    assert_eq!(sandbox.get("file").await.unwrap(), text);
    closes(&server, &environment).await;
}

/// A close is right about what it left.
pub(super) async fn delete(fault: Fault) {
    let (server, environment, _sandbox) = opened().await;
    let struck = inject(&server, fault);
    match timeout(NEVER, environment.close()).await.unwrap() {
        Ok(()) => assert_eq!(left(&server), []),
        Err(error) => {
            let named: Vec<_> = error.leftovers().iter().map(|left| left.name()).collect();
            for row in left(&server) {
                assert!(
                    named.contains(&row.name.as_str()),
                    "{error} does not name {row:?}"
                );
            }
        }
    }
    assert!(struck.hits() > 0, "the fault never struck");
    heals(&server, &environment).await;
}
