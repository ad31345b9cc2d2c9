//! Files, over connections in memory. The files are real, and so is the time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_env::{DaytonaEnvironment, DaytonaSandbox};
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::{ExecRequest, Sandbox};

use super::{dropped_after, report, stepwise};
use crate::world::{heals, on, wire};

/// A server that keeps files and runs commands, with a sandbox.
pub(super) struct Place {
    pub(super) server: Arc<Server>,
    environment: DaytonaEnvironment,
    pub(super) sandbox: Arc<DaytonaSandbox>,
}

impl Place {
    pub(super) async fn make() -> Self {
        let builder = Server::builder().isolation(Isolation::None);
        let server = Arc::new(builder.start().await.unwrap());
        // so that each call has to wait, and there is something to drop
        let latency = Fault::any()
            .path("/toolbox/*")
            .delay(Duration::from_millis(5));
        server.faults().inject(latency.always());
        let environment = on(&server).transport(wire(&server)).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        Self {
            server,
            environment,
            sandbox,
        }
    }

    pub(super) async fn heals(self) {
        heals(&self.server, &self.environment).await;
    }
}

/// A file whose upload was dropped is there whole, or as it was before, or not at all; the next upload is whole.
#[test]
fn put() {
    stepwise(false, put_is_dropped());
}

async fn put_is_dropped() {
    let place = Place::make().await;
    let sandbox = &place.sandbox;
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
    place.heals().await;
}

/// A dropped download takes nothing with it.
#[test]
fn get() {
    stepwise(false, get_is_dropped());
}

async fn get_is_dropped() {
    let place = Place::make().await;
    let sandbox = &place.sandbox;
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
    place.heals().await;
}

/// The rest of what a handle can do with files.
#[test]
fn list_and_remove() {
    stepwise(false, list_and_remove_is_dropped());
}

async fn list_and_remove_is_dropped() {
    let place = Place::make().await;
    let sandbox = &place.sandbox;
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
    place.heals().await;
}

/// A directory is there or not; the next call makes it.
#[test]
fn make_dir() {
    stepwise(false, make_dir_is_dropped());
}

async fn make_dir_is_dropped() {
    let place = Place::make().await;
    let sandbox = &place.sandbox;
    let mut points = 0;
    loop {
        let path = format!("dir-{points}/below");
        let made = dropped_after(points + 1, sandbox.make_dir(&path)).await;
        if let Some(made) = &made {
            made.as_ref().unwrap();
            assert_eq!(sandbox.list(&path).await.unwrap(), []);
            break;
        }
        sandbox.make_dir(&path).await.unwrap();
        assert_eq!(sandbox.list(&path).await.unwrap(), [], "{points}");
        points += 1;
    }
    report("make_dir", "in memory", points);
    place.heals().await;
}

/// The whole output of a command: a dropped read takes nothing away, a dropped removal leaves it or takes it, and what
/// is there after it is whole.
#[test]
fn spills() {
    stepwise(false, spills_are_dropped());
}

async fn spills_are_dropped() {
    let place = Place::make().await;
    let sandbox = &*place.sandbox;
    let text: String = (1..=20_000).map(|n| format!("{n}\n")).collect();
    let spilt = || async {
        let request = ExecRequest::shell("seq 20000").output_limit(100, 100);
        let outcome = sandbox.exec(request).await.unwrap();
        outcome.stdout().spill_path().unwrap().to_owned()
    };
    let path = spilt().await;
    let mut points = 0;
    loop {
        let read = Box::pin(sandbox.read_spill(&path, 0..1 << 20));
        if dropped_after(points + 1, read).await.is_some() {
            break;
        }
        points += 1;
        let whole = sandbox.read_spill(&path, 0..1 << 20).await.unwrap();
        assert_eq!(whole, text.as_bytes(), "after {points} polls");
    }
    report("read_spill", "in memory", points);
    points = 0;
    loop {
        let path = spilt().await;
        let removed = dropped_after(points + 1, sandbox.remove_spill(&path)).await;
        match sandbox.read_spill(&path, 0..1 << 20).await {
            Ok(whole) => {
                assert!(removed.is_none(), "it was not removed");
                assert_eq!(whole, text.as_bytes(), "after {points} polls");
            }
            Err(error) => assert!(error.is_not_found(), "{error}"),
        }
        sandbox.remove_spill(&path).await.unwrap();
        let gone = sandbox.read_spill(&path, 0..1).await.unwrap_err();
        assert!(gone.is_not_found(), "after {points} polls: {gone}");
        if let Some(removed) = removed {
            removed.unwrap();
            break;
        }
        points += 1;
    }
    report("remove_spill", "in memory", points);
    place.heals().await;
}
