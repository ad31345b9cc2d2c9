//! The requests of S3 that are answered.

use std::sync::Arc;

use futures_util::TryStreamExt;
use http::HeaderName;
use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio_util::io::ReaderStream;

use super::{BUCKET, Object, stored, uploads, xml};
use crate::app::App;
use crate::control::view::{ORGANIZATION, time};
use crate::web::Call;
use crate::web::reply::{Failure, Reply, full};

const XML: &str = "application/xml";
/// The most objects in one page of a list, and the default.
const PAGE: usize = 1_000;
/// A list of ten thousand parts has less.
const MAX_XML: usize = 4 << 20;

pub(crate) async fn handle(app: &Arc<App>, mut call: Call) -> Result<Reply, Failure> {
    if call.param(0) != BUCKET {
        let message = "The specified bucket does not exist";
        return Err(Failure::new(404, "NoSuchBucket", message));
    }
    let route = call.matched.route.unwrap_or_default();
    let key = call.param(1).to_owned();
    let own = format!("{ORGANIZATION}/");
    if route == "listObjectsV2" {
        return list(app, &call, &own);
    }
    if !key.starts_with(&own) {
        let message = "These credentials are for another organization's objects.";
        return Err(Failure::new(403, "AccessDenied", message));
    }
    let id = call.query.get("uploadId").unwrap_or_default().to_owned();
    match route {
        "headObject" | "getObject" => {
            let object = app.storage.lock().objects.get(&key);
            let object = object.ok_or_else(|| {
                Failure::new(404, "NoSuchKey", "The specified key does not exist.")
            })?;
            get(object, route == "getObject").await
        }
        "putObject" => {
            let (pieces, length, wanted) = content(&mut call)?;
            let object = stored::fill(app, pieces, length, wanted.as_deref()).await?;
            let tag = object.etag.clone();
            keep(app, &key, object);
            Ok(Reply::empty(200).header(ETAG, &tag))
        }
        "createMultipartUpload" => {
            let id = uploads::begin(app, &key)?;
            let inside = [("Bucket", BUCKET), ("Key", &key), ("UploadId", &id)];
            Ok(document("InitiateMultipartUploadResult", &inside))
        }
        "uploadPart" => {
            let number = call.query.get("partNumber").unwrap_or_default().to_owned();
            let (pieces, length, wanted) = content(&mut call)?;
            let place = (id.as_str(), number.as_str());
            let tag = uploads::part(app, &key, place, pieces, length, wanted.as_deref()).await?;
            Ok(Reply::empty(200).header(ETAG, &tag))
        }
        "completeMultipartUpload" => {
            let body = text(&mut call).await?;
            let object = uploads::complete(app, &key, &id, &body).await?;
            let tag = object.etag.clone();
            keep(app, &key, object);
            let inside = [("Bucket", BUCKET), ("Key", &key), ("ETag", &tag)];
            Ok(document("CompleteMultipartUploadResult", &inside))
        }
        "abortMultipartUpload" => uploads::abort(app, &key, &id).map(|()| Reply::empty(204)),
        route => Err(Failure::new(
            501,
            "NotImplemented",
            format!("{route} is not served by this embedded server"),
        )),
    }
}

/// The one that was there before is dropped without the lock, which it takes.
fn keep(app: &App, key: &str, object: Object) {
    let old = app.storage.lock().objects.put(key, object);
    drop(old);
}

fn document(root: &str, inside: &[(&str, &str)]) -> Reply {
    let inside: String = inside
        .iter()
        .map(|(name, text)| xml::element(name, text))
        .collect();
    Reply::new(200, XML, full(xml::document(root, &inside).into()))
}

type Pieces = futures_util::stream::BoxStream<'static, Result<bytes::Bytes, hyper::Error>>;

