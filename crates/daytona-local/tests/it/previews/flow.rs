//! Bodies both ways as they come, other protocols, and what ends them.

use std::time::Duration;

use bytes::Bytes;
use daytona_api::models::PortPreviewUrl;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{TOKEN, authority, get, message, seen, send, served};
use crate::live::{Lab, soon};
use crate::support::{isolated, plain, until};

async fn preview(lab: &Lab) -> PortPreviewUrl {
    served(lab).await.1
}

async fn socket(lab: &Lab, preview: &PortPreviewUrl) -> WebSocketStream<TcpStream> {
    let url = format!("{}/socket", preview.url.replace("http://", "ws://"));
    let mut request = url.into_client_request().unwrap();
    let token = HeaderValue::from_str(&preview.token).unwrap();
    request.headers_mut().insert(TOKEN, token);
    let stream = TcpStream::connect(authority(&lab.server)).await.unwrap();
    let (mut socket, _) = soon(client_async(request, stream)).await.unwrap();
    echo(&mut socket).await;
    socket
}

async fn echo(socket: &mut WebSocketStream<TcpStream>) {
    socket.send(Message::text("hello")).await.unwrap();
    let heard = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(heard, Message::text("hello"));
}

#[tokio::test]
async fn pieces_come_and_go_before_either_body_ends() {
    for lab in [
        soon(Lab::new(plain())).await,
        soon(Lab::new(isolated().network(false))).await,
    ] {
        let preview = preview(&lab).await;
        let (say, pieces) = tokio::sync::mpsc::channel::<Bytes>(1);
        let pieces = futures_util::stream::unfold(pieces, |mut pieces| async {
            let piece = pieces.recv().await?;
            Some((
                Ok::<_, std::convert::Infallible>(Frame::data(piece)),
                pieces,
            ))
        });
        let path = preview.url.splitn(4, '/').last().unwrap().to_owned();
        let request = Request::post(format!("/{path}/talk"))
            .header("host", authority(&lab.server))
            .header(TOKEN, &preview.token)
            .body(StreamBody::new(pieces))
            .unwrap();
        let stream = TcpStream::connect(authority(&lab.server)).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::runtime::Handle::current().spawn(connection);
        let answer = soon(sender.send_request(request)).await.unwrap();
        let mut body = answer.into_body();
        for piece in ["one", "two", "three"] {
            say.send(Bytes::from(piece)).await.unwrap();
            let mut heard = Vec::new();
            while heard.len() < "heard ".len() + piece.len() {
                let frame = soon(body.frame()).await.unwrap().unwrap();
                heard.extend(frame.into_data().unwrap());
            }
            assert_eq!(heard, format!("heard {piece}").into_bytes());
        }
        drop(say);
        assert!(soon(body.frame()).await.is_none());
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_body_of_any_size_arrives_whole() {
    let lab = soon(Lab::new(isolated())).await;
    let preview = preview(&lab).await;
    let path = preview.url.splitn(4, '/').last().unwrap().to_owned();
    let request = Request::post(format!("/{path}/body"))
        .header("host", authority(&lab.server))
        .header(TOKEN, &preview.token)
        .header("expect", "100-continue")
        .body(Full::new(Bytes::from(vec![7; 5_000_000])))
        .unwrap();
    let seen = seen(&send(&lab.server, request).await);
    assert_eq!(
        (seen["body"].as_u64(), seen["method"].as_str()),
        (Some(5_000_000), Some("POST"))
    );
    let request = Request::head(format!("/{path}/"))
        .header("host", authority(&lab.server))
        .header(TOKEN, &preview.token)
        .body(Full::new(Bytes::new()))
        .unwrap();
    let answer = send(&lab.server, request).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_ne!(answer.headers["content-length"], "0");
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_program_that_speaks_no_http_is_told() {
    let lab = soon(Lab::new(plain())).await;
    let preview = preview(&lab).await;
    let url = format!("{}/broken", preview.url);
    let answer = get(&lab.server, &url, &[(TOKEN, &preview.token)]).await;
    assert_eq!(answer.status, 502);
    assert!(message(&answer).ends_with("gave no answer in HTTP/1"));
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_websocket_goes_through_and_keeps_its_sandbox_active() {
    for lab in [
        soon(Lab::new(plain().manual_clock())).await,
        soon(Lab::new(isolated().manual_clock())).await,
        soon(Lab::new(isolated().network(false).manual_clock())).await,
    ] {
        let preview = preview(&lab).await;
        let mut socket = socket(&lab, &preview).await;
        let row = || lab.server.sandbox(&lab.id).unwrap();
        assert_eq!(row().open_requests, 1);
        // far beyond the 15 minutes without activity after which it would stop
        for _ in 0..4 {
            lab.server.advance(Duration::from_secs(600)).unwrap();
            echo(&mut socket).await;
        }
        assert_eq!(row().state, "started");
        drop(socket);
        until("the request has ended", || row().open_requests == 0).await;
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn the_stop_of_a_sandbox_ends_its_connections() {
    for lab in soon(Lab::both()).await {
        let preview = preview(&lab).await;
        let mut socket = socket(&lab, &preview).await;
        assert!(lab.server.force_stop(&lab.id).await);
        let end = soon(socket.next()).await;
        assert!(end.is_none_or(|end| end.is_err()));
        let row = || lab.server.sandbox(&lab.id).unwrap();
        until("the request has ended", || row().open_requests == 0).await;
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn the_end_of_the_server_ends_its_connections() {
    let lab = soon(Lab::new(plain())).await;
    let preview = preview(&lab).await;
    let mut socket = socket(&lab, &preview).await;
    soon(lab.server.shutdown()).await;
    let end = soon(socket.next()).await;
    assert!(end.is_none_or(|end| end.is_err()));
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_request() {
    let lab = soon(Lab::new(plain())).await;
    let preview = preview(&lab).await;
    let path = preview.url.splitn(4, '/').last().unwrap().to_owned();
    // it waits for the body, which never comes
    let head = format!(
        "POST /{path}/body HTTP/1.1\r\nhost: {}\r\n{TOKEN}: {}\r\ncontent-length: 9\r\n\r\n",
        authority(&lab.server),
        preview.token
    );
    let mut stream = TcpStream::connect(authority(&lab.server)).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
        .await
        .unwrap();
    let row = || lab.server.sandbox(&lab.id).unwrap();
    until("it is under way", || row().open_requests == 1).await;
    drop(stream);
    until("it has ended", || row().open_requests == 0).await;
    lab.server.shutdown().await;
}

#[tokio::test]
async fn requests_count_as_activity_unless_they_say_not_to() {
    let lab = soon(Lab::new(plain().manual_clock())).await;
    let preview = preview(&lab).await;
    let active = || lab.server.sandbox(&lab.id).unwrap().last_activity_at;
    let before = active();
    lab.server.advance(Duration::from_secs(60)).unwrap();
    let skip = ("x-daytona-skip-last-activity-update", "true");
    seen(&get(&lab.server, &preview.url, &[(TOKEN, &preview.token), skip]).await);
    assert_eq!(get(&lab.server, &preview.url, &[]).await.status, 401);
    assert_eq!(active(), before);
    seen(&get(&lab.server, &preview.url, &[(TOKEN, &preview.token)]).await);
    assert_eq!(active(), lab.server.clock().now());
    lab.server.shutdown().await;
}
