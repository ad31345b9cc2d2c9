//! Exchanges on record, and again without a server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use daytona_api::api::{Toolbox, Upload};
use daytona_api::test_util::{Capturing, Cassette, CassetteError, Recording, Replaying, Scripted};
use daytona_api::transport::{HyperTransport, Phase, Transport};
use daytona_api::{Config, Daytona, Error, ErrorKind};
use serde_json::Value;

use crate::support::{Do, KEY, Server, chain, json};

const PROXY: &str = "https://proxy.app.daytona.io/toolbox";

fn client(transport: Arc<dyn Transport>, key: &str) -> Daytona {
    Daytona::builder(Config::new(key))
        .transport(transport)
        .build()
        .unwrap()
}

/// Why a cassette refused a call.
fn refusal(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert!(!error.may_have_reached_server());
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<CassetteError>() {
            return refused.to_string();
        }
        next = cause.source();
    }
    panic!("{:?}", chain(error));
}

async fn read(toolbox: &Toolbox, path: &str) -> Result<Bytes, Error> {
    toolbox.files().download(path).bytes().await
}

/// What the canaries are in.
async fn calls(api: &Daytona) {
    let toolbox = api.toolbox_at(PROXY, "sb-1").unwrap();
    let made = api
        .sandboxes()
        .create()
        .name("demo")
        .env("PASSWORD", "canary-env-1");
    assert_eq!(made.send().await.unwrap().id, "sb-1");
    let process = toolbox.process();
    let ran = process
        .execute("echo $TOKEN")
        .env("TOKEN", "canary \"env\" 2");
    assert!(ran.send().await.unwrap().result.contains("said"));
    let preview = api
        .sandboxes()
        .signed_preview_url("sb-1", 80, None)
        .await
        .unwrap();
    let sandboxes = api.sandboxes();
    let expire = sandboxes.expire_signed_preview_url("sb-1", 80, &preview.token);
    expire.await.unwrap();
    let bytes = b"\xff\xfe canary-env-1 \xff".to_vec();
    toolbox
        .files()
        .upload("a.bin", Upload::from(bytes))
        .await
        .unwrap();
    let kept = read(&toolbox, "a.bin").await.unwrap();
    assert!(kept.starts_with(b"\xff\xfe "), "{kept:?}");
    toolbox
        .git()
        .clone_repository("https://me:canary-url-1@git.example.org/r", "r")
        .send()
        .await
        .unwrap();
    toolbox.process().execute("false").send().await.unwrap_err();
}