/// What a request brings, how much that is to be, and the hash it is to have.
fn content(call: &mut Call) -> Result<(Pieces, Option<u64>, Option<String>), Failure> {
    let header = |name: &str| {
        let value = call.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let wanted = header("x-amz-content-sha256").filter(|hash| hash != "UNSIGNED-PAYLOAD");
    let hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if wanted.as_deref().is_some_and(|text| !hash(text)) || header("content-encoding").is_some() {
        let message = "a body that is signed piece by piece is not taken by this embedded server";
        return Err(Failure::new(501, "NotImplemented", message));
    }
    let length = header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let body: Option<Incoming> = call.body.take();
    let pieces: Pieces = match body {
        None => Box::pin(futures_util::stream::empty()),
        Some(body) => Box::pin(
            BodyStream::new(body).try_filter_map(|frame| async move { Ok(frame.into_data().ok()) }),
        ),
    };
    Ok((pieces, length, wanted))
}

async fn text(call: &mut Call) -> Result<String, Failure> {
    let malformed = || {
        let message = "The XML you provided was not well-formed.";
        Failure::new(400, "MalformedXML", message)
    };
    let Some(body) = call.body.take() else {
        return Err(malformed());
    };
    let body = http_body_util::Limited::new(body, MAX_XML).collect().await;
    let bytes = body.map_err(|_| malformed())?.to_bytes();
    String::from_utf8(bytes.into()).map_err(|_| malformed())
}

async fn get(object: Object, content: bool) -> Result<Reply, Failure> {
    let size = object.file.size();
    let date = object.modified.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let body = if content {
        let file = tokio::fs::File::open(object.file.path()).await;
        let file = file.map_err(|error| stored::broken(&error))?;
        // the file stays as long as it is read
        let kept = object.file;
        let pieces = ReaderStream::new(file).map_ok(move |piece| {
            let _kept = &kept;
            Frame::data(piece)
        });
        StreamBody::new(pieces).boxed_unsync()
    } else {
        full(bytes::Bytes::new())
    };
    let ranges = HeaderName::from_static("accept-ranges");
    Ok(Reply::new(200, "application/octet-stream", body)
        .header(CONTENT_LENGTH, &size.to_string())
        .header(ETAG, &object.etag)
        .header(LAST_MODIFIED, &date.to_string())
        .header(ranges, "none"))
}

fn list(app: &App, call: &Call, own: &str) -> Result<Reply, Failure> {
    let query = |name: &str| call.query.get(name).unwrap_or_default();
    let prefix = query("prefix");
    // without a prefix all that the credentials are for
    let within = if prefix.is_empty() { own } else { prefix };
    if !within.starts_with(own) {
        let message = "These credentials are for another organization's objects.";
        return Err(Failure::new(403, "AccessDenied", message));
    }
    let most = query("max-keys").parse().unwrap_or(PAGE).clamp(1, PAGE);
    let after = [query("continuation-token"), query("start-after")];
    let after = after.into_iter().find(|text| !text.is_empty());
    let mut contents = String::new();
    let (mut count, mut last, mut more) = (0, String::new(), false);
    for (key, object) in app
        .storage
        .lock()
        .objects
        .list(within, after.unwrap_or_default())
    {
        if count == most {
            more = true;
            break;
        }
        count += 1;
        last.clone_from(key);
        let inside = [
            xml::element("Key", key),
            xml::element("LastModified", &time(object.modified)),
            xml::element("ETag", &object.etag),
            xml::element("Size", &object.file.size().to_string()),
        ];
        contents.push_str(&format!("<Contents>{}</Contents>", inside.concat()));
    }
    let mut inside = [
        xml::element("Name", BUCKET),
        xml::element("Prefix", prefix),
        xml::element("KeyCount", &count.to_string()),
        xml::element("MaxKeys", &most.to_string()),
        xml::element("IsTruncated", if more { "true" } else { "false" }),
    ]
    .concat();
    if more {
        inside.push_str(&xml::element("NextContinuationToken", &last));
    }
    inside.push_str(&contents);
    let body = xml::document("ListBucketResult", &inside);
    Ok(Reply::new(200, XML, full(body.into())))
}
