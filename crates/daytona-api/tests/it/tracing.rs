//! Trace context on the requests.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use daytona_api::api::Upload;
use daytona_api::test_util::Scripted;
use daytona_api::{Config, Daytona, TraceContext};
use futures_util::stream;

use super::support::KEY;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c";
const PROXY: &str = "https://proxy.app.daytona.io/toolbox";

/// A client whose requests say the how manieth they are.
fn traced(server: &Scripted) -> Daytona {
    let count = AtomicU32::new(0);
    let config = Config::new(KEY).trace_context(move || {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let context = TraceContext::new(&format!("{TRACE}-{number:016x}-01")).ok()?;
        context.tracestate("vendor=1").ok()
    });
    let builder = Daytona::builder(config).transport(server.share());
    builder.build().unwrap()
}

fn parents(server: &Scripted) -> Vec<String> {
    let requests = server.requests();
    let parents = requests.iter().map(|request| {
        assert_eq!(request.header("tracestate"), Some("vendor=1"));
        let parent = request.header("traceparent").unwrap();
        parent.replace(TRACE, "")
    });
    parents.collect()
}

fn number(number: u32) -> String {
    format!("-{number:016x}-01")
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_context_of_its_own() {
    let server = Scripted::new()
        .answer(503, &[], "")
        .json(200, r#"{"id":"sb-1"}"#);
    let api = traced(&server);
    api.sandboxes().get("sb-1").await.unwrap();
    assert_eq!(parents(&server), [number(1), number(2)]);
}

#[tokio::test]
async fn transfers_and_upgrades_have_one_too() {
    let server = Scripted::new()
        .json(200, r#"{"files":[{"path":"a","bytes":5}]}"#)
        .answer(200, &[("content-length", "5")], "hello")
        .answer(404, &[], "");
    let toolbox = traced(&server).toolbox_at(PROXY, "sb-1").unwrap();
    let files = toolbox.files();
    let content = stream::iter([Ok(Bytes::from("he")), Ok(Bytes::from("llo"))]);
    let sent = files.upload_many([("a", Upload::stream(content, 5))]);
    assert!(sent.await.unwrap().is_complete());
    let mut download = files.download("a").send().await.unwrap();
    assert_eq!(download.next().await.unwrap().unwrap(), "hello");
    toolbox.pty().connect("main").await.map(drop).unwrap_err();
    let requests = server.requests();
    assert_eq!(requests[2].header("upgrade"), Some("websocket"));
    assert_eq!(parents(&server), [number(1), number(2), number(3)]);
}

#[tokio::test]
async fn without_a_context_nothing_is_sent() {
    let server = Scripted::new()
        .json(200, r#"{"id":"sb-1"}"#)
        .json(200, r#"{"id":"sb-1"}"#);
    for config in [Config::new(KEY), Config::new(KEY).trace_context(|| None)] {
        let builder = Daytona::builder(config).transport(server.share());
        builder
            .build()
            .unwrap()
            .sandboxes()
            .get("sb-1")
            .await
            .unwrap();
    }
    for request in server.requests() {
        assert_eq!(request.header("traceparent"), None);
        assert_eq!(request.header("tracestate"), None);
    }
}

/// The hook is not even asked for what must not go out.
#[tokio::test]
async fn no_other_host_sees_it() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let config = Config::new(KEY).trace_context(move || {
        count.fetch_add(1, Ordering::Relaxed);
        TraceContext::new(&format!("{TRACE}-00000000000000ff-00")).ok()
    });
    let elsewhere = [("location", "https://elsewhere.example/api/sandbox/sb-1")];
    let server = Scripted::new().answer(307, &elsewhere, "");
    let api = Daytona::builder(config)
        .transport(server.share())
        .build()
        .unwrap();
    api.toolbox_at("https://elsewhere.example/toolbox", "sb-1")
        .map(drop)
        .unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(
        api.sandboxes().get("sb-1").await.unwrap_err().status(),
        Some(307)
    );
    assert_eq!(
        (asked.load(Ordering::Relaxed), server.requests().len()),
        (1, 1)
    );
    assert_eq!(server.requests()[0].origin(), "https://app.daytona.io");
}
