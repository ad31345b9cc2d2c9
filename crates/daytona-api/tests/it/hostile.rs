//! Answers that are made to hurt: each ends with an error of its kind, after a bounded number of bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use daytona_api::test_util::Scripted;
use daytona_api::{Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::scripted;

const FORM: &str = "multipart/form-data; boundary=B";
const HEAD: &str = "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n";

/// What becomes of a download of `a` that is answered so.
async fn several(kind: &str, body: String) -> Error {
    let server = Scripted::new().answer(200, &[("content-type", kind)], body);
    let toolbox = scripted(&server).toolbox_at("https://proxy.app.daytona.io/toolbox", "x");
    let got = toolbox.unwrap().files().download_many(["a"]).await;
    let mut all = match got {
        Ok(all) => all,
        Err(error) => return error,
    };
    match all.next_file().await {
        Ok(file) => {
            assert_eq!(file.unwrap().path, "a");
            // at most this much is kept of a file
            all.bytes(1 << 20).await.unwrap_err()
        }
        Err(error) => error,
    }
}

#[tokio::test]
async fn malformed_forms_are_refused() {
    let long = "x".repeat(1 << 20);
    for (kind, body, wanted, text) in [
        (
            "multipart/form-data",
            HEAD.to_owned(),
            ErrorKind::Decode,
            "something else",
        ),
        (
            "multipart/form-data; boundary=\"\"",
            HEAD.to_owned(),
            ErrorKind::Decode,
            "something else",
        ),
        (
            "multipart/form-data; boundary=A",
            HEAD.to_owned(),
            ErrorKind::Decode,
            "cut off",
        ),
        (
            "multipart/form-data; boundary=A",
            format!("{HEAD}{long}"),
            ErrorKind::Decode,
            "no boundary",
        ),
        (FORM, HEAD.to_owned(), ErrorKind::Decode, "cut off"),
        (FORM, HEAD[..20].to_owned(), ErrorKind::Decode, "cut off"),
        (
            FORM,
            "--Bx\r\n".to_owned(),
            ErrorKind::Decode,
            "behind a boundary",
        ),
        (
            FORM,
            format!("{HEAD}x-long: {long}\r\n\r\n"),
            ErrorKind::Decode,
            "too long",
        ),
        (
            FORM,
            format!("{HEAD}{}", "x: y\r\n".repeat(100_000)),
            ErrorKind::Decode,
            "too long",
        ),
        (
            FORM,
            format!("{HEAD}no colon\r\n\r\n"),
            ErrorKind::Decode,
            "without a colon",
        ),
        (
            FORM,
            format!("{HEAD}content-length: -1\r\n\r\n"),
            ErrorKind::Decode,
            "no number",
        ),
        (
            FORM,
            format!("{HEAD}content-length: 99\r\n\r\nfew"),
            ErrorKind::Decode,
            "cut off",
        ),
        (
            FORM,
            "--B\r\ncontent-disposition: form-data\r\n\r\n".to_owned(),
            ErrorKind::Decode,
            "without a name",
        ),
        (
            FORM,
            "--B--\r\n".to_owned(),
            ErrorKind::Decode,
            "before all files",
        ),
        // a part without an end, of a file and of a reason
        (
            FORM,
            format!("{HEAD}\r\n{long}{long}"),
            ErrorKind::TooLarge,
            "larger than 1048576",
        ),
        (
            FORM,
            format!("{}\r\n{long}", HEAD.replace("\"file\"", "\"error\"")),
            ErrorKind::TooLarge,
            "larger than 65536",
        ),
    ] {
        let error = several(kind, body).await;
        assert_eq!(error.kind(), wanted, "{error}");
        assert!(error.to_string().contains(text), "{error}: {text}");
        assert!(error.may_have_reached_server());
    }
}

/// Sends `head`, then the same bytes up to a GiB or until the client goes, and counts them.
async fn flood(head: &'static str, piece: Vec<u8>) -> (Error, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let _ = stream.write_all(head.as_bytes()).await;
        while count.load(Ordering::SeqCst) < 1 << 30 {
            if stream.write_all(&piece).await.is_err() {
                return;
            }
            count.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
    });
    let config = daytona_api::Config::new(crate::support::KEY)
        .api_url(format!("http://127.0.0.1:{port}/api"));
    let api = daytona_api::Daytona::new(config).unwrap();
    let error = api.sandboxes().get("x").await.unwrap_err();
    drop(api);
    while tasks.join_next().await.is_some() {}
    (error, sent.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_gib_is_not_read() {
    // what a server may send on top of the limit of 8 MiB before it notices: the buffers of both sockets
    const MOST: u64 = 24 << 20;
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{\"a\":\"";
    let (error, sent) = flood(long, vec![b'x'; 64 << 10]).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(sent < MOST, "{sent}");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n{\"a\":\"\r\n";
    let piece = [b"10000\r\n".as_slice(), &[b'x'; 64 << 10], b"\r\n"].concat();
    let (error, sent) = flood(chunked, piece).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(sent < MOST, "{sent}");
}

#[tokio::test]
async fn no_depth_exhausts_the_stack() {
    const DEPTH: usize = 100_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for member in ["later", "labels", "id", "state", "buildInfo"] {
            let deep = format!(
                r#"{{"{member}":{}1{}}}"#,
                open.repeat(DEPTH),
                close.repeat(DEPTH)
            );
            for status in [200, 400] {
                let server = Scripted::new().json(status, deep.as_str());
                let error = scripted(&server).sandboxes().get("x").await.unwrap_err();
                let wanted = if status == 200 {
                    ErrorKind::Decode
                } else {
                    ErrorKind::Status
                };
                assert_eq!(error.kind(), wanted, "{member}");
            }
        }
    }
}

/// Nobody asked for it to be packed, so it is not unpacked.
#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    let packed = [
        ("content-encoding", "gzip"),
        ("content-type", "application/json"),
    ];
    let server = Scripted::new().answer(200, &packed, &b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..]);
    let error = scripted(&server).sandboxes().get("x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let asked = server.requests();
    assert_eq!(asked[0].header("accept-encoding"), None);
}
