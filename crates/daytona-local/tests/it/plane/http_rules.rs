//! Who is served, and what is logged.

use bytes::Bytes;
use daytona_api::routes::control_plane as routes;
use daytona_local::{Isolation, Server, waves};
use http_body_util::Full;
use serde_json::json;

use super::client::{
    connect, create, get, named, port, request, send, send_raw, server, server_with, with_headers,
};

#[tokio::test]
async fn only_the_token_opens() {
    let server = server().await;
    let host = format!("127.0.0.1:{}", port(&server));
    let good = format!("Bearer {}", server.token());
    let short = good[..good.len() - 1].to_owned();
    for path in ["/api/sandbox", "/toolbox/some-id/work-dir", "/api/api-keys"] {
        for wrong in [short.as_str(), "Bearer", "Basic abc", ""] {
            let answer =
                with_headers(&server, path, &[("host", &host), ("authorization", wrong)]).await;
            assert_eq!(answer.status, 401, "{path} {wrong}");
        }
        assert_eq!(
            with_headers(&server, path, &[("host", &host)]).await.status,
            401
        );
    }
    let answer = with_headers(&server, "/api/sandbox", &[("host", &host)]).await;
    assert_eq!(answer.message(), "Invalid credentials");
    let open = with_headers(
        &server,
        "/api/sandbox",
        &[("host", &host), ("authorization", &good)],
    )
    .await;
    assert_eq!(open.status, 200);
    assert_eq!(
        with_headers(&server, "/api/health", &[("host", &host)])
            .await
            .status,
        200
    );
    assert_eq!(server.token().len(), server.token().trim().len());
}

#[tokio::test]
async fn pages_in_a_browser_are_refused_even_with_the_token() {
    let server = server().await;
    let bearer = format!("Bearer {}", server.token());
    let own = format!("127.0.0.1:{}", port(&server));
    let rebound = format!("evil.example:{}", port(&server));
    for headers in [
        vec![("host", rebound.as_str())],
        vec![("host", "127.0.0.1")],
        vec![("host", own.as_str()), ("host", rebound.as_str())],
        vec![("host", own.as_str()), ("origin", "http://localhost:3000")],
        vec![],
    ] {
        let mut headers = headers;
        headers.push(("authorization", &bearer));
        let answer = with_headers(&server, "/api/sandbox", &headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let local = format!("localhost:{}", port(&server));
    let answer = with_headers(
        &server,
        "/api/sandbox",
        &[("host", &local), ("authorization", &bearer)],
    )
    .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn two_servers_do_not_share_a_token() {
    let (one, two) = (server().await, server().await);
    assert_ne!(one.token(), two.token());
    assert_eq!(one.token().len(), two.token().len());
    assert!(one.token().len() >= 43, "256 bits in base64");
    assert!(!format!("{one:?}").contains(one.token()));
}

#[tokio::test]
async fn an_empty_token_is_no_token() {
    let started = Server::builder()
        .isolation(Isolation::None)
        .token(" ")
        .start()
        .await;
    assert!(started.is_err());
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = server().await;
    for path in ["/socket.io/?EIO=4", "/api/nothing", "/", "/apis"] {
        assert_eq!(get(&server, path).await.status, 404, "{path}");
    }
    // the event socket is for WebSockets of one version only
    for query in [
        "",
        "?EIO=4",
        "?EIO=4&transport=polling",
        "?EIO=3&transport=websocket",
        "?EIO=4&transport=websocket",
    ] {
        let answer = get(&server, &format!("/api/socket.io/{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["code"].is_u64(), "{query}");
    }
    let undone = get(&server, "/api/users/me").await;
    assert_eq!(undone.status, 501);
    let broken = {
        let mut request = request(&server, "POST", "/api/sandbox", None);
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = Full::new(Bytes::from_static(b"{\"name\":"));
        send_raw(connect(&server).await, request).await.unwrap()
    };
    assert_eq!(
        (broken.status, broken.message().as_str()),
        (400, "Invalid JSON in request body")
    );
    let config = get(&server, "/api/config").await.json();
    assert_eq!(
        config["proxyToolboxUrl"],
        format!("http://127.0.0.1:{}/toolbox", port(&server))
    );
}

#[tokio::test]
async fn a_connection_in_this_process_is_served_like_any_other() {
    let server = server().await;
    let request = request(
        &server,
        "POST",
        "/api/sandbox",
        Some(&json!({ "name": "inside" })),
    );
    let answer = send_raw(server.connect(), request).await.unwrap();
    assert_eq!(answer.json()["name"], "inside");
    assert_eq!(get(&server, "/api/sandbox/inside").await.status, 200);
}

#[tokio::test]
async fn the_log_counts_and_orders_requests() {
    let server = server().await;
    let id = named(&server, "x").await;
    get(&server, "/api/sandbox/x?verbose=true").await;
    send(&server, "DELETE", &format!("/api/sandbox/{id}"), None).await;
    let seen: Vec<_> = server
        .requests()
        .into_iter()
        .map(|record| {
            (
                record.method,
                record.route,
                record.status,
                record.started,
                record.ended,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "POST".to_owned(),
                Some(routes::CREATE_SANDBOX.id),
                Some(200),
                1,
                Some(2)
            ),
            (
                "GET".to_owned(),
                Some(routes::GET_SANDBOX.id),
                Some(200),
                3,
                Some(4)
            ),
            (
                "DELETE".to_owned(),
                Some(routes::DELETE_SANDBOX.id),
                Some(200),
                5,
                Some(6)
            ),
        ]
    );
    assert_eq!(waves(&server.requests()), 3);
    assert_eq!(server.requests_to(&routes::DELETE_SANDBOX).len(), 1);
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_has_shut_down() {
    let server = server_with(|builder| builder).await;
    create(&server, json!({})).await;
    let port = port(&server);
    server.shutdown().await;
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
    );
    assert!(server.live_processes().is_empty());
}
