//! Several files in one request, progress, and a body that is sent again.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use daytona_api::api::{Files, Progress, Upload};
use daytona_api::test_util::Scripted;
use daytona_api::transport::Phase;
use futures_util::stream;

use super::support::{KEY, scripted, show};

const FORM: &str = "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY";

fn files(server: &Scripted) -> Files {
    let proxy = "https://proxy.app.daytona.io/toolbox";
    scripted(server).toolbox_at(proxy, "sb").unwrap().files()
}

fn part(field: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{path}\"; \
         filename*=utf-8''{path}\r\nContent-Length: {length}\r\n\r\n{body}\r\n"
    )
}

const END: &str = "--DAYTONA-FILE-BOUNDARY--\r\n";

#[tokio::test]
async fn several_files_go_up_in_one_request() {
    let server = Scripted::new().json(
        200,
        r#"{"files":[{"path":"a","bytes":1},{"path":"b/c","bytes":5}]}"#,
    );
    let content = stream::iter([Ok(Bytes::from("he")), Ok(Bytes::from("llo"))]);
    let sent = files(&server)
        .upload_many([
            ("a", Upload::from("1")),
            ("b/c", Upload::stream(content, 5)),
        ])
        .await
        .unwrap();
    assert!(sent.is_complete());
    let written: Vec<_> = sent
        .written
        .iter()
        .map(|f| (f.path.as_str(), f.bytes))
        .collect();
    assert_eq!(written, [("a", Some(1)), ("b/c", Some(5))]);
    insta::assert_snapshot!(show(&server.requests()[0]));
}

#[tokio::test]
async fn what_could_not_be_written_is_told_file_by_file() {
    let some = format!(
        r#"{{"errors":["b: permission denied {KEY}"],"files":[{{"path":"a","bytes":1}}]}}"#
    );
    let server = Scripted::new()
        .json(400, some)
        .json(
            400,
            r#"{"message":"request body must be a multipart form"}"#,
        )
        .json(200, "");
    let files = files(&server);
    let sent = files.upload_many([("a", "1"), ("b", "2")]).await.unwrap();
    assert!(!sent.is_complete());
    assert_eq!(sent.written.len(), 1);
    assert!(sent.errors[0].starts_with("b: permission denied"));
    assert!(!format!("{sent:?}").contains(KEY), "{sent:?}");

    let refused = files.upload_many([("a", "1")]).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    assert!(refused.message().unwrap().contains("multipart"));
    // an older server says nothing
    assert!(files.upload_many([("a", "1")]).await.unwrap().is_complete());
}

#[tokio::test]
async fn several_files_come_down_in_one_answer() {
    let reason = format!(
        r#"{{"statusCode":404,"message":"file not found {KEY}","code":"FILE_NOT_FOUND","path":"no"}}"#
    );
    let body = [
        part("file", "a", "one\r\n--DAYTONA-FILE-BOUNDARY--\r\n"),
        part("error", "no", &reason),
        part("file", "skipped", "not read"),
        part("file", "empty", ""),
        END.to_owned(),
    ]
    .concat();
    let server = Scripted::new().answer(200, &[("content-type", FORM)], body);
    let mut all = files(&server)
        .download_many(["a", "no", "skipped", "empty"])
        .await
        .unwrap();
    let file = all.next_file().await.unwrap().unwrap();
    assert_eq!(
        (file.path.as_str(), file.length, file.error),
        ("a", Some(32), None)
    );
    assert_eq!(
        all.bytes(1000).await.unwrap(),
        "one\r\n--DAYTONA-FILE-BOUNDARY--\r\n"
    );
    let file = all.next_file().await.unwrap().unwrap();
    let error = file.error.unwrap();
    assert_eq!(
        (file.path.as_str(), error.status, error.code.as_deref()),
        ("no", Some(404), Some("FILE_NOT_FOUND"))
    );
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    assert!(all.next().await.unwrap().is_none(), "it has no bytes");
    assert_eq!(all.next_file().await.unwrap().unwrap().path, "skipped");
    assert_eq!(all.next_file().await.unwrap().unwrap().path, "empty");
    assert_eq!(all.bytes(0).await.unwrap(), "");
    assert!(all.next_file().await.unwrap().is_none());
    assert!(all.next_file().await.unwrap().is_none());
    insta::assert_snapshot!(show(&server.requests()[0]));
}

