//! Retries and deadlines under paused time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use daytona_api::test_util::Scripted;
use daytona_api::transport::{ByteStream, Connector, HyperTransport, Phase};
use daytona_api::{Config, Daytona, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::{KEY, scripted};

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let server = Scripted::new()
        .answer(429, &[("retry-after-sandbox-lifecycle", "20")], "")
        .json(200, r#"{"id":"a"}"#);
    let begun = Instant::now();
    scripted(&server).sandboxes().get("a").await.unwrap();
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_secs(20) && waited <= Duration::from_secs(22),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_connection_is_tried_again_even_for_a_create() {
    let server = Scripted::new()
        .fail(Phase::Connect)
        .json(200, r#"{"id":"a"}"#);
    scripted(&server).sandboxes().create().send().await.unwrap();
    assert_eq!(server.requests().len(), 2);
    let server = Scripted::new()
        .fail(Phase::Exchange)
        .json(200, r#"{"id":"a"}"#);
    let error = scripted(&server)
        .sandboxes()
        .create()
        .send()
        .await
        .unwrap_err();
    assert!(error.may_have_reached_server());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_everything() {
    let server = Scripted::new().hang();
    let begun = Instant::now();
    let error = scripted(&server).sandboxes().get("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        begun.elapsed() <= Duration::from_secs(61),
        "{:?}",
        begun.elapsed()
    );

    let server = Scripted::new().hang();
    let toolbox = scripted(&server)
        .toolbox_at("https://app.daytona.io", "a")
        .unwrap();
    let begun = Instant::now();
    let execute = toolbox
        .process()
        .execute("x")
        .timeout(Duration::from_secs(100));
    let error = execute.send().await.unwrap_err();
    assert!(error.is_timeout());
    let waited = begun.elapsed();
    assert!(
        waited > Duration::from_secs(100) && waited < Duration::from_secs(200),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_empties_the_budget() {
    let mut server = Scripted::new();
    for _ in 0..1000 {
        server = server.answer(503, &[], "");
    }
    let api = scripted(&server);
    for _ in 0..300 {
        api.sandboxes().get("a").await.unwrap_err();
    }
    let requests = server.requests().len();
    assert!((301..=300 + 500 / 14).contains(&requests), "{requests}");
}

#[derive(Debug, Default)]
struct InProcess(AtomicUsize);

#[derive(Debug)]
struct Shared(Arc<InProcess>);

#[async_trait::async_trait]
impl Connector for Shared {
    async fn connect(&self, origin: &http::Uri) -> io::Result<Box<dyn ByteStream>> {
        assert_eq!(origin.host(), Some("in-process"));
        self.0.0.fetch_add(1, Ordering::SeqCst);
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            let mut request = [0; 1024];
            while theirs.read(&mut request).await.is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":\"a\"}";
                if theirs.write_all(answer).await.is_err() {
                    return;
                }
            }
        });
        tasks.detach_all();
        Ok(Box::new(ours))
    }
}

#[tokio::test(start_paused = true)]
async fn an_in_process_connection_is_kept_and_let_go_when_idle() {
    let count = Arc::new(InProcess::default());
    let transport = HyperTransport::builder()
        .connector(Shared(Arc::clone(&count)))
        .build();
    let api = Daytona::builder(Config::new(KEY).api_url("http://in-process/api"))
        .transport(Arc::new(transport))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(api.sandboxes().get("a").await.unwrap().id, "a");
    }
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    api.sandboxes().get("a").await.unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
}
