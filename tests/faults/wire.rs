//! Faults 1 to 36: connections and HTTP.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_api::transport::{ByteStream, Connector, HyperTransport};
use daytona_api::{Config, Daytona, ErrorKind};
use daytona_env::DaytonaEnvironment;
use daytona_local::Fault;
use jiff::SignedDuration;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::cells;
use crate::world::{NEVER, at, closes, heals, in_place, left, loopback, on, wire};

/// 1. RFC 2606 keeps the name free for ever.
#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let environment = DaytonaEnvironment::builder()
        .api_url("https://nobody.invalid/api")
        .api_key("key")
        .build()
        .unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    // Nothing was sent, so nothing may exist.
    assert!(environment.leftovers().is_empty());
    environment.close().await.unwrap();
}

/// 4. The connection is neither made nor refused.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_made() {
    #[derive(Debug)]
    struct BlackHole;
    #[async_trait::async_trait]
    impl Connector for BlackHole {
        async fn connect(&self, _: &http::Uri) -> std::io::Result<Box<dyn ByteStream>> {
            std::future::pending().await
        }
    }
    let transport = HyperTransport::builder().connector(BlackHole).build();
    let environment = DaytonaEnvironment::builder()
        .api_url("http://127.0.0.1:3986/api")
        .api_key("key")
        .transport(Arc::new(transport))
        .spawner(Arc::new(tokio::runtime::Handle::current()))
        .build()
        .unwrap();
    let begun = Instant::now();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(error.is_transient() || error.is_timeout(), "{error}");
    assert!(
        begun.elapsed() <= Duration::from_secs(61),
        "{:?}",
        begun.elapsed()
    );
    assert!(environment.leftovers().is_empty(), "nothing was ever sent");
    environment.close().await.unwrap();
}

/// 5. The name has an address that nobody answers at, and one that works.
#[tokio::test]
async fn one_of_two_addresses_is_dead() {
    let server = loopback().await;
    // localhost is ::1 too, on most machines, and the server listens on 127.0.0.1 alone
    let url = server.api_url().replace("127.0.0.1", "localhost");
    let environment = DaytonaEnvironment::builder()
        .api_url(url)
        .api_key(server.token())
        .allow_toolbox_origin(server.api_url().trim_end_matches("/api"))
        .build()
        .unwrap();
    heals(&server, &environment).await;
}

/// 6.
#[tokio::test]
async fn a_reset_before_any_byte() {
    cells::everywhere(Fault::reset_before_commit).await;
    cells::everywhere(Fault::reset_after_commit).await;
}

/// 7. At every byte of the head of the answer to a create, and at some for everything else.
#[tokio::test(start_paused = true)]
async fn an_answer_cut_in_its_head() {
    for cut in 0..=180 {
        let server = in_place(|builder| builder);
        let struck = server
            .faults()
            .inject(Fault::on(&CREATE_SANDBOX).cut_answer(cut));
        let environment = at(&server).build().unwrap();
        let sandbox = timeout(NEVER, environment.open(&NoVars))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(struck.hits(), 1);
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(alive, [sandbox.id()], "cut at {cut}");
        closes(&server, &environment).await;
    }
}

/// 7.
#[tokio::test]
async fn an_answer_cut_in_its_head_everywhere() {
    for cut in [1, 17, 60] {
        cells::everywhere(|fault| fault.cut_answer(cut)).await;
    }
}

/// 8.
#[tokio::test]
async fn an_answer_cut_in_its_body() {
    cells::everywhere(|fault| fault.cut_body(0)).await;
    cells::everywhere(|fault| fault.cut_body(9)).await;
}

/// 9 and 10. A byte a second: no call takes longer than it may.
async fn slow_answers(fault: impl Fn(Fault) -> Fault + Sync) {
    let server = in_place(|builder| builder);
    let api = Daytona::builder(Config::new(server.token()).api_url(server.api_url()))
        .transport(wire(&server))
        .build()
        .unwrap();
    let made = api.sandboxes().create().send().await.unwrap();
    for route in [&GET_SANDBOX, &DELETE_SANDBOX] {
        server.faults().inject(fault(Fault::on(route)).always());
    }
    let begun = Instant::now();
    let error = api.sandboxes().get(&made.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        begun.elapsed() <= Duration::from_secs(61),
        "{:?}",
        begun.elapsed()
    );
    server.faults().clear();
    assert_eq!(api.sandboxes().get(&made.id).await.unwrap().id, made.id);
}

/// 9.
#[tokio::test(start_paused = true)]
async fn a_head_that_trickles() {
    slow_answers(|fault| fault.trickle(1)).await;
}

/// 10.
#[tokio::test(start_paused = true)]
async fn a_body_that_trickles() {
    slow_answers(|fault| fault.slow(1)).await;
}

