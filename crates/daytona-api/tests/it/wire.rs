//! What becomes of every kind of answer, over real sockets. The number of requests that the server saw is part of
//! each test.

use std::time::Duration;

use daytona_api::{Config, Daytona, Error, ErrorKind};

use crate::support::{Do, KEY, Server, answer, chain, json, quick};

async fn get(steps: Vec<Do>) -> (Result<String, Error>, usize) {
    let server = Server::new(steps).await;
    let got = server.client().sandboxes().get("sb").await;
    (got.map(|sandbox| sandbox.id), server.requests())
}

async fn execute(steps: Vec<Do>) -> (Result<String, Error>, usize) {
    let server = Server::new(steps).await;
    let ran = server.toolbox().process().execute("ls").send().await;
    (ran.map(|ran| ran.result), server.requests())
}

async fn create(steps: Vec<Do>) -> (Result<String, Error>, usize) {
    let server = Server::new(steps).await;
    let made = server.client().sandboxes().create().name("n").send().await;
    (made.map(|made| made.id), server.requests())
}

const OK: &str = r#"{"id":"sb","result":"out"}"#;

#[tokio::test]
async fn client_errors_have_their_class_and_are_not_retried() {
    for (status, check) in [
        (400, (|_| true) as fn(&Error) -> bool),
        (401, Error::is_auth),
        (403, Error::is_auth),
        (404, Error::is_not_found),
        (408, Error::is_timeout),
        (409, Error::is_conflict),
        (410, |_| true),
        (422, |_| true),
    ] {
        let body = r#"{"message":["a","b"],"code":"C","source":"DAYTONA_API"}"#;
        let (got, requests) = get(vec![answer(&format!("{status} No"), "", body), json(OK)]).await;
        let error = got.unwrap_err();
        assert_eq!((error.status(), requests), (Some(status), 1));
        assert!(check(&error), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Status);
        assert_eq!(error.message(), Some("a, b"));
        assert_eq!(
            (error.code(), error.source_system()),
            (Some("C"), Some("DAYTONA_API"))
        );
        assert_eq!(
            error.to_string(),
            format!("getSandbox: the server answered {status}: a, b")
        );
    }
}

#[tokio::test]
async fn server_errors_are_retried_for_idempotent_calls_only() {
    for status in ["500 A", "502 B", "503 C", "504 D"] {
        let steps = || vec![answer(status, "", ""), json(OK)];
        let (got, requests) = get(steps()).await;
        assert_eq!((got.unwrap().as_str(), requests), ("sb", 2));
        for (got, requests) in [execute(steps()).await, create(steps()).await] {
            let error = got.unwrap_err();
            assert!(
                error.is_server_error() && error.may_have_reached_server(),
                "{error:?}"
            );
            assert_eq!(requests, 1);
        }
    }
    let (got, requests) = get(vec![answer("503 C", "", "")]).await;
    assert_eq!((got.unwrap_err().status(), requests), (Some(503), 3));
}

#[tokio::test]
async fn a_command_that_ran_out_of_time_ran_once() {
    for code in ["REQUEST_TIMEOUT", "PROCESS_EXECUTION_TIMEOUT"] {
        let body = format!(
            r#"{{"message":"request timeout: command execution timeout","code":"{code}"}}"#
        );
        let (ran, requests) = execute(vec![answer("408 T", "", &body), json(OK)]).await;
        let error = ran.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!((error.code(), requests), (Some(code), 1));
    }
}

