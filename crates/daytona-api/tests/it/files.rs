//! One file up or down, over real sockets: what comes short, long, from elsewhere, or is refused.

use std::time::{Duration, UNIX_EPOCH};

use daytona_api::ErrorKind;
use daytona_api::api::SecretText;
use daytona_api::{Config, Daytona};

use crate::support::{Do, Server, answer, json};

#[tokio::test]
async fn a_range_is_kept_to_even_where_the_server_does_not() {
    let whole = answer("200 OK", "", "0123456789");
    let part = answer("206 P", "content-range: bytes 2-5/10\r\n", "2345");
    for step in [whole, part] {
        let server = Server::new(vec![step]).await;
        let download = server
            .toolbox()
            .files()
            .download("f")
            .range(2..6)
            .send()
            .await
            .unwrap();
        assert_eq!(download.file_size(), Some(10));
        let bytes = server
            .toolbox()
            .files()
            .download("f")
            .range(2..6)
            .bytes()
            .await
            .unwrap();
        assert_eq!(bytes, "2345");
    }
    let wrong = answer("206 P", "content-range: bytes 4-5/10\r\n", "45");
    let server = Server::new(vec![wrong]).await;
    let error = server
        .toolbox()
        .files()
        .download("f")
        .range(2..6)
        .bytes()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_download_that_is_cut_off_or_too_large_is_an_error() {
    let cut = Do::WriteClose(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec());
    let server = Server::new(vec![cut]).await;
    let error = server
        .toolbox()
        .files()
        .download("f")
        .bytes()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
    let server = Server::new(vec![answer("200 OK", "", "0123456789")]).await;
    let error = server
        .toolbox()
        .files()
        .download("f")
        .limit(5)
        .bytes()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn an_upload_is_sent_once_and_streams_with_its_length() {
    let server = Server::new(vec![json("{}"), Do::Reset, json("{}")]).await;
    let files = server.toolbox().files();
    let pieces =
        futures_util::stream::iter((0..100).map(|_| Ok(bytes::Bytes::from(vec![7; 10_000]))));
    files
        .upload("f", daytona_api::api::Upload::stream(pieces, 1_000_000))
        .await
        .unwrap();
    assert_eq!(server.requests(), 1);
    let error = files.upload("f", "text").await.unwrap_err();
    assert!(error.may_have_reached_server());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_bulk_answer_that_lists_errors_is_an_error() {
    let server = Server::new(vec![json(r#"{"files":[],"errors":["disk full"]}"#)]).await;
    let error = server.toolbox().files().upload("f", "x").await.unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
}

/// The signatures are those of another implementation of HMAC.
#[test]
fn addresses_of_files_are_signed_as_the_proxy_wants_them() {
    let api = Daytona::new(Config::new("key")).unwrap();
    let proxy = "https://proxy.app.daytona.io/toolbox/";
    let files = api.toolbox_at(proxy, "sb-1").unwrap().files();
    let key = SecretText::from("canary-key");
    let until = UNIX_EPOCH + Duration::from_millis(1_900_000_000_999);
    let down = files.signed_download_url("report 1.pdf", &key, Some(until));
    let down = down.unwrap();
    assert_eq!(
        down.expose(),
        "https://proxy.app.daytona.io/toolbox/sb-1/files/download?path=report%201.pdf&expires=1900000000\
         &signature=v1_Myi8v9l62OYZbM0W_RtoiiEqgO11GJ3jTttrmlBI8xo"
    );
    let up = files.signed_upload_url("/srv/ü&?.csv", &key, None).unwrap();
    assert_eq!(
        up.expose(),
        "https://proxy.app.daytona.io/toolbox/sb-1/files/upload-v2?path=/srv/%C3%BC%26%3F.csv&expires=0\
         &signature=v1_zTJ_HqUyyIIR_9BslfL0wdfGTarc3GNXMGVCmgC1e7k"
    );
    assert_eq!(format!("{up:?}"), "SecretText([redacted])");

    let early = UNIX_EPOCH + Duration::from_millis(999);
    for (path, key, expires) in [
        ("", "k", None),
        ("a\0b", "k", None),
        ("a", "", None),
        // 0 would be for ever
        ("a", "k", Some(UNIX_EPOCH)),
        ("a", "k", Some(early)),
        ("a", "k", Some(UNIX_EPOCH - Duration::from_secs(5))),
    ] {
        let refused = files.signed_download_url(path, &key.into(), expires);
        let error = refused.unwrap_err();
        assert!(error.is_build(), "{error}");
    }
}
