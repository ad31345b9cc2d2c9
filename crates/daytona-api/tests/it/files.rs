//! One file up or down, over real sockets: what comes short, long, from elsewhere, or is refused.

use daytona_api::ErrorKind;

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
