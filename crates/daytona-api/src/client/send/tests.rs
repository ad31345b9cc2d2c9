//! Every operation of the table through attempts and pool, against a server on loopback that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::client::Daytona;
use crate::client::config::Config;
use crate::error::Error;
use crate::request::Call;
use crate::routes::{ALL, Method, Route, control_plane};

/// What the server does with every request but the first one on a connection that is to be closed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    Answer(u16),
    /// Resets the connection after reading the request.
    Reset,
    /// Answers the first request of a connection, and closes it as soon as the next one begins to arrive.
    Close,
}

/// Counts each request as soon as it begins to arrive.
async fn serve(mut stream: TcpStream, trouble: Trouble, begun: Arc<AtomicUsize>) {
    let mut fresh = true;
    while let Ok(byte) = stream.read_u8().await {
        begun.fetch_add(1, Ordering::SeqCst);
        if trouble == Trouble::Close && !fresh {
            return;
        }
        fresh = false;
        let mut head = vec![byte];
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let status = match trouble {
            Trouble::Answer(status) => status,
            Trouble::Close => 200,
            Trouble::Reset => return stream.set_zero_linger().unwrap(),
        };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// How the call ended, and how many requests the server saw of it.
async fn call(route: &'static Route, trouble: Trouble) -> (Result<(), Error>, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut all = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.spawn(serve(stream, trouble, Arc::clone(&count)));
        }
    });
    let config = Config::new("key").api_url(format!("http://127.0.0.1:{port}/api"));
    let client = Daytona::new(config).unwrap();
    // both APIs differ in the base only
    let base = &client.shared.base;
    if trouble == Trouble::Close {
        let first = Call::new(&control_plane::HEALTH_CONTROLLER_LIVE, &[]).unwrap();
        client.done(base, first).await.unwrap();
    }
    let before = begun.load(Ordering::SeqCst);
    let params = vec!["x"; route.path_params.len()];
    let mut wanted = Call::new(route, &params).unwrap();
    if !route.request_types.is_empty() {
        wanted = wanted.json(&json!({"a": "b"})).unwrap();
    }
    let ended = client.done(base, wanted).await.map(drop);
    (ended, begun.load(Ordering::SeqCst) - before)
}

#[tokio::test]
async fn every_operation_is_sent_as_often_as_it_may_be() {
    for trouble in [
        Trouble::Answer(502),
        Trouble::Answer(503),
        Trouble::Answer(504),
        Trouble::Reset,
        Trouble::Close,
    ] {
        let calls = ALL.iter().map(|route| call(route, trouble));
        let mut once = 0;
        for (route, (ended, requests)) in ALL.iter().zip(join_all(calls).await) {
            if matches!(route.method, Method::Post | Method::Patch) {
                once += 1;
                let error = ended.unwrap_err();
                assert_eq!(requests, 1, "{} {trouble:?}", route.id);
                assert!(error.may_have_reached_server(), "{error:?}");
                assert_eq!(error.operation(), Some(route.id));
            } else if trouble == Trouble::Close {
                // the next one is over a connection of its own, which is answered
                ended.unwrap();
                assert_eq!(requests, 2, "{}", route.id);
            } else {
                assert!(ended.unwrap_err().may_have_reached_server());
                assert_eq!(requests, 3, "{} {trouble:?}", route.id);
            }
        }
        assert!(once > 100, "{once}");
    }
}