fn answers() -> Scripted {
    let in_base64 = "c2FpZCBjYW5hcnktZW52LTEgYWdhaW4K";
    Scripted::new()
        .json(200, r#"{"id":"sb-1","name":"demo","env":{"PASSWORD":"canary-env-1"},"state":"started"}"#)
        .json(200, format!(r#"{{"exitCode":0,"result":"said canary \"env\" 2\n{in_base64}"}}"#))
        .json(200, r#"{"sandboxId":"sb-1","port":80,"token":"canary-tok-1","url":"https://80-canary-tok-1.example.org/?q=1&X-Amz-Signature=canary-sig-1"}"#)
        .answer(200, &[], "")
        .json(200, "{}")
        .answer(200, &[("set-cookie", "canary-cookie-1"), ("etag", "\"canary-env-1\"")], b"\xff\xfe canary-env-1 \xff".to_vec())
        .answer(200, &[], "")
        .fail(Phase::Exchange)
}

#[tokio::test]
async fn what_was_recorded_answers_again_and_holds_no_secret() {
    let recording = Recording::new(answers().share()).hiding(["canary-other-1"]);
    calls(&client(recording.share(), KEY)).await;
    let cassette = recording.cassette();
    let text = cassette.to_json();
    assert!(!text.contains("canary"), "{text}");
    assert!(
        !text.contains("Y2FuYXJ5") && !text.contains("NhbmFye"),
        "{text}"
    );
    insta::assert_snapshot!("cassette", text);
    assert_eq!(Cassette::from_json(&text).unwrap(), cassette);

    // another key and other values
    let replaying = Replaying::new(&cassette);
    calls(&client(replaying.share(), "dtn_another-key")).await;
    assert!(replaying.unused().is_empty(), "{:?}", replaying.unused());
    assert!(replaying.missed().is_empty(), "{:?}", replaying.missed());
    for shown in [
        format!("{cassette:?}"),
        format!("{recording:?}"),
        format!("{replaying:?}"),
    ] {
        assert!(
            !shown.contains("canary") && !shown.contains("echo"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_transport_in_front_of_it_hides_nothing_from_it() {
    let recording = Recording::new(answers().share());
    calls(&client(Arc::new(Capturing::new(recording.share())), KEY)).await;
    let text = recording.cassette().to_json();
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("\"operation\": \"createSandbox\""), "{text}");
}

#[tokio::test]
async fn a_secret_within_bytes_goes_however_it_is_written() {
    let server = Scripted::new().answer(200, &[], "");
    let secret = "canary \"q\" 1";
    let recording = Recording::new(server.share()).hiding([secret]);
    let toolbox = client(recording.share(), KEY)
        .toolbox_at(PROXY, "sb-1")
        .unwrap();
    let coded = STANDARD.encode(format!("PASSWORD={secret}"));
    let mut bytes = format!(
        r#"{{"a":{}}} canary%20%22q%22%201 {coded} "#,
        Value::from(secret)
    )
    .into_bytes();
    bytes.push(0xff);
    let files = toolbox.files();
    files.upload("a.bin", Upload::from(bytes)).await.unwrap();
    let text = recording.cassette().to_json();
    let cassette: Value = serde_json::from_str(&text).unwrap();
    let body = &cassette["exchanges"][0]["request"]["body"]["base64"];
    let body = STANDARD.decode(body.as_str().unwrap()).unwrap();
    let body = String::from_utf8_lossy(&body);
    let kept = r#"{"a":"[redacted]"} [redacted] UEFTU1dPUkQ9"#;
    assert!(body.contains(kept), "{body}");
    assert!(
        !body.contains("canary") && !body.contains("Y2FuYXJ5"),
        "{body}"
    );
}

fn two_executes() -> Cassette {
    let text = r#"{"cassette": 1, "exchanges": [
        {"operation": "ExecuteCommand",
         "request": {"method": "POST", "url": "http://127.0.0.1:1/toolbox/sb-1/process/execute", "body": {"json": {"command": "one", "timeout": 5}}},
         "response": {"status": 200, "body": {"json": {"exitCode": 0, "result": "1"}}}},
        {"operation": "getSandbox",
         "request": {"method": "GET", "url": "http://127.0.0.1:1/api/sandbox/sb-1"},
         "response": {"status": 200, "body": {"json": {"id": "sb-1"}}}},
        {"operation": "ExecuteCommand",
         "request": {"method": "POST", "url": "http://127.0.0.1:1/toolbox/sb-1/process/execute", "body": {"json": {"command": "two"}}},
         "response": {"status": 200, "body": {"json": {"exitCode": 0, "result": "2"}}}}
    ]}"#;
    Cassette::from_json(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_cassette_lacks_is_told_apart() {
    let replaying = Replaying::new(&two_executes());
    let api = client(replaying.share(), KEY);
    let toolbox = api.toolbox_at(PROXY, "sb-1").unwrap();
    let run = async |command: &str, seconds: Option<u64>| {
        let call = toolbox.process().execute(command);
        match seconds {
            Some(seconds) => call.timeout(Duration::from_secs(seconds)).send().await,
            None => call.send().await,
        }
    };
    let mut told = vec![
        refusal(&run("two", None).await.unwrap_err()),
        refusal(&run("one", Some(6)).await.unwrap_err()),
        refusal(&run("one", None).await.unwrap_err()),
    ];
    assert_eq!(run("one", Some(5)).await.unwrap().result, "1");
    told.push(refusal(
        &toolbox
            .process()
            .execute("two")
            .cwd("/")
            .send()
            .await
            .unwrap_err(),
    ));
    // how operations mix does not matter
    assert_eq!(run("two", None).await.unwrap().result, "2");
    assert_eq!(replaying.unused(), ["getSandbox"]);
    let sandboxes = api.sandboxes();
    told.push(refusal(&sandboxes.get("sb-2").await.unwrap_err()));
    sandboxes.get("sb-1").await.unwrap();
    told.push(refusal(&sandboxes.get("sb-1").await.unwrap_err()));
    told.push(refusal(&sandboxes.stop("sb-1", false).await.unwrap_err()));
    insta::assert_snapshot!("refusals", told.join("\n"));
    let mut missed = replaying.missed();
    missed.dedup();
    assert_eq!(missed, told);
}

#[tokio::test]
async fn what_may_differ_is_named() {
    let replaying = Replaying::new(&two_executes()).ignoring(["command", "timeout"]);
    let toolbox = client(replaying.share(), KEY)
        .toolbox_at(PROXY, "sb-1")
        .unwrap();
    assert_eq!(
        toolbox
            .process()
            .execute("anything")
            .send()
            .await
            .unwrap()
            .result,
        "1"
    );
}

#[tokio::test]
async fn bodies_that_end_early_and_those_that_are_too_large() {
    let big = "x".repeat(4096);
    let server = Scripted::new()
        .answer(200, &[], big.clone())
        .answer(200, &[], big.clone());
    let recording = Recording::new(server.share()).limit(4095);
    let api = client(recording.share(), KEY);
    let toolbox = api.toolbox_at(PROXY, "sb-1").unwrap();
    let error = read(&toolbox, "a").await.unwrap_err();
    assert!(
        chain(&error)
            .iter()
            .any(|cause| cause.contains("larger than the 4095 bytes")),
        "{error:?}"
    );
    let error = toolbox.files().upload("a", big.clone()).await.unwrap_err();
    assert!(refusal(&error).contains("larger than the 4095 bytes"));
    let replaying = Replaying::new(&recording.cassette());
    let toolbox = client(replaying.share(), KEY)
        .toolbox_at(PROXY, "sb-1")
        .unwrap();
    assert_eq!(
        read(&toolbox, "a").await.unwrap_err().kind(),
        ErrorKind::Transport
    );

    // a connection that breaks within a body, over a real one
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let server = Server::new(vec![Do::WriteClose(head.into()), json(r#"{"id":"sb-1"}"#)]).await;
    let recording = Recording::new(Arc::new(HyperTransport::new()));
    let config = Config::new(KEY).api_url(format!("http://127.0.0.1:{}/api", server.port));
    let api = Daytona::builder(config)
        .transport(recording.share())
        .build()
        .unwrap();
    let toolbox = api
        .toolbox_at(&format!("http://127.0.0.1:{}/toolbox", server.port), "sb-1")
        .unwrap();
    read(&toolbox, "a").await.unwrap_err();
    let text = recording.cassette().to_json();
    assert!(text.contains("\"cut\": \"broken\""), "{text}");
    let replaying = Replaying::new(&recording.cassette());
    let toolbox = client(replaying.share(), KEY)
        .toolbox_at(PROXY, "sb-1")
        .unwrap();
    assert_eq!(
        read(&toolbox, "a").await.unwrap_err().kind(),
        ErrorKind::Transport
    );
}

#[tokio::test(start_paused = true)]
async fn a_web_socket_is_refused_before_anything_is_sent() {
    let server = Scripted::new();
    let recording = Recording::new(server.share());
    for transport in [recording.share(), Replaying::new(&two_executes()).share()] {
        let toolbox = client(transport, KEY).toolbox_at(PROXY, "sb-1").unwrap();
        let error = toolbox.interpreter().run("1").send().await.unwrap_err();
        assert!(
            refusal(&error).starts_with("a cassette keeps no WebSockets"),
            "{error:?}"
        );
    }
    assert!(server.requests().is_empty());
    assert_eq!(recording.cassette().operations().count(), 0);
}

#[test]
fn what_is_no_cassette_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    two_executes().save(&path).unwrap();
    assert_eq!(Cassette::load(&path).unwrap(), two_executes());
    let mut told = vec![
        Cassette::load(folder.path().join("b.json"))
            .unwrap_err()
            .to_string(),
    ];
    let exchange = |rest: &str| {
        format!(
            r#"{{"cassette":1,"exchanges":[{{"operation":"a","request":{{"method":"GET","url":"u"}}{rest}}}]}}"#
        )
    };
    for text in [
        "".to_owned(),
        "{}".to_owned(),
        r#"{"cassette":2,"exchanges":[]}"#.to_owned(),
        exchange(r#","response":{"status":99}"#),
        exchange(r#","response":{"status":200,"body":{"base64":"?"}}"#),
        exchange(
            r#","response":{"status":200},"failure":{"phase":"connect","sent":false,"timeout":false}"#,
        ),
    ] {
        told.push(Cassette::from_json(&text).unwrap_err().to_string());
    }
    insta::assert_snapshot!("no_cassettes", told.join("\n"));
}
