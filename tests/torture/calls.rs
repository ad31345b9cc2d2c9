//! Commands and files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::{ExecRequest, Sandbox};

use super::{dropped_after, report, stepwise};
use crate::world::{at, heals, in_place, left, on, wire};

/// Makes the fault of a world, if it has one.
type Make = fn() -> Option<Fault>;

/// A command that was dropped ran once or not at all, and the sandbox is as usable as before.
#[test]
fn exec() {
    stepwise(true, exec_is_dropped());
}

async fn exec_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let faults: [(&str, Make); 4] = [
        ("fast", || None),
        ("late", || {
            Some(Fault::on(&EXECUTE_COMMAND).delay(Duration::from_secs(2)))
        }),
        ("answer lost", || {
            Some(Fault::on(&EXECUTE_COMMAND).reset_after_commit())
        }),
        ("answer cut", || {
            Some(Fault::on(&EXECUTE_COMMAND).cut_body(20))
        }),
    ];
    for (name, fault) in faults {
        let mut points = 0;
        loop {
            let server = in_place(|builder| builder);
            let environment = at(&server).build().unwrap();
            let sandbox = environment.open(&NoVars).await.unwrap();
            if let Some(fault) = fault() {
                server.faults().inject(fault);
            }
            let log = folder.path().join(format!("{name}-{points}"));
            let line = format!("echo ran >> '{}'", log.display());
            let ended = dropped_after(points + 1, sandbox.exec(ExecRequest::shell(line))).await;
            // whatever is still under way comes to its end
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(
                runs(&log) <= 1,
                "{name}, after {points} polls: it ran twice"
            );
            assert_eq!(environment.open(&NoVars).await.unwrap().id(), sandbox.id());
            assert_eq!(left(&server).len(), 1);
            heals(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("exec", name, points);
    }
}

fn runs(log: &Path) -> usize {
    std::fs::read_to_string(log).map_or(0, |text| text.lines().count())
}

/// A server that keeps files, over connections in memory. Its files are real, and so is its time.
async fn with_files() -> Arc<Server> {
    let builder = Server::builder().isolation(Isolation::None);
    let server = Arc::new(builder.start().await.unwrap());
    // so that each call has to wait, and there is something to drop
    let latency = Fault::any()
        .path("/toolbox/*")
        .delay(Duration::from_millis(5));
    server.faults().inject(latency.always());
    server
}

/// A file whose upload was dropped is there whole, or as it was before, or not at all; the next upload is whole.
#[test]
fn put() {
    stepwise(false, put_is_dropped());
}

async fn put_is_dropped() {
    let server = with_files().await;
    let environment = on(&server).transport(wire(&server)).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let text = Bytes::from("some text\n".repeat(20_000));
    let mut points = 0;
    loop {
        let path = format!("file-{points}");
        let ended = dropped_after(points + 1, sandbox.put(&path, text.clone())).await;
        if let Some(put) = &ended {
            put.as_ref().unwrap();
            assert_eq!(sandbox.get(&path).await.unwrap(), text);
            break;
        }
        sandbox.put(&path, text.clone()).await.unwrap();
        assert_eq!(
            sandbox.get(&path).await.unwrap(),
            text,
            "after {points} polls"
        );
        points += 1;
    }
    report("put", "in memory", points);
    heals(&server, &environment).await;
}

/// A dropped download takes nothing with it.
#[test]
fn get() {
    stepwise(false, get_is_dropped());
}

async fn get_is_dropped() {
    let server = with_files().await;
    let environment = on(&server).transport(wire(&server)).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let text = Bytes::from("some text\n".repeat(20_000));
    sandbox.put("file", text.clone()).await.unwrap();
    let mut points = 0;
    while dropped_after(points + 1, sandbox.get("file"))
        .await
        .is_none()
    {
        points += 1;
        assert_eq!(
            sandbox.get("file").await.unwrap(),
            text,
            "after {points} polls"
        );
    }
    report("get", "in memory", points);
    heals(&server, &environment).await;
}

/// The rest of what a handle can do with files.
#[test]
fn list_and_remove() {
    stepwise(false, list_and_remove_is_dropped());
}

async fn list_and_remove_is_dropped() {
    let server = with_files().await;
    let environment = on(&server).transport(wire(&server)).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let mut points = 0;
    while dropped_after(points + 1, sandbox.list("")).await.is_none() {
        points += 1;
    }
    report("list", "in memory", points);
    points = 0;
    loop {
        sandbox.put("file", Bytes::from_static(b"x")).await.unwrap();
        let removed = dropped_after(points + 1, sandbox.remove("file")).await;
        if removed.is_some() {
            assert!(sandbox.get("file").await.unwrap_err().is_not_found());
            break;
        }
        points += 1;
    }
    report("remove", "in memory", points);
    heals(&server, &environment).await;
}