/// 11. The peer says nothing any more: what was asked ends at its time, and the next call takes another connection.
#[tokio::test(start_paused = true)]
async fn a_peer_that_went_silent() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    for fault in [
        Fault::on(&EXECUTE_COMMAND).hang(),
        Fault::on(&EXECUTE_COMMAND).hang_after_commit(),
    ] {
        server.faults().inject(fault);
        let begun = Instant::now();
        let request = ExecRequest::argv(["true"]).timeout(Duration::from_secs(20));
        let outcome = sandbox.exec(request).await.unwrap();
        assert_eq!(outcome.status(), ExecStatus::Unknown, "{outcome:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{:?}",
            begun.elapsed()
        );
    }
    heals(&server, &environment).await;
}

/// 12. Each answer is the last on its connection, and does not say so.
#[tokio::test]
async fn a_connection_closed_as_it_is_used_again() {
    let server = loopback().await;
    server
        .faults()
        .inject(Fault::any().close_after_answer().always());
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    for n in 1..=20 {
        let request = ExecRequest::shell("echo ran >> log; wc -l < log");
        let outcome = sandbox.exec(request).await.unwrap();
        match outcome.status() {
            ExecStatus::Exited(0) | ExecStatus::Unknown | ExecStatus::NotStarted => {}
            other => panic!("{other:?}"),
        }
        let ran: usize = outcome.stdout().text_lossy().trim().parse().unwrap_or(0);
        assert!(ran <= n, "{ran} runs of {n} commands");
    }
    // the last connection may be found closed only now
    server.faults().clear();
    sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    heals(&server, &environment).await;
}

/// 14.
#[tokio::test]
async fn http_1_0() {
    let server = loopback().await;
    let old = server.faults().inject(Fault::any().http_1_0().always());
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let outcome = sandbox
        .exec(ExecRequest::argv(["echo", "hi"]))
        .await
        .unwrap();
    assert_eq!(outcome.stdout().text_lossy(), "hi\n");
    environment.close().await.unwrap();
    assert!(old.hits() >= 3);
    assert_eq!(left(&server), []);
}

/// 15.
#[tokio::test]
async fn chunks_that_are_none() {
    for chunk in [
        "ZZ\r\n{}\r\n0\r\n\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n{}",
    ] {
        let bytes = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"
        );
        cells::everywhere(|fault| fault.raw(bytes.clone())).await;
    }
}

/// 16. Two lengths: whoever believes one of them takes the rest for the next answer.
#[tokio::test]
async fn an_answer_with_two_lengths() {
    for head in [
        "content-length: 2\r\ncontent-length: 30",
        "content-length: 2, 30",
        "content-length: -2",
        "content-length: two",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}HTTP/1.1 200 OK\r\n\r\n");
        cells::everywhere(|fault| fault.raw(bytes.clone())).await;
    }
}

/// 17.
#[tokio::test]
async fn more_headers_than_anybody_needs() {
    let many: String = (0..2000).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    for headers in [many, long] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\n{{}}");
        cells::everywhere(|fault| fault.raw(bytes.clone())).await;
    }
}

/// 18. A hundred thousand interim answers, and none that is final.
#[tokio::test]
async fn interim_answers_without_end() {
    let bytes: Bytes = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000).into();
    cells::create(Fault::on(&CREATE_SANDBOX).raw(bytes.clone())).await;
    cells::command(Fault::on(&EXECUTE_COMMAND).raw(bytes)).await;
}

/// 19. Compression is not asked for, and what comes compressed is not unpacked.
#[tokio::test]
async fn compressed_answers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let api = Daytona::new(Config::new("key").api_url(url)).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    };
    let sandboxes = api.sandboxes();
    let (answer, head) = tokio::join!(sandboxes.get("x"), serve);
    assert!(!head.contains("accept-encoding"), "{head}");
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Decode);
}

/// 22. And 21 for an answer that is a page.
#[tokio::test]
async fn json_that_ends_too_early_or_is_none() {
    cells::everywhere_but_downloads(|fault| fault.truncate_body(1)).await;
    cells::everywhere_but_downloads(|fault| fault.truncate_body(11)).await;
    cells::everywhere_but_downloads(|fault| fault.garbage(100, 4)).await;
    cells::everywhere_but_downloads(|fault| fault.answer_after_commit(200, "<html>Welcome</html>"))
        .await;
}

/// 23. Nothing but the id, the name and the state; then nulls.
#[tokio::test]
async fn fields_that_are_missing_or_null() {
    for (fields, works) in [
        (
            vec![
                "kvm", "env", "target", "cpu", "gpu", "memory", "disk", "public", "user",
            ],
            true,
        ),
        (vec!["autoStopInterval", "autoDeleteInterval"], false),
        (vec!["id"], false),
    ] {
        for null in [false, true] {
            let fault = |fault: Fault| {
                if null {
                    fault.set_fields(fields.iter().map(|field| (*field, Value::Null)))
                } else {
                    fault.drop_fields(fields.iter().copied())
                }
            };
            let server = loopback().await;
            server.faults().inject(fault(Fault::on(&CREATE_SANDBOX)));
            let environment = on(&server).build().unwrap();
            let opened = environment.open(&NoVars).await;
            assert!(opened.is_ok() || !works, "{fields:?}: {opened:?}");
            assert!(left(&server).len() <= 1);
            heals(&server, &environment).await;
        }
    }
}

