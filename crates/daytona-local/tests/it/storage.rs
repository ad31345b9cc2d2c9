//! The object storage as clients of S3 see it: signed in headers or in the query, in one piece or in parts.

mod client;

use daytona_local::{Fault, Isolation, RequestInfo, Server, ServerBuilder};
use http_body_util::Full;
use serde_json::Value;

pub(crate) use client::S3;

use crate::support::{Answer, Client};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn code(answer: &Answer) -> String {
    let text = answer.text();
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    format!(
        "{} {}",
        answer.status,
        code.map_or(text.as_str(), |(code, _)| code)
    )
}

fn element(answer: &Answer, name: &str) -> String {
    let text = answer.text();
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
    rest.split_once("</").unwrap().0.to_owned()
}

async fn start(options: ServerBuilder) -> Server {
    options.isolation(Isolation::None).start().await.unwrap()
}

#[tokio::test]
async fn objects_are_kept_whole_and_listed() {
    let server = start(Server::builder()).await;
    let s3 = S3::of(&server).await;
    let one = s3.path("h1/context.tar");
    assert_eq!(code(&s3.send("GET", &one, "", b"").await), "404 NoSuchKey");
    let missing = s3.send("HEAD", &one, "", b"").await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
    let put = s3.send("PUT", &one, "", b"first").await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert!(put.headers.contains_key("etag"));
    s3.send("PUT", &one, "", b"second!").await;
    s3.send("PUT", &s3.path("h2/context.tar"), "", b"").await;
    let head = s3.send("HEAD", &one, "", b"").await;
    assert_eq!(
        (head.status, &head.headers["content-length"]),
        (200, &"7".parse().unwrap())
    );
    assert_eq!(s3.send("GET", &one, "", b"").await.text(), "second!");
    // with a page of one
    let bucket = "/storage/daytona-local/";
    let prefix = s3.prefix.replace('/', "%2F");
    let query = format!("list-type=2&max-keys=1&prefix={prefix}");
    let page = s3.send("GET", bucket, &query, b"").await;
    assert_eq!(
        element(&page, "Key"),
        format!("{}h1/context.tar", s3.prefix)
    );
    assert_eq!(
        (element(&page, "Size"), element(&page, "IsTruncated")),
        ("7".into(), "true".into())
    );
    let next = element(&page, "NextContinuationToken").replace('/', "%2F");
    let query = format!("continuation-token={next}&list-type=2&prefix={prefix}");
    let page = s3.send("GET", bucket, &query, b"").await;
    assert_eq!(
        element(&page, "Key"),
        format!("{}h2/context.tar", s3.prefix)
    );
    assert_eq!(element(&page, "IsTruncated"), "false");
    server.shutdown().await;
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_is_refused() {
    let server = start(Server::builder().manual_clock()).await;
    let good = S3::of(&server).await;
    let path = good.path("h/context.tar");
    let mut told = Vec::new();
    for wrong in [
        "key",
        "secret",
        "token",
        "bearer",
        "nothing",
        "other organization",
        "other bucket",
        "hash",
        "chunks",
    ] {
        let mut s3 = S3::of(&server).await;
        let answer = match wrong {
            "key" => {
                s3.key.push('x');
                s3.send("PUT", &path, "", b"x").await
            }
            "secret" => {
                s3.secret.push('x');
                s3.send("PUT", &path, "", b"x").await
            }
            "token" => {
                s3.token = good.token.clone();
                s3.send("PUT", &path, "", b"x").await
            }
            "bearer" => s3.client.get(&path).await,
            "nothing" => {
                let request = http::Request::builder()
                    .uri(&path)
                    .header("host", &s3.client.authority);
                s3.client.send(request.body(Full::default()).unwrap()).await
            }
            "other organization" => {
                s3.send("PUT", "/storage/daytona-local/other/h", "", b"x")
                    .await
            }
            "other bucket" => s3.send("PUT", "/storage/other/h", "", b"x").await,
            "hash" => s3.send_as("PUT", &path, "", b"x", EMPTY).await,
            _ => {
                s3.send_as("PUT", &path, "", b"x", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
                    .await
            }
        };
        told.push(format!("{wrong}: {}", code(&answer)));
    }
    server.jump_clock(jiff::SignedDuration::from_hours(1));
    told.push(format!(
        "late: {}",
        code(&good.send("PUT", &path, "", b"x").await)
    ));
    insta::assert_snapshot!(told.join("\n"));
    let fresh = S3::of(&server).await;
    assert_eq!(
        fresh.send("HEAD", &path, "", b"").await.status,
        404,
        "nothing was stored"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn an_upload_in_parts_is_one_object_at_its_end() {
    let server = start(Server::builder()).await;
    let s3 = S3::of(&server).await;
    let path = s3.path("h/context.tar");
    let begun = s3.send("POST", &path, "uploads=", b"").await;
    let id = element(&begun, "UploadId");
    let part = |number: usize| format!("partNumber={number}&uploadId={id}");
    let (first, last) = (vec![b'a'; 5 << 20], vec![b'b'; 10]);
    let small = s3.send("PUT", &path, &part(1), b"small").await;
    let tag = |answer: &Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    let complete = |parts: &[(usize, String)]| {
        let parts: String = parts
            .iter()
            .map(|(number, tag)| {
                format!("<Part><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>")
            })
            .collect();
        format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>").into_bytes()
    };
    let query = format!("uploadId={id}");
    let end = s3.send("PUT", &path, &part(2), &last).await;
    let mut told = Vec::new();
    for (name, body) in [
        ("none", complete(&[])),
        ("no such part", complete(&[(3, tag(&end))])),
        ("another tag", complete(&[(1, tag(&end)), (2, tag(&end))])),
        (
            "out of order",
            complete(&[(2, tag(&end)), (1, tag(&small))]),
        ),
        (
            "a small part",
            complete(&[(1, tag(&small)), (2, tag(&end))]),
        ),
    ] {
        told.push(format!(
            "{name}: {}",
            code(&s3.send("POST", &path, &query, &body).await)
        ));
    }
    told.push(format!(
        "a part 0: {}",
        code(&s3.send("PUT", &path, &part(0), b"x").await)
    ));
    assert_eq!(s3.send("HEAD", &path, "", b"").await.status, 404);
    let begin = s3.send("PUT", &path, &part(1), &first).await;
    let body = complete(&[(1, tag(&begin).replace('"', "&quot;")), (2, tag(&end))]);
    let done = s3.send("POST", &path, &query, &body).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let whole = s3.send("GET", &path, "", b"").await.body;
    assert_eq!(whole.len(), first.len() + last.len());
    assert!(whole.ends_with(b"abbbbbbbbbb"));
    told.push(format!(
        "again: {}",
        code(&s3.send("POST", &path, &query, &body).await)
    ));
    let other = element(&s3.send("POST", &path, "uploads=", b"").await, "UploadId");
    let query = format!("uploadId={other}");
    assert_eq!(s3.send("DELETE", &path, &query, b"").await.status, 204);
    told.push(format!(
        "gone: {}",
        code(&s3.send("DELETE", &path, &query, b"").await)
    ));
    insta::assert_snapshot!(told.join("\n"));
    server.shutdown().await;
}

#[tokio::test]
async fn room_comes_back_and_files_go_with_the_server() {
    let server = start(Server::builder().object_storage(1_000)).await;
    let s3 = S3::of(&server).await;
    let path = s3.path("h/context.tar");
    assert_eq!(
        code(&s3.send("PUT", &path, "", &[0; 1_001]).await),
        "400 EntityTooLarge"
    );
    for _ in 0..3 {
        // the one before counts until it was replaced
        assert_eq!(s3.send("PUT", &path, "", &[0; 500]).await.status, 200);
    }
    assert_eq!(
        code(
            &s3.send("PUT", &s3.path("i/context.tar"), "", &[0; 501])
                .await
        ),
        "400 EntityTooLarge"
    );
    // told from other servers' by what is in it
    let content = s3.secret.as_bytes();
    assert_eq!(s3.send("PUT", &path, "", content).await.status, 200);
    let objects: Vec<_> = std::fs::read_dir(std::env::temp_dir())
        .unwrap()
        .flatten()
        .filter_map(|folder| std::fs::read_dir(folder.path().join("objects")).ok())
        .flat_map(|files| files.flatten())
        .map(|file| file.path())
        .filter(|file| std::fs::read(file).is_ok_and(|bytes| bytes == content))
        .collect();
    let [object] = objects.as_slice() else {
        panic!("not one object: {objects:?}");
    };
    let folder = object.parent().unwrap();
    let beside = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(beside, 1, "nothing is left of those before it");
    server.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn presigned_addresses_are_taken_too() {
    use rusty_s3::actions::{GetObject, PutObject, S3Action};
    use rusty_s3::{Bucket, Credentials, UrlStyle};
    let server = start(Server::builder()).await;
    let s3 = S3::of(&server).await;
    let address = format!("http://{}/storage", s3.client.authority)
        .parse()
        .unwrap();
    let bucket = Bucket::new(address, UrlStyle::Path, "daytona-local", "us-east-1").unwrap();
    let credentials = Credentials::new_with_token(&s3.key, &s3.secret, &s3.token);
    let key = format!("{}h ü+/context.tar", s3.prefix);
    let minute = std::time::Duration::from_secs(60);
    let put = PutObject::new(&bucket, Some(&credentials), &key).sign(minute);
    let get = GetObject::new(&bucket, Some(&credentials), &key).sign(minute);
    let send = async |method: &str, url: &str, body: &'static str| {
        let path = url.split_once(&s3.client.authority).unwrap().1;
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &s3.client.authority);
        s3.client
            .send(request.body(Full::from(body)).unwrap())
            .await
    };
    let (seen, asked) = std::sync::mpsc::channel();
    let filter = move |request: &RequestInfo| seen.send(request.query.clone()).is_err();
    let never = Fault::any().matching(filter).answer(500, "");
    let handle = server.faults().inject(never.always());
    assert_eq!(send("PUT", put.as_str(), "content").await.status, 200);
    let query = asked.recv().unwrap();
    assert!(query.contains("X-Amz-Expires=60"), "{query}");
    for name in ["X-Amz-Security-Token", "X-Amz-Signature"] {
        let hidden = format!("{name}=[redacted]");
        assert!(query.contains(&hidden), "{query}");
    }
    assert!(!query.contains(&s3.token), "{query}");
    assert_eq!(handle.hits(), 0);
    assert_eq!(send("GET", get.as_str(), "").await.text(), "content");
    // for another method, another object, a longer time, without its end
    assert_eq!(
        code(&send("GET", put.as_str(), "").await),
        "403 SignatureDoesNotMatch"
    );
    let other = get.as_str().replace("context.tar", "context.tas");
    assert_eq!(
        code(&send("GET", &other, "").await),
        "403 SignatureDoesNotMatch"
    );
    let longer = get.as_str().replace("Expires=60", "Expires=61");
    assert_eq!(
        code(&send("GET", &longer, "").await),
        "403 SignatureDoesNotMatch"
    );
    let never = get.as_str().replace("Expires=60", "Expires=604801");
    assert_eq!(
        code(&send("GET", &never, "").await),
        "400 AuthorizationQueryParametersError"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_in_place_has_none() {
    let server = Server::builder().start_in_place().unwrap();
    let client = Client::of(&server);
    let request = client.json("GET", "/api/object-storage/push-access", &Value::Null);
    let answer = crate::support::send_over(server.connect(), request)
        .await
        .unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
}
