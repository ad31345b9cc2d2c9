use daytona_api::api::Upload;

use crate::folders::{start, toolbox};

/// The client and the server agree on several files in one request, both ways.
#[tokio::test]
async fn several_files_go_up_and_come_down() {
    let server = start().await;
    let files = toolbox(&server).await.files();

    let odd = "t/a \"b\" ä.bin";
    let tricky = b"\r\n--DAYTONA-FILE-BOUNDARY--\r\n\0\xff".repeat(5000);
    let sent = files
        .upload_many([
            (odd, Upload::from(tricky.clone())),
            ("t/empty", Upload::from("")),
            ("t", Upload::from("a folder is there")),
        ])
        .await
        .unwrap();
    assert_eq!(sent.written.len(), 2, "{sent:?}");
    assert_eq!(sent.errors.len(), 1, "{sent:?}");
    files.upload_v2("t/raw", "raw").await.unwrap();

    let mut all = files
        .download_many([odd, "t/none", "t/empty", "t/raw"])
        .await
        .unwrap();
    let file = all.next_file().await.unwrap().unwrap();
    assert_eq!(
        (file.path.as_str(), file.length),
        (odd, Some(tricky.len() as u64))
    );
    assert!(all.bytes(tricky.len()).await.unwrap() == tricky);
    let file = all.next_file().await.unwrap().unwrap();
    assert_eq!(file.error.and_then(|error| error.status), Some(404));
    assert_eq!(all.next_file().await.unwrap().unwrap().path, "t/empty");
    assert_eq!(all.next_file().await.unwrap().unwrap().path, "t/raw");
    assert_eq!(all.bytes(3).await.unwrap(), "raw");
    assert!(all.next_file().await.unwrap().is_none());
}

/// Whether a server has the whole of a file or nothing at its place, however an upload ends.
#[tokio::test]
async fn a_new_file_is_whole_or_not_there() {
    let server = start().await;
    let files = toolbox(&server).await.files();
    let mut left = Vec::new();
    for pieces in [0, 1, 7] {
        let content = (0..pieces).map(|_| Ok(bytes::Bytes::from(vec![7; 100_000])));
        let broken = content.chain([Err(std::io::Error::other("the source broke"))]);
        let content = Upload::stream(futures_util::stream::iter(broken), 1_000_000);
        let error = files.upload_new("d/f", content).await.unwrap_err();
        left.extend(error.left_behind().map(str::to_owned));
        assert!(files.info("d/f").await.unwrap_err().is_not_found());
    }
    files.upload_new("d/f", "whole").await.unwrap();
    let error = files.upload_new("d/f", "another").await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(files.download("d/f").bytes().await.unwrap(), "whole");
    for file in files.list("d").await.unwrap() {
        let path = format!("d/{}", file.name);
        assert!(
            path == "d/f" || left.contains(&path),
            "{path} lies there untold"
        );
    }
}