/// 26. The body of a create has environment values, and goes to no other host.
#[tokio::test]
async fn a_redirect_to_another_host() {
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    thief.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/api/sandbox", thief.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        let server = loopback().await;
        server.faults().inject(
            Fault::on(&CREATE_SANDBOX)
                .answer(status, "{}")
                .header("Location", &elsewhere),
        );
        let environment = on(&server).env_var("SECRET", "canary").build().unwrap();
        environment.open(&NoVars).await.unwrap_err();
        heals(&server, &environment).await;
    }
    let came = thief.accept().map(|(mut stream, _)| {
        let mut text = String::new();
        drop(stream.read_to_string(&mut text));
        text
    });
    assert!(came.is_err(), "{came:?}");
}

/// 27, 28 and 39, before and after the commit.
#[tokio::test]
async fn errors_of_servers_and_gateways_once() {
    for status in [500, 502, 503, 504] {
        cells::everywhere(|fault| fault.answer(status, "<html></html>")).await;
        cells::everywhere(|fault| fault.answer_after_commit(status, "<html></html>")).await;
    }
}

/// 29. However the server says it, the wait ends at the deadline of the call.
#[tokio::test(start_paused = true)]
async fn too_many_requests_in_every_spelling() {
    for (header, value) in [
        ("Retry-After", "3"),
        ("Retry-After", "99999999999999999999"),
        ("Retry-After", "-5"),
        ("Retry-After", "soon"),
        ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),
        ("Retry-After", "Wed, 31 Dec 9999 23:59:59 GMT"),
        ("Retry-After-sandbox-create", "3"),
        ("X-Nothing", ""),
    ] {
        let server = in_place(|builder| builder);
        let busy = Fault::on(&CREATE_SANDBOX)
            .answer(429, "{}")
            .header(header, value);
        let struck = server.faults().inject(busy);
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        let waited = begun.elapsed();
        assert_eq!(struck.hits(), 1, "{header}: {value}");
        if let Err(error) = &opened {
            assert!(error.is_rate_limited(), "{header}: {value}: {error}");
        }
        if value == "3" && opened.is_ok() {
            assert!(waited >= Duration::from_secs(3), "{header}: {waited:?}");
        }
        // what the server asked for is heeded, for a minute at most
        tokio::time::sleep(Duration::from_secs(60)).await;
        heals(&server, &environment).await;
    }
}

/// 32. The key is withdrawn: the error says so, nothing renews any more, and the server's own lease ends the sandbox.
#[tokio::test(start_paused = true)]
async fn a_credential_withdrawn_in_the_middle() {
    for status in [401, 403] {
        let server = in_place(|builder| builder);
        let environment = at(&server).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        let body = json!({ "statusCode": status, "message": "Invalid credentials" }).to_string();
        server
            .faults()
            .inject(Fault::any().answer(status, body).always());
        let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
        assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
        assert!(outcome.cause().unwrap().is_auth(), "{outcome:?}");
        let error = timeout(NEVER, environment.close())
            .await
            .unwrap()
            .unwrap_err();
        assert!(error.leftovers()[0].why().is_auth(), "{error}");
        assert!(error.leftovers()[0].server_bound().is_some(), "{error}");
        tokio::time::sleep(Duration::from_secs(6 * 60)).await;
        assert_eq!(left(&server), [], "its lease is over");
    }
}

/// 33. Creates are allowed, deletes are not: the report says so, and the lease ends the sandbox.
#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_delete() {
    let server = in_place(|builder| builder);
    let refused = json!({ "statusCode": 403, "message": "Access denied" }).to_string();
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).answer(403, refused).always());
    let environment = at(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    // stopped in place of deleted, which ends an ephemeral one, or named in the report with the lease as its bound
    if let Err(error) = timeout(NEVER, environment.close()).await.unwrap() {
        assert!(error.leftovers()[0].why().is_auth(), "{error}");
    }
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    assert_eq!(left(&server), []);
}

/// 36. The server's clock goes an hour back, then two ahead and back again: nothing of ours takes harm.
#[tokio::test(start_paused = true)]
async fn clocks_that_jump() {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    for hours in [-1, 1] {
        server.jump_clock(SignedDuration::from_hours(hours));
        tokio::time::sleep(Duration::from_secs(61)).await;
        let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
        if hours < 0 {
            assert!(outcome.success(), "{outcome:?}");
        } else {
            // an hour passed for the server without a renewal: it is gone, and this is told
            assert!(
                matches!(outcome.status(), ExecStatus::Exited(0) | ExecStatus::Lost),
                "{outcome:?}"
            );
        }
    }
    assert!(!server.requests_to(&UPDATE_LAST_ACTIVITY).is_empty());
    heals(&server, &environment).await;
}
