use bytes::Bytes;
use http_body_util::Full;

use crate::support::{plain, send_over, start};

#[tokio::test]
async fn only_the_token_opens_either_api() {
    let (server, client) = start(plain()).await;
    assert!(server.token().len() >= 43, "256 bits");
    for path in ["/api/sandbox", "/toolbox/x/work-dir"] {
        for token in ["", "wrong", &server.token()[1..]] {
            let mut other = client.clone();
            token.clone_into(&mut other.token);
            let answer = other.get(path).await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.json()["message"], "Invalid credentials");
        }
    }
    assert_eq!(client.get("/api/sandbox").await.status, 200);
    assert_eq!(client.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn other_host_names_and_web_pages_are_refused() {
    let (_server, client) = start(plain()).await;
    let port = client.authority.rsplit(':').next().unwrap();
    for host in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:80",
    ] {
        let mut request = client
            .request("GET", "/api/sandbox")
            .body(Full::default())
            .unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(client.send(request).await.status, 403, "{host}");
    }
    let mut request = client
        .request("GET", "/api/sandbox")
        .body(Full::default())
        .unwrap();
    request
        .headers_mut()
        .insert("host", format!("localhost:{port}").parse().unwrap());
    assert_eq!(client.send(request).await.status, 200);
    let request = client
        .request("GET", "/api/sandbox")
        .header("origin", "https://evil.example");
    assert_eq!(
        client
            .send(request.body(Full::default()).unwrap())
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn unknown_paths_are_404_also_for_the_event_socket() {
    let (_server, client) = start(plain()).await;
    for path in [
        "/",
        "/api/nothing",
        "/api/socket.io/?EIO=4&transport=websocket",
    ] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    // Known in the documents, and not served.
    assert_eq!(client.get("/api/volumes").await.status, 501);
}

#[tokio::test]
async fn a_connection_in_the_process_is_served_like_any_other() {
    let (server, client) = start(plain()).await;
    let request = client.json(
        "POST",
        "/api/sandbox",
        &serde_json::json!({ "name": "inside" }),
    );
    let answer = send_over(server.connect(), request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(client.state("inside").await, "started");
}

#[tokio::test]
async fn a_server_that_was_shut_down_answers_nobody() {
    let (server, client) = start(plain()).await;
    server.shutdown().await;
    let request = client
        .request("GET", "/api/health")
        .body(Full::<Bytes>::default())
        .unwrap();
    assert!(client.try_send(request).await.is_err());
}

#[tokio::test]
async fn an_empty_token_and_a_missing_folder_are_refused() {
    let error = plain().token(" ").start().await.unwrap_err();
    assert_eq!(error.to_string(), "an empty token would let everybody in");
    let error = plain().bind_ro("no/such/folder").start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not an absolute path of a folder: no/such/folder"
    );
}

#[test]
fn debug_shows_no_token() {
    let text = format!("{:?}", plain().token("canary-token"));
    assert!(!text.contains("canary"), "{text}");
}