#[tokio::test]
async fn an_answer_that_is_wrong_is_never_taken_for_whole() {
    let whole = [part("file", "a", "text"), END.to_owned()].concat();
    let few = [part("file", "a", "text"), END.to_owned()].concat();
    let foreign = [part("file", "/etc/passwd", "text"), END.to_owned()].concat();
    let longer = whole.replace("Content-Length: 4", "Content-Length: 3");
    let cut = whole[..whole.len() - 4].to_owned();
    for (body, paths, wanted) in [
        (cut, vec!["a"], "cut off"),
        (few, vec!["a", "b"], "before all files"),
        (foreign, vec!["a"], "not asked for"),
        (longer, vec!["a"], "longer than it says"),
    ] {
        let server = Scripted::new().answer(200, &[("content-type", FORM)], body);
        let mut all = files(&server).download_many(paths).await.unwrap();
        let error = loop {
            match all.next_file().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("taken for whole: {wanted}"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let server = Scripted::new().json(200, "{}");
    let error = files(&server).download_many(["a"]).await.unwrap_err();
    assert!(error.to_string().contains("something else"), "{error}");
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = Scripted::new();
    let files = files(&server);
    let none: [(&str, &str); 0] = [];
    assert!(files.upload_many(none).await.unwrap_err().is_build());
    assert!(
        files
            .upload_many([("a\nb", "")])
            .await
            .unwrap_err()
            .is_build()
    );
    assert!(files.upload_v2("", "").await.unwrap_err().is_build());
    assert!(files.download_many([""]).await.unwrap_err().is_build());
    assert!(
        files
            .download_many(["a", "a"])
            .await
            .unwrap_err()
            .is_build()
    );
    assert!(
        files
            .download_many(Vec::<String>::new())
            .await
            .unwrap_err()
            .is_build()
    );
    assert!(server.requests().is_empty());
}

/// A watcher, and what it saw.
fn watcher() -> (
    impl FnMut(Progress) + Send + 'static,
    Arc<Mutex<Vec<Progress>>>,
) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    (move |progress| notes.lock().unwrap().push(progress), seen)
}

#[tokio::test]
async fn progress_is_told_and_ends_at_the_length() {
    let server = Scripted::new()
        .json(200, r#"{"name":"f","path":"f","type":"file"}"#)
        .json(200, "{}")
        .answer(200, &[("content-length", "5")], "01234");
    let files = files(&server);
    let (watch, seen) = watcher();
    let content = Upload::from(vec![7; 150_000]).on_progress(watch);
    files.upload_v2("f", content).await.unwrap();
    let sent: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|p| (p.bytes, p.total))
        .collect();
    assert_eq!(
        sent,
        [
            (65_536, Some(150_000)),
            (131_072, Some(150_000)),
            (150_000, Some(150_000))
        ]
    );

    let (watch, seen) = watcher();
    files
        .upload("f", Upload::from("text").on_progress(watch))
        .await
        .unwrap();
    assert_eq!(seen.lock().unwrap().last().map(|p| p.bytes), Some(4));

    let (watch, seen) = watcher();
    let part = files.download("f").range(1..4).on_progress(watch);
    assert_eq!(part.bytes().await.unwrap(), "123");
    assert_eq!(
        seen.lock().unwrap().last().map(|p| (p.bytes, p.total)),
        Some((3, Some(3)))
    );
}

/// What never left is sent again, and with its content.
#[tokio::test(start_paused = true)]
async fn a_repeated_upload_has_its_bytes() {
    let server = Scripted::new().fail(Phase::Connect).json(200, "{}");
    files(&server).upload("f", "text").await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(String::from_utf8_lossy(requests[1].body()).contains("\r\n\r\ntext\r\n--"));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_cut_off_says_what_may_be_there() {
    let server = Scripted::new()
        .fail(Phase::Exchange)
        .answer(503, &[], "")
        .fail(Phase::Body);
    let files = files(&server);
    for path in ["a", "b"] {
        let error = files.upload(path, "text").await.unwrap_err();
        assert_eq!(error.left_behind(), Some(path));
    }
    let error = files.upload_v2("c", "text").await.unwrap_err();
    assert_eq!(error.left_behind(), Some("c"));
    assert_eq!(server.requests().len(), 3, "sent at most once each");
    // what never left has left nothing
    let error = files.upload("d", "text").await.unwrap_err();
    assert!(error.is_connect());
    assert_eq!(error.left_behind(), None);
}

#[tokio::test(start_paused = true)]
async fn a_new_file_is_never_there_in_part() {
    // cut off, and removed
    let server = Scripted::new().fail(Phase::Exchange).json(204, "");
    let error = files(&server).upload_new("d/f", "text").await.unwrap_err();
    assert_eq!(error.left_behind(), None);
    let seen = server.requests();
    let deleted = seen[1].query().unwrap();
    assert_eq!((seen.len(), seen[1].method()), (2, "DELETE"));
    assert!(deleted.starts_with("path=d/.daytona-"), "{deleted}");
    assert!(!String::from_utf8_lossy(seen[0].body()).contains("d/f"));

    // cut off, and it cannot be told whether it is gone
    let server = Scripted::new().fail(Phase::Exchange).answer(403, &[], "");
    let error = files(&server).upload_new("/d/f", "text").await.unwrap_err();
    let left = error.left_behind().unwrap();
    assert!(left.starts_with("/d/.daytona-"), "{left}");

    // it is not there, but a server may be about to make it
    let server = Scripted::new().fail(Phase::Exchange).answer(404, &[], "");
    let error = files(&server).upload_new("f", "text").await.unwrap_err();
    assert!(error.left_behind().unwrap().starts_with(".daytona-"));

    // the place is taken
    let server = Scripted::new()
        .json(200, "{}")
        .answer(409, &[], "")
        .answer(404, &[], "");
    let error = files(&server).upload_new("f", "text").await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(error.left_behind(), None);
    assert_eq!(server.requests().len(), 3);
}
