//! The log of a build: what is asked for, and that no byte is lost or comes twice, wherever a connection breaks.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use daytona_api::api::BuildLog;
use daytona_api::test_util::Scripted;
use daytona_api::transport::{Body, ByteStream, Transport, TransportError};
use daytona_api::{Config, Daytona};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::support::{KEY, scripted, show};

const URL: &str = r#"{"url":"https://proxy.app.daytona.io/sandboxes/sb/build-logs"}"#;
const SNAPSHOT_URL: &str = r#"{"url":"https://proxy.app.daytona.io/snapshots/sb/build-logs"}"#;
const OCTETS: &[(&str, &str)] = &[("content-type", "application/octet-stream")];
const LOG: &[u8] = b"Step 1\n\xff\xfe\nStep 2\r\nover";

fn state(state: &str) -> String {
    format!(r#"{{"id":"sb","state":"{state}"}}"#)
}

/// Method and address of each request.
fn asked(server: &Scripted) -> String {
    let sent: Vec<String> = server.requests().iter().map(show).collect();
    let lines = sent.iter().filter_map(|text| text.lines().next());
    lines.collect::<Vec<_>>().join("\n")
}

async fn all(log: BuildLog) -> Vec<u8> {
    let pieces: Vec<Bytes> = log.into_stream().try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for() {
    let server = Scripted::new()
        .json(200, URL)
        // the build has not begun to write
        .json(404, "{}")
        .json(200, state("pending_build"))
        .answer(200, OCTETS, "one\n")
        // the answer ended while the build went on
        .json(200, state("building_snapshot"))
        .answer(200, OCTETS, "one\ntwo\n")
        .json(200, state("started"))
        .answer(200, OCTETS, "one\ntwo\nthree\n");
    let log = scripted(&server).sandboxes().build_log("sb");
    assert_eq!(all(log).await, b"one\ntwo\nthree\n");
    insta::assert_snapshot!(show(&server.requests()[3]));
    insta::assert_snapshot!(asked(&server), @"
    GET https://app.daytona.io/api/sandbox/sb/build-logs-url
    GET https://proxy.app.daytona.io/sandboxes/sb/build-logs?follow=true
    GET https://app.daytona.io/api/sandbox/sb
    GET https://proxy.app.daytona.io/sandboxes/sb/build-logs?follow=true
    GET https://app.daytona.io/api/sandbox/sb
    GET https://proxy.app.daytona.io/sandboxes/sb/build-logs?follow=true
    GET https://app.daytona.io/api/sandbox/sb
    GET https://proxy.app.daytona.io/sandboxes/sb/build-logs?follow=true
    ");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_of_a_snapshot() {
    let server = Scripted::new()
        .json(200, SNAPSHOT_URL)
        .json(404, "{}")
        .json(200, state("pending"))
        .answer(200, OCTETS, "one\n")
        .json(200, state("building"))
        .answer(200, OCTETS, "one\ntwo\n")
        .json(200, state("build_failed"))
        .answer(200, OCTETS, "one\ntwo\nno such base\n");
    let log = scripted(&server).snapshots().build_log("sb");
    assert_eq!(all(log).await, b"one\ntwo\nno such base\n");
    insta::assert_snapshot!(asked(&server), @"
    GET https://app.daytona.io/api/snapshots/sb/build-logs-url
    GET https://proxy.app.daytona.io/snapshots/sb/build-logs?follow=true
    GET https://app.daytona.io/api/snapshots/sb
    GET https://proxy.app.daytona.io/snapshots/sb/build-logs?follow=true
    GET https://app.daytona.io/api/snapshots/sb
    GET https://proxy.app.daytona.io/snapshots/sb/build-logs?follow=true
    GET https://app.daytona.io/api/snapshots/sb
    GET https://proxy.app.daytona.io/snapshots/sb/build-logs?follow=true
    ");
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_snapshot_ends_with_whatever_ends_its_build() {
    for (ends, over) in [
        ("active", true),
        ("inactive", true),
        ("error", true),
        ("build_failed", true),
        ("removing", true),
        ("pulling", false),
        ("snapshotting", false),
        ("of_tomorrow", false),
    ] {
        let server = Scripted::new()
            .json(200, SNAPSHOT_URL)
            .answer(200, OCTETS, "one\n")
            .json(200, state(ends))
            .answer(200, OCTETS, "one\n")
            .json(200, state("active"))
            .answer(200, OCTETS, "one\n");
        let log = scripted(&server).snapshots().build_log("sb");
        assert_eq!(all(log).await, b"one\n");
        let asked = if over { 4 } else { 6 };
        assert_eq!(server.requests().len(), asked, "{ends}");
    }
    // removed before it was read to its end
    let server = Scripted::new()
        .json(200, SNAPSHOT_URL)
        .answer(200, OCTETS, "one\n")
        .json(404, "{}")
        .json(404, "{}");
    let log = scripted(&server).snapshots().build_log("sb");
    assert_eq!(all(log).await, b"one\n");
    let mut log = scripted(&Scripted::new().json(404, "{}"))
        .snapshots()
        .build_log("sb");
    let error = log.next().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.operation(), Some("getSnapshotBuildLogsUrl"));
}

#[tokio::test]
async fn without_following_nothing_is_waited_for() {
    let server = Scripted::new()
        .json(200, URL)
        .answer(200, OCTETS, "so far\n")
        .json(200, URL)
        .json(404, "{}");
    let api = scripted(&server);
    let log = || api.sandboxes().build_log("sb").no_follow();
    assert_eq!(all(log()).await, b"so far\n");
    assert_eq!(server.requests()[1].query(), None);
    let mut none = log();
    assert!(none.next().await.unwrap_err().is_not_found());
    assert!(none.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_foreign_host_never_gets_the_credential() {
    for url in [
        "https://evil.example/sandboxes/sb/build-logs",
        "ftp://a",
        "",
    ] {
        let server = Scripted::new().json(200, format!(r#"{{"url":"{url}"}}"#));
        let mut log = scripted(&server).sandboxes().build_log("sb");
        let error = log.next().await.unwrap_err();
        assert!(error.is_build(), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
    let server = Scripted::new().json(404, r#"{"message":"no build info"}"#);
    let mut log = scripted(&server).sandboxes().build_log("sb");
    assert!(log.next().await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_became_shorter_or_never_comes_is_an_error() {
    let server = Scripted::new()
        .json(200, URL)
        .answer(200, OCTETS, "one\ntwo\n")
        .json(200, state("started"))
        .answer(200, OCTETS, "one\n");
    let mut log = scripted(&server).sandboxes().build_log("sb");
    assert_eq!(log.next().await.unwrap().unwrap(), "one\ntwo\n");
    let error = log.next().await.unwrap_err();
    assert!(error.to_string().contains("shorter"), "{error}");
    assert!(log.next().await.unwrap().is_none());

    // nothing was written, and nothing will be
    let server = Scripted::new()
        .json(200, URL)
        .json(404, "{}")
        .json(200, state("build_failed"))
        .json(404, "{}");
    let log = scripted(&server).sandboxes().build_log("sb");
    assert!(all(log).await.is_empty());
}

/// What becomes of a log's connection after its last byte.
#[derive(Clone, Copy, Debug)]
enum Then {
    Breaks,
    Hangs,
}

/// Answers with more of the log each time, and ends the build after some looks.
#[derive(Debug)]
struct Logs {
    step: usize,
    then: Then,
    sent: Mutex<usize>,
    looks: AtomicUsize,
    built_after: usize,
}

#[async_trait::async_trait]
impl Transport for Logs {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let path = request.uri().path();
        if path.ends_with("/build-logs-url") {
            let url = if path.starts_with("/api/snapshots/") {
                SNAPSHOT_URL
            } else {
                URL
            };
            return Ok(http::Response::new(
                Bytes::from_static(url.as_bytes()).into(),
            ));
        }
        if !path.ends_with("/build-logs") {
            let looks = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
            let state = match (looks < self.built_after, path.contains("snapshots")) {
                (true, true) => state("building"),
                (true, false) => state("creating"),
                (false, true) => state("active"),
                (false, false) => state("started"),
            };
            return Ok(http::Response::new(Bytes::from(state).into()));
        }
        let upto = {
            let mut sent = self.sent.lock().unwrap();
            *sent = (*sent + self.step).min(LOG.len());
            *sent
        };
        let pieces = stream::iter(
            LOG.get(..upto)
                .unwrap_or_default()
                .chunks(3)
                .map(|piece| Ok(Bytes::from_static(piece))),
        );
        let body = match (upto < LOG.len(), self.then) {
            (true, Then::Breaks) => {
                let broken = stream::iter([Err(io::Error::other("reset"))]);
                Body::sized(pieces.chain(broken), u64::MAX)
            }
            (_, Then::Hangs) => Body::sized(pieces.chain(stream::pending()), u64::MAX),
            (false, Then::Breaks) => Body::sized(pieces, upto as u64),
        };
        Ok(http::Response::new(body))
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        Ok((self.send(request).await?, None))
    }
}

/// The same log: of a sandbox's build, and of a snapshot's.
fn logs(step: usize, then: Then, built_after: usize) -> [(Arc<Logs>, BuildLog); 2] {
    let (first, of_sandbox) = server(step, then, built_after);
    let (second, of_snapshot) = server(step, then, built_after);
    [
        (first, of_sandbox.sandboxes().build_log("sb")),
        (second, of_snapshot.snapshots().build_log("sb")),
    ]
}

fn server(step: usize, then: Then, built_after: usize) -> (Arc<Logs>, Daytona) {
    let logs = Arc::new(Logs {
        step,
        then,
        sent: Mutex::new(0),
        looks: AtomicUsize::new(0),
        built_after,
    });
    let api = Daytona::builder(Config::new(KEY)).transport(Arc::<Logs>::clone(&logs));
    (logs, api.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn wherever_a_connection_breaks_no_byte_is_lost_or_comes_twice() {
    for step in 1..=LOG.len() {
        for (_, log) in logs(step, Then::Breaks, 1) {
            assert_eq!(all(log).await, LOG, "{step}");
        }
    }
    // it brings nothing, again and again
    for (_, mut log) in logs(0, Then::Breaks, 1) {
        assert!(log.next().await.is_err());
        assert!(log.next().await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_left_open_ends_with_the_build() {
    for (server, log) in logs(LOG.len(), Then::Hangs, 5) {
        let start = Instant::now();
        assert_eq!(all(log).await, LOG);
        // five looks, two seconds apart, of which the last says that it is built; then one more silence
        assert_eq!(server.looks.load(Ordering::Relaxed), 5);
        assert_eq!(start.elapsed(), Duration::from_secs(12));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_impatient_loses_nothing_and_sees_the_end() {
    for (step, then) in [(1, Then::Breaks), (LOG.len(), Then::Hangs)] {
        let [(_, mut log), _] = logs(step, then, 3);
        let (start, mut read) = (Instant::now(), Vec::new());
        loop {
            // each is dropped long before a silence or a pause is over
            match tokio::time::timeout(Duration::from_millis(30), log.next()).await {
                Ok(Ok(Some(piece))) => read.extend_from_slice(&piece),
                Ok(end) => break assert!(end.unwrap().is_none()),
                Err(_) => assert!(start.elapsed() < Duration::from_secs(60), "no end"),
            }
        }
        assert_eq!(read, LOG);
    }
}