#[tokio::test]
async fn too_many_requests_says_how_long_to_wait() {
    for (headers, wanted) in [
        ("retry-after: 7\r\n", Some(7)),
        ("Retry-After-sandbox-create: 9\r\n", Some(9)),
        (
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:47 GMT\r\n",
            Some(10),
        ),
        ("retry-after: 100000\r\n", Some(60)),
        ("retry-after: -1\r\n", None),
        ("retry-after: soon\r\n", None),
        ("", None),
    ] {
        let (made, requests) = create(vec![answer("429 R", headers, "")]).await;
        let error = made.unwrap_err();
        assert!(error.is_rate_limited());
        assert_eq!(
            error.retry_after(),
            wanted.map(Duration::from_secs),
            "{headers}"
        );
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_wait_longer_than_the_deadline_is_not_begun() {
    let (got, requests) = get(vec![answer("429 R", "retry-after: 30\r\n", ""), json(OK)]).await;
    assert!(got.unwrap_err().is_rate_limited());
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn an_html_page_is_not_a_daytona_api() {
    let page = format!("<!doctype html><html>{KEY}{}</html>", "x".repeat(1000));
    for status in ["200 OK", "404 Not Found"] {
        let (got, _) = get(vec![answer(status, "content-type: text/html\r\n", &page)]).await;
        let error = got.unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_not_daytona()
                && text.contains("not a daytona api")
                && text.contains("text/html"),
            "{text}"
        );
        assert!(!text.contains(KEY) && text.len() < 400, "{text}");
    }
}

#[tokio::test]
async fn answers_that_are_not_what_is_documented() {
    for (body, wanted) in [
        (r#"{"id":"sb","#, "cut off"),
        ("", "cut off"),
        ("hello", "not json"),
        ("[1]", "another shape"),
    ] {
        for (made, requests) in [create(vec![json(body)]).await, get(vec![json(body)]).await] {
            let error = made.unwrap_err();
            assert_eq!(
                (error.kind(), error.status()),
                (ErrorKind::Decode, Some(200)),
                "{body}"
            );
            assert!(error.may_have_reached_server());
            assert!(error.to_string().contains(wanted), "{error}");
            assert_eq!(requests, 1);
        }
    }
    // neither a member nobody knows nor a known one can exhaust the stack
    for member in ["later", "labels", "id"] {
        let deep = format!(
            r#"{{"{member}":{}{}}}"#,
            "[".repeat(30_000),
            "]".repeat(30_000)
        );
        let (got, requests) = get(vec![json(&deep)]).await;
        assert!(got.is_ok() || got.is_err_and(|error| error.kind() == ErrorKind::Decode));
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn answers_that_are_a_little_different_are_understood() {
    for body in [
        r#"{"id":"sb"}"#,
        r#"{"id":"sb","state":"hibernating","later":{"a":[1]},"labels":null}"#,
        r#"{"id":"sb","cpu":2.0,"memory":"4","disk":1e1,"env":null}"#,
    ] {
        let (got, _) = get(vec![json(body)]).await;
        assert_eq!(got.unwrap(), "sb");
    }
    for status in ["200 OK", "201 Created", "202 Accepted"] {
        let (got, _) = get(vec![answer(status, "content-type: text/plain\r\n", OK)]).await;
        assert_eq!(got.unwrap(), "sb");
    }
    let old = b"HTTP/1.0 200 OK\r\n\r\n{\"id\":\"sb\"}".to_vec();
    let (got, _) = get(vec![Do::WriteClose(old)]).await;
    assert_eq!(got.unwrap(), "sb");
}

#[tokio::test]
async fn an_answer_about_another_sandbox_is_not_taken() {
    let other = r#"{"id":"sb-2","name":"other","state":"started"}"#;
    for body in [other, "{}", r#"{"name":"SB"}"#] {
        let server = Server::new(vec![json(body)]).await;
        let sandboxes = server.client().sandboxes();
        let calls = [
            sandboxes.get("sb").await,
            sandboxes.start("sb").await,
            sandboxes.stop("sb", false).await,
            sandboxes.set_ttl("sb", 1).await,
            sandboxes.pause("sb").await,
            sandboxes.create_snapshot("sb", "s:1", false).await,
            sandboxes.revoke_ssh_access("sb", None).await,
        ];
        for got in calls {
            let error = got.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(error.to_string().contains("another sandbox"), "{error}");
            assert!(error.may_have_reached_server() && !error.is_not_found());
        }
        // nothing was asked twice
        assert_eq!(server.requests(), 7);
    }
    let deleted = async |body: &str| {
        let server = Server::new(vec![json(body)]).await;
        server.client().sandboxes().delete("sb").await
    };
    for body in [other, r#"{"id":"sb-2","name":"DESTROYED_other_1"}"#] {
        let error = deleted(body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.may_have_reached_server() && !error.is_not_found());
    }
    // a sandbox that is deleted loses its name, and some servers say nothing about it
    let gone = deleted(r#"{"id":"sb-9","name":"DESTROYED_sb_1700000000000"}"#).await;
    assert_eq!(gone.unwrap().unwrap().id, "sb-9");
    assert_eq!(deleted("{}").await.unwrap(), None);
    // by its name it is the one that was asked about
    let (got, _) = get(vec![json(r#"{"id":"sb-9","name":"sb"}"#)]).await;
    assert_eq!(got.unwrap(), "sb-9");
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let other = Server::new(vec![json(OK)]).await;
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        let to = format!("location: http://127.0.0.1:{}/api/sandbox\r\n", other.port);
        let steps = || vec![answer(status, &to, "")];
        for (got, requests) in [
            get(steps()).await,
            create(steps()).await,
            execute(steps()).await,
        ] {
            let error = got.unwrap_err();
            assert!(error.to_string().contains("redirect"), "{error}");
            assert_eq!(requests, 1);
        }
    }
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn a_reset_is_retried_for_idempotent_calls_only() {
    let (got, requests) = get(vec![Do::Reset, json(OK)]).await;
    assert_eq!((got.unwrap().as_str(), requests), ("sb", 2));
    let half = Do::WriteClose(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_vec());
    let (got, requests) = get(vec![half.clone(), json(OK)]).await;
    assert_eq!((got.unwrap().as_str(), requests), ("sb", 2));
    let head = Do::WriteClose(b"HTTP/1.1 200 O".to_vec());
    for broken in [Do::Reset, half, head] {
        let steps = || vec![broken.clone(), json(OK)];
        for (got, requests) in [execute(steps()).await, create(steps()).await] {
            let error = got.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
            assert!(error.may_have_reached_server());
            assert_eq!(requests, 1, "sent at most once");
        }
    }
}

#[tokio::test]
async fn a_reused_connection_that_breaks_is_not_a_second_run() {
    let server = Server::new(vec![json(OK), Do::Reset, json(OK)]).await;
    let toolbox = server.toolbox();
    toolbox.process().execute("one").send().await.unwrap();
    let error = toolbox.process().execute("two").send().await.unwrap_err();
    assert!(error.may_have_reached_server(), "{error:?}");
    assert_eq!(server.requests(), 2);
    toolbox.process().execute("three").send().await.unwrap();
}

#[tokio::test]
async fn garbage_is_a_transport_error() {
    for bytes in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "garbage\r\n\r\n",
    ] {
        let (ran, requests) = execute(vec![Do::WriteClose(bytes.into())]).await;
        assert_eq!(
            (ran.unwrap_err().kind(), requests),
            (ErrorKind::Transport, 1),
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn silence_ends_with_a_timeout() {
    for steps in [
        vec![Do::Hang],
        vec![Do::Write(b"HTTP/1.1 200 OK\r\n".to_vec())],
        vec![Do::Write(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
        )],
    ] {
        let (ran, requests) = execute(steps).await;
        let error = ran.unwrap_err();
        assert_eq!(
            (error.kind(), requests),
            (ErrorKind::Timeout, 1),
            "{error:?}"
        );
        assert!(error.is_timeout() && error.may_have_reached_server());
    }
}

#[tokio::test]
async fn bombs_are_refused() {
    let fields = "a: b\r\n".repeat(100_000);
    let one = format!("a: {}\r\n", "x".repeat(1 << 20));
    for headers in [fields, one] {
        let (ran, requests) = execute(vec![answer("200 OK", &headers, OK)]).await;
        assert_eq!(
            (ran.unwrap_err().kind(), requests),
            (ErrorKind::Transport, 1)
        );
    }
    let body = format!(r#"{{"result":"{}"}}"#, "x".repeat(1 << 20));
    let (ran, requests) = execute(vec![json(&body)]).await;
    let error = ran.unwrap_err();
    assert_eq!((error.kind(), requests), (ErrorKind::TooLarge, 1));
    assert!(error.may_have_reached_server());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let (ran, _) = execute(vec![Do::Write(chunked.into_bytes())]).await;
    assert_eq!(ran.unwrap_err().kind(), ErrorKind::TooLarge);
    let (ran, _) = execute(vec![answer("500 E", "", &body)]).await;
    assert!(ran.unwrap_err().message().unwrap().len() <= 1024);
}

#[tokio::test]
async fn an_unreachable_port_is_a_connect_error_and_tried_again_for_any_call() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let config = quick(Config::new(KEY)).api_url(format!("http://127.0.0.1:{port}/api"));
    let api = Daytona::new(config).unwrap();
    let error = api.sandboxes().create().send().await.unwrap_err();
    assert!(
        error.is_connect() && !error.may_have_reached_server(),
        "{error:?}"
    );
    let texts = chain(&error);
    let distinct: std::collections::HashSet<_> = texts.iter().collect();
    assert_eq!(distinct.len(), texts.len(), "{texts:?}");
}

#[tokio::test]
async fn a_toolbox_on_a_foreign_host_is_refused() {
    let server = Server::new(vec![json(
        r#"{"id":"sb","toolboxProxyUrl":"http://evil.example/x"}"#,
    )])
    .await;
    let api = server.client();
    let sandbox = api.sandboxes().get("sb").await.unwrap();
    let error = api.toolbox(&sandbox).unwrap_err();
    assert!(
        error.is_build() && error.to_string().contains("foreign host"),
        "{error}"
    );
    let allowed = Config::new(KEY).allow_toolbox_origin("http://evil.example");
    assert!(Daytona::new(allowed).unwrap().toolbox(&sandbox).is_ok());
}

#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let value = "canary-env-value";
    let body =
        format!(r#"{{"message":"bad {KEY} and {value}","code":"{KEY}","source":"{value}"}}"#);
    let server = Server::new(vec![
        answer("400 B", "", &body),
        answer("400 B", "", &format!("{KEY} {value}")),
    ])
    .await;
    let api = server.client();
    let mut shown = vec![format!("{api:?} {:?}", Config::new(KEY))];
    for _ in 0..2 {
        let builder = api.sandboxes().create().env("A", value);
        shown.push(format!("{builder:?}"));
        let error = builder.send().await.unwrap_err();
        shown.push(format!("{error:?} {error:#?} {}", chain(&error).join(" ")));
    }
    let execute = server.toolbox().process().execute("ls").env("A", value);
    shown.push(format!("{execute:?}"));
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
    // the same looks would find one
    assert!(format!("{body:?}").contains("canary"));
}

#[tokio::test]
async fn calls_beyond_the_connections_wait_their_turn() {
    let server = Server::new(vec![json(OK)]).await;
    let mut limits = daytona_api::Limits::default();
    limits.connections = 2;
    let config = Config::new(KEY)
        .limits(limits)
        .api_url(format!("http://127.0.0.1:{}/api", server.port));
    let api = Daytona::new(config).unwrap();
    let calls = (0..20).map(|_| {
        let sandboxes = api.sandboxes();
        async move { sandboxes.get("sb").await }
    });
    for got in futures_util::future::join_all(calls).await {
        assert_eq!(got.unwrap().id, "sb");
    }
    assert_eq!(server.requests(), 20);
}

#[tokio::test]
async fn tls_needs_no_provider_of_the_process_and_sends_nothing_before_its_handshake() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let mut first = Vec::new();
        while first.len() < 3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte)
                .await
                .unwrap();
            first.push(byte[0]);
        }
        first
    });
    let config = quick(Config::new(KEY)).api_url(format!("https://127.0.0.1:{port}/api"));
    let error = Daytona::new(config)
        .unwrap()
        .sandboxes()
        .create()
        .send()
        .await
        .unwrap_err();
    assert!(
        error.is_connect() && !error.may_have_reached_server(),
        "{error:?}"
    );
    // 22 is a TLS handshake; a request would begin with a letter
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), [22, 22, 22]);
}
